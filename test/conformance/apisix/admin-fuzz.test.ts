// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStage, type Stage } from './stage.ts'

/**
 * Documents with a few values exchanged for others: whatever is sent is taken or refused with a reason, what is taken can be served, and what
 * is served still answers. HEADGATE_FUZZ_DOCUMENTS sets how many (400), HEADGATE_FUZZ_SEED where the numbers begin.
 */

const COUNT = Number(process.env.HEADGATE_FUZZ_DOCUMENTS ?? 400)
const SEED = Number(process.env.HEADGATE_FUZZ_SEED ?? Date.now() % 1_000_000)

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())

/** A small generator (mulberry32), so that a seed repeats a run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  1e300,
  2 ** 53,
  '',
  'x',
  '/',
  '/*',
  '*',
  '/a/*/b',
  '$uri',
  '${',
  '$1',
  '(',
  '[',
  '\n',
  '\u0000',
  'ü',
  'x'.repeat(300),
  '127.0.0.1',
  '::1/64',
  'constructor',
  [],
  {},
  [[]],
  [{}],
  { weight: 1 },
  ['OR', ['arg_a', '==', '1'], ['arg_b', '~~', '^x']],
  [['arg_a', '!', 'in', ['1']]],
  [['post_arg.a[*].b', 'has', 1]],
]

type Node = Record<string, unknown> | unknown[]

function mutate(document: unknown, random: () => number): unknown {
  const copy = structuredClone(document)
  const places: (readonly [Node, string])[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, inner] of Object.entries(node)) {
      places.push([node as Node, key])
      walk(inner)
    }
  }
  walk(copy)
  const changes = random() < 0.7 ? 1 : 3
  for (let i = 0; i < changes; i++) {
    const [node, key] = places[Math.floor(random() * places.length)] as readonly [Node, string]
    const value = structuredClone(VALUES[Math.floor(random() * VALUES.length)])
    if (random() < 0.15 && !Array.isArray(node)) node[`${key}x`] = value
    else if (random() < 0.1 && !Array.isArray(node)) delete node[key]
    else (node as Record<string, unknown>)[key] = value
  }
  return copy
}

function seeds(): Readonly<Record<string, unknown>> {
  const upstream = {
    type: 'roundrobin',
    nodes: [
      { host: '127.0.0.1', port: stage.backends.a.port, weight: 2, priority: 1 },
      { host: 'localhost', port: stage.backends.b.port, weight: 1 },
    ],
    retries: 1,
    retry_timeout: 2,
    timeout: { connect: 1, send: 1, read: 1 },
    pass_host: 'rewrite',
    upstream_host: 'up.example',
    keepalive_pool: { size: 3, idle_timeout: 5, requests: 9 },
    labels: { a: 'b' },
  }
  const plugins = {
    'traffic-split': {
      _meta: { filter: [['arg_s', '~=', '0']], error_response: { a: 1 } },
      rules: [
        {
          match: [
            {
              vars: [
                ['arg_x', '==', '1'],
                ['http_y', '>', 3],
              ],
            },
            { vars: [] },
          ],
          weighted_upstreams: [
            { upstream: { nodes: { [stage.backends.c.node]: 1 } }, weight: 2 },
            { upstream_id: 'u', weight: 1 },
            { weight: 1 },
          ],
        },
      ],
    },
    'proxy-rewrite': {
      regex_uri: ['^/a/(.*)', '/b/$1?x=1'],
      method: 'PUT',
      host: 'h.example',
      headers: { add: { 'X-A': ['$1', '${arg_x ?? no}'] }, set: { 'X-B': 1 }, remove: ['X-C'] },
    },
    redirect: { regex_uri: ['^/r/(.*)', '/$1'], ret_code: 308, encode_uri: true },
    'response-rewrite': {
      status_code: 200,
      body: 'aGk=',
      body_base64: true,
      vars: [['status', '==', 404]],
      headers: { add: ['X-D: $status'], set: { 'X-E': '$uri' }, remove: ['X-F'] },
    },
  }
  return {
    routes: {
      uris: ['/fuzz/*', '/fuzz'],
      hosts: ['*.fuzz.example', 'fuzz.example'],
      methods: ['GET', 'POST'],
      remote_addrs: ['127.0.0.0/8'],
      vars: [['arg_go', '==', '1']],
      priority: 3,
      status: 1,
      timeout: { connect: 1, send: 1, read: 1 },
      labels: { team: 'x' },
      name: 'n',
      desc: 'd',
      plugins,
      upstream,
    },
    services: { hosts: ['s.example'], plugins, upstream, name: 's' },
    upstreams: { ...upstream, name: 'u' },
    plugin_configs: { plugins, desc: 'p' },
  }
}

test('no document, however odd, brings a 5xx or stops the gateway', { timeout: 110_000 }, async () => {
  const random = randomFrom(SEED)
  await stage.put('/upstreams/u', stage.upstream('d'))
  await stage.put('/routes/control', { uri: '/control', upstream: stage.upstream('a') })
  await stage.put('/services/fuzz', {})
  await stage.put('/plugin_configs/fuzz', { plugins: {} })
  const all = seeds()
  let taken = 0
  for (let i = 0; i < COUNT; i++) {
    const kinds = Object.keys(all)
    const kind = kinds[Math.floor(random() * kinds.length)] as string
    const body = JSON.stringify(mutate(all[kind], random))
    const call = random()
    const [method, path] =
      call < 0.6
        ? ['PUT', '/fuzz']
        : call < 0.8
          ? ['PATCH', '/fuzz']
          : call < 0.9
            ? ['POST', '']
            : ['PATCH', '/fuzz/plugins']
    const answer = await stage.gateway.admin(method as string, `/apisix/admin/${kind}${path}`, body)
    const told = `seed ${SEED}, document ${i}: ${method} ${kind}${path} ${body}\n${answer.status} ${answer.text}`
    assert.ok([200, 201, 400, 404, 405].includes(answer.status), told)
    if (answer.status >= 400) {
      const { error_msg, message } = answer.json as { error_msg?: string; message?: string }
      assert.ok((error_msg ?? message ?? '') !== '', told)
      continue
    }
    taken++
    const { key, value } = answer.json as { key: string; value: Record<string, unknown> }
    const stored = await stage.gateway.admin('GET', key.replace('/apisix', '/apisix/admin'))
    assert.deepEqual((stored.json as { value: unknown }).value, value, told)
    if (random() < 0.2) {
      // a route that joins what the other kinds hold
      await stage.gateway.admin('PUT', '/apisix/admin/routes/joined', {
        uri: '/joined/*',
        service_id: 'fuzz',
        plugin_config_id: 'fuzz',
      })
    }
    for (const [target, host] of [
      ['/fuzz/a/b?go=1&x=1', 'a.fuzz.example'],
      ['/joined/r/x?x=1', 's.example'],
    ]) {
      const { status } = await stage.send(target as string, { headers: [`Host: ${host}`, 'Y: 4'] })
      assert.ok(status >= 200 && status < 600, told)
    }
    assert.equal((await stage.send('/control', { headers: ['Host: t'] })).status, 200, told)
  }
  assert.ok(taken > COUNT / 20, `only ${taken} of ${COUNT} documents were taken`)
  console.log(`admin fuzz ${COUNT}: ${taken} taken, ${COUNT - taken} refused, 0 failed (seed ${SEED})`)
})
