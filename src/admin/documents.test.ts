import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../model/gateway-error.ts'
import { parseFile } from '../store/files/parse-file.ts'
import { buildAdminApp } from './server.ts'
import { ADMIN_KEY, fakeOptions, VIEWER_KEY } from './testing.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Reply {
  readonly status: number
  readonly etag: unknown
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  readonly json: any
}

class Api {
  readonly #app: FastifyInstance
  readonly control: ReturnType<typeof fakeOptions>['control']

  private constructor(app: FastifyInstance, control: ReturnType<typeof fakeOptions>['control']) {
    this.#app = app
    this.control = control
  }

  static async open(): Promise<Api> {
    const options = fakeOptions()
    options.control.history = (query) => options.control.documents.store.history(query)
    const { app } = await buildAdminApp(options)
    return new Api(app, options.control)
  }

  async call(
    method: Method,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const answer = await this.#app.inject({
      method,
      url: path.startsWith('/') ? path : `/headgate/v1/${path}`,
      headers: { 'x-api-key': ADMIN_KEY, ...headers },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = answer.body
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: answer.statusCode, etag: answer.headers.etag, text, json }
  }

  async apply(documents: object[], more: object = {}): Promise<Reply> {
    return this.call('POST', 'apply', { documents, ...more })
  }
}

function route(id: string, value: object = {}) {
  return { dialect: 'apisix', kind: 'routes', id, value: { id, uri: `/${id}`, upstream_id: 'u', ...value } }
}
function upstream(id: string, value: object = {}) {
  return { dialect: 'apisix', kind: 'upstreams', id, value: { nodes: { '127.0.0.1:80': 1 }, ...value } }
}
const ROUTE = 'documents/apisix/routes/1'

test('writes, reads, patches and deletes one document, and keeps what its author wrote', async () => {
  const api = await Api.open()
  const value = { uri: '/x', upstream: { nodes: { '127.0.0.1:80': 1 }, type: 'roundrobin' } }
  const created = await api.call('PUT', `${ROUTE}?message=first`, value)
  assert.equal(created.status, 201, created.text)
  assert.equal(created.json.change.result, 'created')
  const read = await api.call('GET', ROUTE)
  assert.equal(JSON.stringify(read.json.value), JSON.stringify({ ...value, id: '1' }))
  assert.equal(read.etag, created.etag)
  assert.equal(
    (await api.call('PUT', ROUTE, { ...value, id: 1, priority: 0 })).json.change.result,
    'unchanged',
  )
  const patched = await api.call('PATCH', ROUTE, { upstream: { nodes: { '127.0.0.1:80': null, 'b:81': 2 } } })
  assert.deepEqual(patched.json.change.after.upstream, { nodes: { 'b:81': 2 }, type: 'roundrobin' })
  assert.equal((await api.call('DELETE', ROUTE)).json.change.result, 'deleted')
  assert.equal((await api.call('GET', ROUTE)).json.code, 'DOCUMENT_NOT_FOUND')
  const { list } = (await api.call('GET', 'history?kind=routes&id=1')).json
  assert.deepEqual(
    list.map((entry: { revision: number; message: string; author: string }) => [
      entry.revision,
      entry.message,
      entry.author,
    ]),
    [
      [3, null, 'admin'],
      [2, null, 'admin'],
      [1, 'first', 'admin'],
    ],
  )
})

test('If-Match and If-None-Match keep writers from overwriting each other', async () => {
  const api = await Api.open()
  const value = { uri: '/x', upstream: { nodes: { '127.0.0.1:80': 1 } } }
  assert.equal((await api.call('PUT', ROUTE, value, { 'if-match': '*' })).status, 412)
  assert.equal((await api.call('PUT', ROUTE, value, { 'if-none-match': '*' })).status, 201)
  assert.equal((await api.call('PUT', ROUTE, value, { 'if-none-match': '*' })).status, 412)
  assert.equal((await api.call('PATCH', ROUTE, { uri: '/y' }, { 'if-match': '"1"' })).status, 200)
  const stale = await api.call('PATCH', ROUTE, { uri: '/z' }, { 'if-match': '"1"' })
  assert.deepEqual(
    [stale.status, stale.json.code, stale.json.detail],
    [412, 'PRECONDITION_FAILED', 'it is at revision 2'],
  )
  assert.equal((await api.call('DELETE', ROUTE, undefined, { 'if-match': '"1"' })).status, 412)
  assert.equal((await api.call('GET', ROUTE)).json.value.uri, '/y')
})

test('an apply is one revision; what is the same is not written, whatever its form', async () => {
  const api = await Api.open()
  const first = await api.apply([route('a'), upstream('u'), route('b', { methods: ['GET'] })], {
    message: 'go',
  })
  assert.deepEqual(first.json.counts, { created: 3, changed: 0, unchanged: 0, deleted: 0, absent: 0 })
  assert.equal(first.json.revision, 1)
  const again = [
    route('a', { priority: 0, status: 1 }),
    upstream('u', { type: 'roundrobin', scheme: 'http', id: 'u', nodes: { '127.0.0.1:80': 1.0 } }),
    {
      ...route('b'),
      value: { methods: ['GET'], upstream_id: 'u', uri: '/b', id: 'b', create_time: 5, update_time: 9 },
    },
  ]
  const second = await api.apply(again)
  assert.deepEqual([second.json.revision, second.json.counts.unchanged], [1, 3], second.text)
  const third = await api.apply([route('a', { methods: ['PUT'] })], {
    deletes: [
      { dialect: 'apisix', kind: 'routes', id: 'b' },
      { dialect: 'apisix', kind: 'routes', id: 'none' },
    ],
  })
  assert.deepEqual(
    third.json.documents.map((one: { id: string; result: string }) => [one.id, one.result]),
    [
      ['a', 'changed'],
      ['b', 'deleted'],
      ['none', 'absent'],
    ],
  )
  assert.deepEqual(third.json.documents[1].before.methods, ['GET'])
  assert.equal(third.json.revision, 2)
})

test('a dry run and a diff change nothing and say the same as the apply; viewers may ask for a diff', async () => {
  const api = await Api.open()
  await api.apply([upstream('u')])
  const wanted = [route('a'), upstream('u', { retries: 2 })]
  const dry = await api.apply(wanted, { dryRun: true })
  const diff = await api.call('POST', 'diff', { documents: wanted }, { 'x-api-key': VIEWER_KEY })
  assert.deepEqual(diff.json, dry.json)
  assert.equal((await api.call('GET', 'documents')).json.total, 1)
  assert.equal(api.control.documents.revision(), 1)
  const real = await api.apply(wanted)
  assert.deepEqual(real.json.documents, dry.json.documents)
  assert.equal(
    (await api.call('POST', 'apply', { documents: wanted }, { 'x-api-key': VIEWER_KEY })).status,
    403,
  )
})

test('a diff asks again where somebody writes meanwhile, and holds nobody up', async () => {
  const api = await Api.open()
  await api.apply([upstream('u')])
  const { documents } = api.control
  let locks = 0
  const { exclusive } = documents
  documents.exclusive = (work) => {
    locks++
    return exclusive.call(documents, work) as ReturnType<typeof work>
  }
  const wanted = { documents: [upstream('u', { retries: 1 })] }
  assert.equal((await api.call('POST', 'diff', wanted)).json.counts.changed, 1)
  assert.equal(locks, 0)
  const { preview } = documents
  documents.preview = async () => {
    documents.preview = preview
    throw new GatewayError('WRITE_CONFLICT')
  }
  assert.equal((await api.call('POST', 'diff', wanted)).json.counts.changed, 1)
  assert.equal(locks, 1)
})

test('every fault is told at once with its document and path, and nothing is written', async () => {
  const api = await Api.open()
  const refused = await api.apply([
    upstream('u'),
    route('a', { uri: 5, priority: 'x' }),
    route('b', { id: 'other' }),
    route('c'),
    route('c'),
    { dialect: 'apisx', kind: 'routes', id: '1', value: {} },
    { dialect: 'apisix', kind: 'route', id: '1', value: {} },
    { dialect: 'apisix', kind: 'routes', id: 'd', value: [] },
  ])
  assert.equal(refused.status, 400)
  assert.equal(refused.json.code, 'INVALID_DOCUMENT')
  const places = refused.json.faults.map((f: { index: number; path: string }) => `${f.index} ${f.path}`)
  assert.deepEqual(
    places,
    ['1 priority', '1 uri', '2 id', '4 ', '5 ', '6 ', '7 '].sort(
      (a, b) => places.indexOf(a) - places.indexOf(b),
    ),
  )
  assert.match(refused.json.faults.at(-3).hint, /did you mean apisix\?/)
  assert.match(refused.json.faults.at(-2).hint, /did you mean routes\?/)
  assert.equal((await api.call('GET', 'documents')).json.total, 0)
})

test('references are checked over what will be there', async () => {
  const api = await Api.open()
  const lost = await api.apply([route('a')])
  assert.equal(lost.json.faults[0].path, 'upstream_id')
  assert.match(lost.json.detail, /apisix\/routes\/a upstream_id: there is no apisix\/upstreams\/u/)
  assert.equal((await api.apply([route('a'), upstream('u')])).status, 200)
  const used = await api.call('DELETE', 'documents/apisix/upstreams/u')
  assert.deepEqual([used.status, used.json.code], [409, 'DOCUMENT_IN_USE'])
  assert.match(used.json.detail, /apisix\/routes\/a still uses it \(upstream_id\)/)
  const gone = { deletes: [{ dialect: 'apisix', kind: 'upstreams', id: 'u' }] }
  assert.equal((await api.apply([route('b')], gone)).status, 400)
  const own = { upstream_id: undefined, upstream: { nodes: { 'x:1': 1 } } }
  assert.equal((await api.apply([route('a', own)], gone)).status, 200)
  assert.equal((await api.apply([route('a'), upstream('u')])).status, 200)
  assert.equal((await api.call('DELETE', 'documents/apisix/upstreams/u?force=true')).status, 200)
  // what dangles and is not touched is nobody's fault; a split may name what is not there but holds what is
  const split = {
    'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id: 'v', weight: 1 }, { weight: 1 }] }] },
  }
  assert.equal((await api.apply([route('s', { ...own, plugins: split })])).status, 200)
  assert.equal((await api.apply([upstream('v')])).status, 200)
  assert.match(
    (await api.call('DELETE', 'documents/apisix/upstreams/v')).json.detail,
    /weighted_upstreams\[0\]\.upstream_id/,
  )
})

test('lists page by page, and by kind, label, name and state', async () => {
  const api = await Api.open()
  const many = Array.from({ length: 25 }, (_, i) =>
    route(`r${String(i).padStart(2, '0')}`, {
      labels: i % 2 === 0 ? { team: 'web' } : { team: 'api' },
      name: `Shop ${i}`,
    }),
  )
  await api.apply([upstream('u', { name: 'blue' }), ...many])
  const ids: string[] = []
  for (let after = ''; ; ) {
    const page = (await api.call('GET', `documents?limit=10${after === '' ? '' : `&after=${after}`}`)).json
    assert.equal(page.total, 26)
    ids.push(...page.list.map((one: { kind: string; id: string }) => `${one.kind}/${one.id}`))
    if (page.next === null) break
    after = encodeURIComponent(page.next)
  }
  assert.deepEqual(ids, ['upstreams/u', ...many.map(({ id }) => `routes/${id}`)])
  assert.equal((await api.call('GET', 'documents?kind=routes&label=team=web')).json.total, 13)
  assert.equal((await api.call('GET', 'documents?label=team')).json.total, 25)
  assert.equal((await api.call('GET', 'documents?name=shop%202')).json.total, 6)
  assert.equal((await api.call('GET', 'documents?state=rejected')).json.total, 0)
  assert.equal((await api.call('GET', 'documents?values=false&limit=1')).json.list[0].value, undefined)
  for (const bad of ['kind=rotes', 'dialect=kong', 'limit=0', 'after=x', 'state=good', 'values=maybe']) {
    assert.ok((await api.call('GET', `documents?${bad}`)).status >= 400, bad)
  }
})

test('tells who uses a document, and the shares of its splits with every name of a target', async () => {
  const api = await Api.open()
  const rules = [
    {
      match: [{ vars: [['arg_x', '==', '1']] }],
      weighted_upstreams: [{ upstream_id: 'u', weight: 3 }, { weight: 2 }],
    },
  ]
  const more = { upstream_id: 'v', plugins: { 'traffic-split': { rules } } }
  await api.apply([upstream('u', { name: 'blue' }), upstream('v', { name: 'green' }), route('1', more)])
  const { usedBy } = (await api.call('GET', 'documents/apisix/upstreams/u?usedBy=true')).json
  assert.deepEqual(usedBy, [
    {
      dialect: 'apisix',
      kind: 'routes',
      id: '1',
      path: 'plugins.traffic-split.rules[0].weighted_upstreams[0].upstream_id',
    },
  ])
  const [split] = (await api.call('GET', `${ROUTE}/splits`)).json.splits
  assert.equal(split.path, 'plugins.traffic-split.rules[0]')
  assert.deepEqual(
    split.targets.map((one: { names: string[]; weight: number; share: number }) => [
      one.names,
      one.weight,
      one.share,
    ]),
    [
      [['blue', 'u'], 3, 0.6],
      [['green', 'default'], 2, 0.4],
    ],
  )
})

test('goes back to an earlier revision as a new one, over creations, changes and deletes', async () => {
  const api = await Api.open()
  await api.apply([upstream('u'), route('a'), route('b')])
  await api.apply([route('a', { methods: ['GET'] }), route('new')])
  await api.call('DELETE', 'documents/apisix/routes/b')
  const dry = await api.call('POST', 'rollback', { revision: 1, dryRun: true })
  assert.equal(api.control.documents.revision(), 3)
  const back = await api.call('POST', 'rollback', { revision: 1 })
  assert.deepEqual(back.json.documents, dry.json.documents)
  assert.equal(back.json.revision, 4)
  const left = (await api.call('GET', 'documents?kind=routes')).json.list
  assert.deepEqual(
    left.map((one: { id: string; value: { methods?: string[] } }) => [one.id, one.value.methods]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  )
  assert.equal((await api.call('GET', 'history/4')).json.message, 'rollback to revision 1')
  const seen = (await api.call('GET', 'history/4', undefined, { 'x-api-key': VIEWER_KEY })).json.changes[0]
  assert.deepEqual(Object.keys(seen).sort(), ['dialect', 'id', 'kind', 'op'])
  assert.equal((await api.call('POST', 'rollback', { revision: 3 })).status, 200)
  assert.equal((await api.call('GET', 'documents/apisix/routes/new')).status, 200)
  assert.equal((await api.call('POST', 'rollback', { revision: 0 })).json.counts.deleted, 3)
  assert.equal((await api.call('POST', 'rollback', { revision: 99 })).status, 400)
  assert.equal((await api.call('GET', 'history/99')).status, 404)
})

test('says so when the history has forgotten what stood', async () => {
  const api = await Api.open()
  await api.apply([upstream('u')])
  await api.apply([upstream('u', { retries: 1 })])
  await api.apply([upstream('u', { retries: 2 })])
  const { store } = api.control.documents
  api.control.history = async (query) => (await store.history(query)).filter(({ revision }) => revision > 2)
  const refused = await api.call('POST', 'rollback', { revision: 1 })
  assert.deepEqual([refused.status, refused.json.code], [409, 'REVISION_FORGOTTEN'])
  assert.match(refused.json.detail, /earliest to go back to is 2/)
  assert.equal((await api.call('POST', 'rollback', { revision: 2 })).status, 200)
})

test('bodies that make no sense are refused in one clear sentence', async () => {
  const api = await Api.open()
  for (const [path, body, text] of [
    ['apply', '', /empty/],
    ['apply', '[', /no JSON/],
    ['apply', '[]', /must be an object/],
    ['apply', '{"document":[]}', /document is unknown; there are: documents,/],
    ['apply', '{"documents":{}}', /documents must be a list/],
    ['apply', '{"documents":[{"dialect":"apisix","kind":"routes"}]}', /documents\[0\]\.id must be a text/],
    ['apply', '{"documents":[{"dialect":"a","kind":"b","id":"c"}]}', /documents\[0\]\.value is missing/],
    ['apply', '{"dryRun":1}', /dryRun must be true or false/],
    ['apply', `{"message":"${'x'.repeat(1001)}"}`, /at most 1000/],
    ['apply', `{"deletes":[${'{},'.repeat(100_000)}{}]}`, /100001 documents, at most 100000/],
    ['rollback', '{"revision":"1"}', /whole number/],
    ['rollback', '{"revison":1}', /revison is unknown/],
  ] as const) {
    const answer = await api.call('POST', path, body)
    assert.equal(answer.status, 400, answer.text)
    assert.match(answer.json.detail, text)
  }
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  assert.match((await api.call('PUT', ROUTE, deep)).json.detail, /nested too deeply/)
  assert.match((await api.call('PUT', ROUTE, '{"__proto__":{}}')).json.detail, /__proto__ is not allowed/)
  await api.apply([upstream('u'), route('1')])
  assert.match((await api.call('PATCH', ROUTE, deep)).json.detail, /nested too deeply/)
})

test('export, apply to an empty gateway and export again gives the same bytes', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
  const tricky = fc.oneof(
    text,
    fc.constantFrom('yes', '1', '${{', '$'.concat('{{X}}'), '#END', '- a', 'a: b', '\u2028'),
  )
  const id = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9._-]{1,12}$/), fc.integer({ min: 1, max: 1e6 }))
  const documents = fc.uniqueArray(
    fc.record({
      id,
      desc: tricky,
      body: tricky,
      nodes: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}:[1-9][0-9]{0,3}$/), fc.nat(9), {
        minKeys: 1,
        noNullPrototype: true,
      }),
      weight: fc.nat(100),
    }),
    { selector: (one) => String(one.id), maxLength: 6 },
  )
  await fc.assert(
    fc.asyncProperty(documents, async (drawn) => {
      const wanted = drawn.map(({ id, desc, body, nodes, weight }) => ({
        dialect: 'apisix',
        kind: 'routes',
        id: String(id),
        value: {
          uri: '/x',
          id,
          desc,
          upstream: { nodes },
          plugins: {
            'response-rewrite': { body },
            'traffic-split': {
              rules: [{ weighted_upstreams: [{ weight }, { weight: 1, upstream: { nodes } }] }],
            },
          },
        },
      }))
      const first = await Api.open()
      const applied = await first.apply(wanted)
      assert.equal(applied.status, 200, applied.text)
      const exported = (await first.call('GET', 'export')).text
      const parsed = parseFile('x.yaml', exported, { X: 'filled in' }, false)
      assert.deepEqual(parsed.faults, [])
      const root = parsed.roots[0]?.value as { routes?: { id: string | number }[] } | undefined
      const routes = root?.routes ?? []
      const second = await Api.open()
      const again = routes.map((value) => ({
        dialect: 'apisix',
        kind: 'routes',
        id: String(value.id),
        value,
      }))
      assert.equal((await second.apply(again)).status, 200)
      assert.equal((await second.call('GET', 'export')).text, exported)
      // and the values are those that were put in, not only the same bytes twice
      const back = (await second.apply(wanted)).json
      assert.equal(back.counts.unchanged, wanted.length)
    }),
    { numRuns: 60 },
  )
})
