import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { formatPlace } from '../store/files/file-reader.ts'
import { readWanted } from './wanted-documents.ts'

async function read(text: string) {
  const io = { readInput: async () => text, environment: { PORT: '80' } }
  const { documents, faults } = await readWanted('-', dialects, io)
  return {
    keys: documents.map(({ key }) => `${key.dialect}/${key.kind}/${key.id}`),
    values: documents.map(({ value }) => value),
    faults: faults.map(
      ({ place, path, message, hint }) => `${formatPlace(place)} ${path}: ${message} (${hint})`,
    ),
  }
}

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-wanted-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const IO = { readInput: async () => '', environment: {} }

test('reads files of lists, several YAML documents, JSON, and fills in the environment', async () => {
  const { keys, values } = await read(
    `routes:\n- {id: 1, uri: /a, upstream: {nodes: {"a:1": 1}}}\n---\n{"upstreams": [{"id": "u", "nodes": [{"host": "a", "port": "\${{PORT}}", "weight": 1}]}]}\n`,
  )
  assert.deepEqual(keys, ['apisix/routes/1', 'apisix/upstreams/u'])
  assert.equal((values[1] as { nodes: { port: number }[] }).nodes[0]?.port, 80)
})

test('recognises a single document by its keys, or by the kind it names, which is no part of it', async () => {
  for (const [text, key] of [
    ['{"id": "1", "uri": "/a", "upstream": {"nodes": {"a:1": 1}}}', 'apisix/routes/1'],
    ['id: 1\nuris: [/a]\nservice_id: s', 'apisix/routes/1'],
    ['id: u\nnodes: {"a:1": 1}', 'apisix/upstreams/u'],
    ['kind: route\nid: 2\nuri: /a', 'apisix/routes/2'],
    ['kind: apisix/plugin_configs\nid: p\nplugins: {}', 'apisix/plugin_configs/p'],
    ['kind: service\nid: s\nplugins: {}', 'apisix/services/s'],
  ] as const) {
    const { keys, values, faults } = await read(text)
    assert.deepEqual([keys, faults], [[key], []], text)
    assert.ok(!('kind' in (values[0] as object)))
  }
})

test('says what a single document lacks', async () => {
  for (const [text, fault] of [
    [
      'uri: /a\nupstream_id: u',
      /^<stdin>:1:1 : this is a route without an id \(give it one, such as id: my-route\)/,
    ],
    ['id: 1\nplugins: {}', /this may be a service or a plugin_config \(say which: kind: service\)/],
    ['id: 1\nkind: rote\nuri: /a', /^<stdin>:2:7 kind: rote is no kind of document \(did you mean route\?\)/],
    ['a: 1', /the file is in no form that is known here/],
    ['just words', /the file is in no form that is known here/],
    ['routes:\n- {uri: /a}', /^<stdin>:2:3 routes\[0\]: this route has no id/],
    ['routes: [', /^<stdin>:/],
  ] as const) {
    const { faults } = await read(text)
    assert.match(faults.join('\n'), fault, text)
  }
})

test('a file that is no text, an empty directory and a target that is not there are one line each', async (t) => {
  const directory = folder(t)
  await assert.rejects(readWanted(directory, dialects, IO), /no configuration file is in it/)
  await assert.rejects(readWanted(join(directory, 'none'), dialects, IO), /cannot be read: ENOENT/)
  const binary = join(directory, 'x.yaml')
  writeFileSync(binary, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0xff, 0xfe, 10, 10]))
  const { faults } = await readWanted(binary, dialects, IO)
  assert.deepEqual(
    faults.map(({ message }) => message),
    ['is no text: it holds bytes that are not UTF-8'],
  )
  writeFileSync(binary, 'gateway: {workers: 1}\n')
  await assert.rejects(readWanted(binary, dialects, IO), /there is no document in it/)
  mkdirSync(join(directory, 'sub'))
})

test('the same document in two files is a fault that names both places', async (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'a.yaml'), 'upstreams:\n- {id: u, nodes: {"a:1": 1}}\n')
  writeFileSync(join(directory, 'b.json'), '{"id": "u", "nodes": {"a:1": 1}}')
  const { faults } = await readWanted(directory, dialects, IO)
  assert.match(faults[0]?.message ?? '', /already defined at .*a\.yaml:2:3/)
})
