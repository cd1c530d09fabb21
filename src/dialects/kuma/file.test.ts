import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import type { JsonValue } from '../../model/json.ts'
import type { FileDocument } from '../dialect.ts'
import { readKumaFile, writeKumaFile } from './file.ts'
import { yaml } from './testing.ts'

function readAll(text: string): FileDocument[] {
  return parseAllDocuments(text).flatMap((part) => {
    const found = readKumaFile(part.toJS() as JsonValue)
    assert.deepEqual(found?.faults ?? [], [])
    return (found?.documents ?? []).map(({ kind, id, value }) => ({ kind, id, value }))
  })
}

const FILE = `
type: TrafficRoute
name: b
conf: {destination: {kuma.io/service: cart}}
creationTime: "2020-01-01T00:00:00Z"
---
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: prod
metadata: {name: a}
spec: {conf: {destination: {kuma.io/service: cart}}}
---
type: Mesh
name: prod
---
type: Dataplane
name: d
mesh: prod
networking: {address: 127.0.0.1}
`

test('resources of both forms stand in one file, and are written one after the other', () => {
  const documents = readAll(FILE)
  assert.deepEqual(
    documents.map(({ kind, id }) => `${kind}/${id}`),
    ['traffic-routes/default:b', 'traffic-routes/prod:a', 'meshes/prod', 'dataplanes/prod:d'],
  )
  const text = writeKumaFile(documents)
  assert.equal(
    text,
    `type: Mesh
name: prod
---
type: Dataplane
name: d
mesh: prod
networking:
  address: "127.0.0.1"
---
type: TrafficRoute
mesh: default
name: b
conf:
  destination:
    kuma.io/service: cart
---
type: TrafficRoute
mesh: prod
name: a
conf:
  destination:
    kuma.io/service: cart
`,
  )
  const byId = (list: readonly FileDocument[]): readonly FileDocument[] =>
    list.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  assert.deepEqual(byId(readAll(text)), byId(documents))
  assert.equal(writeKumaFile(documents.toReversed()), text)
  assert.deepEqual(readAll(writeKumaFile([])), [])
})

test('lists of resources are read, as kubectl and kumactl give them', () => {
  const text = `
apiVersion: v1
kind: List
items:
- {apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}, spec: {}}
- {apiVersion: v1, kind: ConfigMap}
- 1
- {type: TrafficRoute, name: r, mesh: m}
`
  const found = readKumaFile(yaml(text))
  assert.deepEqual(
    found?.documents.map(({ kind, id, path }) => [kind, id, path]),
    [
      ['meshes', 'm', 'items[0].spec'],
      ['traffic-routes', 'm:r', 'items[3]'],
    ],
  )
  assert.deepEqual(
    found?.faults.map(({ path }) => path),
    ['items[1]', 'items[2]'],
  )
  assert.equal(readKumaFile(yaml('{kind: List, items: [{apiVersion: v1, kind: ConfigMap}]}')), null)
  assert.equal(readKumaFile(yaml('{items: []}')), null)
})

test('paths lead to the spec of the Kubernetes form', () => {
  const [resource] =
    readKumaFile(yaml('{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}}'))?.documents ?? []
  assert.equal(resource?.path, 'spec')
})

test('what is no resource of a mesh belongs to others, and what nearly is one is told', () => {
  for (const text of [
    '[]',
    '1',
    '{}',
    '{type: Zone}',
    '{type: roundrobin, name: u}',
    '{apiVersion: v1, kind: Secret, type: Secret, name: x}',
  ])
    assert.equal(readKumaFile(yaml(text)), null, text)
  const fault = (text: string): string => {
    const found = readKumaFile(yaml(text))
    assert.deepEqual(found?.documents, [])
    return (found?.faults ?? []).map(({ path, message, hint }) => `${path}: ${message} (${hint})`).join('\n')
  }
  assert.equal(
    fault('{type: Timeout, name: t, mesh: default}'),
    'type: Timeout is not served here (write conf.timeout of a TrafficRoute)',
  )
  assert.equal(
    fault('{apiVersion: kuma.io/v1alpha1, kind: TrafficPermission, metadata: {name: t}}'),
    'kind: TrafficPermission is not served here (known: Mesh, ExternalService, Dataplane, TrafficRoute)',
  )
  assert.equal(
    fault('{type: TraficRoute, name: t}'),
    'type: TraficRoute is no resource of a mesh (did you mean TrafficRoute?)',
  )
  assert.match(
    fault('{apiVersion: kuma.io/v1alpha1, kind: Odd}'),
    /^kind: Odd is no resource of a mesh \(known/,
  )
  assert.match(fault('{type: Mesh}'), /^name: needs a name/)
  assert.match(fault('{apiVersion: kuma.io/v1alpha1, kind: Mesh}'), /^metadata.name: needs a name/)
})
