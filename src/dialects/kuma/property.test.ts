import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { idOf, recognizeKinds, toKubernetes } from './envelope.ts'
import { readKumaFile } from './file.ts'
import { type Kind, KUMA } from './kinds.ts'
import { concealClientKey, editableValue, normaliseValue, prepareValue } from './own-form.ts'
import { readDataplane } from './read-dataplane.ts'
import { readExternalService } from './read-external-service.ts'
import { readMesh } from './read-mesh.ts'
import { readTrafficRoute } from './read-traffic-route.ts'
import { listReferences } from './references.ts'
import { listSplits } from './splits.ts'
import { summarizeValue } from './summary.ts'
import { yaml } from './testing.ts'
import { fieldWarnings, validate } from './validate.ts'

/** Resources with every field that there is. */
const RESOURCES: readonly (readonly [kind: Kind, text: string])[] = [
  [
    'meshes',
    'type: Mesh\nname: m\nrouting: {localityAwareLoadBalancing: true}\nskipCreatingInitialPolicies: [TrafficRoute]',
  ],
  [
    'dataplanes',
    `
type: Dataplane
mesh: m
name: d
networking:
  address: 10.1.0.7
  advertisedAddress: 203.0.113.9
  admin: {port: 9901}
  inbound:
  - port: 9000
    servicePort: 8080
    serviceAddress: 127.0.0.1
    address: 10.1.0.8
    health: {ready: false}
    state: NotReady
    serviceProbe: {interval: 1s, timeout: 2s, healthyThreshold: 1, unhealthyThreshold: 1, tcp: {}}
    tags: {kuma.io/service: site, kuma.io/protocol: http, version: v1}
  outbound:
  - {port: 10001, address: 127.0.0.2, tags: {kuma.io/service: cart}}
`,
  ],
  [
    'dataplanes',
    '{type: Dataplane, mesh: m, name: g, networking: {address: a, gateway: {type: DELEGATED, tags: {kuma.io/service: e}}}}',
  ],
  [
    'external-services',
    '{type: ExternalService, mesh: m, name: e, tags: {kuma.io/service: e}, networking: {address: "[::1]:443", tls: {enabled: true, serverName: x, allowRenegotiation: true, skipHostnameVerification: true}}}',
  ],
  [
    'traffic-routes',
    `
type: TrafficRoute
mesh: m
name: r
sources: [{match: {kuma.io/service: site, version: "*"}}]
destinations: [{match: {kuma.io/service: cart}}]
conf:
  destination: {kuma.io/service: cart}
  loadBalancer: {ringHash: {hashFunction: XX_HASH, minRingSize: 128, maxRingSize: 4096, hashPolicies: [{type: Cookie, cookie: {name: c, ttl: 1h}}]}}
  timeout: {connectTimeout: 1s, idleTimeout: 1h, http: {requestTimeout: 15s}}
  retry: {numRetries: 2, perTryTimeout: 1s, retriableStatusCodes: [503]}
  http:
  - match: {method: {regex: GET|HEAD}, path: {prefix: /a}, headers: {x: {exact: gold}}, queryParameters: {v: {prefix: a}}}
    modify:
      path: {rewritePrefix: /b}
      host: {fromPath: {pattern: ^/(x), substitution: '\\1'}}
      requestHeaders: {add: [{name: a, value: b, append: true}], remove: [{name: c}]}
    mirror: {percentage: 10, destination: {kuma.io/service: copy}}
    split: [{weight: 90, destination: {kuma.io/service: cart}}, {weight: 10, destination: {kuma.io/service: cart, v: "2"}}]
`,
  ],
]

const odd: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constantFrom<(JsonValue | undefined)[]>(
    undefined,
    null,
    '',
    0,
    -1,
    1,
    1.5,
    70_000,
    true,
    false,
    '*',
    'Ignored',
    'BUILTIN',
    '5s',
    '-1s',
    '(',
    '\\1',
    'a:1',
    '127.0.0.1',
    [],
    {},
    [null],
    [{}],
    { 'kuma.io/service': 'x' },
    { exact: '' },
    { regex: 'a' },
    { maglev: {} },
  ),
  fc.string({ maxLength: 8 }),
)

type Place = readonly (string | number)[]

function placesIn(value: JsonValue, path: Place = []): readonly Place[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = isJsonObject(value) ? Object.keys(value) : (value as readonly JsonValue[]).keys()
  const inner = [...keys].flatMap((key) =>
    placesIn((value as Readonly<Record<string, JsonValue>>)[key] ?? null, [...path, key]),
  )
  return [path, ...inner]
}

/** undefined takes the field away. */
function replaceAt(
  value: JsonValue,
  [key, ...rest]: Place,
  by: JsonValue | undefined,
): JsonValue | undefined {
  if (key === undefined) return by
  const inner = replaceAt((value as Readonly<Record<string, JsonValue>>)[key] ?? null, rest, by)
  if (Array.isArray(value))
    return (value as readonly JsonValue[]).flatMap((item, i) =>
      i !== key ? [item] : inner === undefined ? [] : [inner],
    )
  const { [key]: _, ...others } = value as JsonObject
  return inner === undefined ? others : { ...(value as JsonObject), [key]: inner }
}

function read(kind: Kind, value: JsonObject): object {
  switch (kind) {
    case 'meshes':
      return readMesh(value)
    case 'dataplanes':
      return readDataplane(value)
    case 'external-services':
      return readExternalService(value)
    case 'traffic-routes':
      return readTrafficRoute(value)
  }
}

/** Every number and text in what was read. */
function leaves(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value]
}

test('whatever validates can be read, and nothing throws for what does not', () => {
  let accepted = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...RESOURCES),
      fc.array(fc.tuple(fc.nat(10_000), odd), { maxLength: 2 }),
      ([kind, text], edits) => {
        let edited: JsonValue = yaml(text)
        for (const [place, by] of edits) {
          const places = placesIn(edited)
          edited = replaceAt(edited, places[place % places.length] ?? [], by) ?? {}
        }
        const faults = validate(kind, edited, DEFAULT_SETTINGS)
        for (const { path, message } of faults)
          assert.ok(message !== '' && !path.includes('undefined') && !message.includes('undefined'), message)
        readKumaFile(edited)
        if (!isJsonObject(edited)) return assert.ok(faults.length > 0)
        const key = { dialect: KUMA, kind, id: 'm:x' }
        const stored: StoredDocument = {
          key,
          value: edited,
          createdRevision: 1,
          modifiedRevision: 1,
          expiresAtMs: null,
        }
        listSplits(stored)
        listReferences(kind, edited)
        summarizeValue(kind, edited)
        fieldWarnings(kind, edited)
        recognizeKinds(edited)
        concealClientKey(edited)
        idOf(kind, edited)
        const normal = normaliseValue(kind, edited)
        assert.deepEqual(normaliseValue(kind, normal), normal)
        const made = prepareValue(kind, key.id, edited, stored, 0)
        if (faults.length > 0) return
        accepted++
        assert.deepEqual(validate(kind, made, DEFAULT_SETTINGS), [])
        assert.deepEqual(validate(kind, toKubernetes(kind, made), DEFAULT_SETTINGS), [])
        const result = read(kind, made)
        assert.ok(leaves(result).every((leaf) => leaf !== undefined && !Number.isNaN(leaf)))
        assert.deepEqual(
          read(kind, prepareValue(kind, key.id, editableValue(kind, made), { ...stored, value: made }, 5)),
          result,
        )
      },
    ),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 300, String(accepted))
})
