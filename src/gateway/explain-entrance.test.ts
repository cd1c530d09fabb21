import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { StoredDocument } from '../model/document.ts'
import type {
  EntranceExplanation,
  Explanation,
  StreamExplanation,
  StreamQuestion,
} from '../model/explanation.ts'
import type { JsonValue } from '../model/json.ts'
import { makeEntranceQuestion, readEntranceQuestion } from './entrance-question.ts'
import { type EntranceOptions, explainEntrance } from './explain-entrance.ts'
import { ExplainError } from './explain-request.ts'

const FILE = `
{type: Mesh, name: default}
---
{type: Mesh, name: other}
---
type: Dataplane
name: site-1
mesh: default
networking:
  address: 127.0.0.1
  inbound: [{port: 9000, servicePort: 8080, tags: {kuma.io/service: site}}]
  outbound:
  - {port: 10001, tags: {kuma.io/service: cart}}
  - {port: 10002, tags: {kuma.io/service: redis}}
---
type: Dataplane
name: cart-1
mesh: default
networking:
  address: 10.0.0.2
  inbound: [{port: 9000, servicePort: 8080, tags: {kuma.io/service: cart, kuma.io/protocol: http}}]
---
type: Dataplane
name: redis-1
mesh: default
networking:
  address: 10.0.0.3
  inbound: [{port: 6379, servicePort: 6380, tags: {kuma.io/service: redis}}]
---
{type: Dataplane, name: cart-1, mesh: other, networking: {address: 10.0.0.4, inbound: [{port: 1, servicePort: 2, tags: {kuma.io/service: x}}]}}
---
type: TrafficRoute
name: all
mesh: default
sources: [{match: {kuma.io/service: "*"}}]
destinations: [{match: {kuma.io/service: "*"}}]
conf: {destination: {kuma.io/service: "*"}}
`

function options(more: Partial<EntranceOptions> = {}): EntranceOptions {
  const documents = parseAllDocuments(FILE).flatMap((part): StoredDocument[] =>
    dialects.flatMap((dialect) =>
      (dialect.readFile(part.toJS() as JsonValue, DEFAULT_SETTINGS)?.documents ?? []).map(
        ({ kind, id, value }) => ({
          key: { dialect: dialect.name, kind, id },
          value,
          createdRevision: 1,
          modifiedRevision: 1,
          expiresAtMs: null,
        }),
      ),
    ),
  )
  return {
    dialects,
    settings: DEFAULT_SETTINGS,
    documentsOf: ({ name }) => documents.filter(({ key }) => key.dialect === name),
    placeOf: () => null,
    live: null,
    ...more,
  }
}

function ask(
  given: Record<string, JsonValue>,
  more: Partial<EntranceOptions> = {},
): Promise<EntranceExplanation> {
  return explainEntrance(readEntranceQuestion(given), options(more))
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof ExplainError) return `${error.reason}: ${error.message}`
    throw error
  }
  return 'none'
}

test('a request is explained where requests are looked at, and a stream elsewhere', async () => {
  const web = await ask({ id: 'site-1', entrance: '10001', url: '/api?x=1' })
  assert.equal(web.entrance.protocol, 'http')
  assert.equal(web.stream, null)
  assert.equal(web.isLive, false)
  assert.deepEqual(web.request?.outcome, {
    kind: 'upstream',
    upstream: web.request?.upstream?.id,
    endpoint: '10.0.0.2:9000',
  })
  assert.equal(web.request?.listener.address, '127.0.0.1:10001')
  const redis = await ask({ id: 'default:site-1', entrance: 'redis' })
  assert.equal(redis.request, null)
  assert.equal(redis.stream?.outcome.kind, 'upstream')
  assert.equal(redis.stream?.upstream?.next, '10.0.0.3:6379')
})

test('where the listener stands in this process its own table is asked', async () => {
  const asked: (string | null)[] = []
  const live = {
    explain: async ({ listener }: { listener: string | null }) => {
      asked.push(listener)
      return { revision: 7 } as Explanation
    },
    explainStream: async ({ listener }: StreamQuestion) => {
      asked.push(listener)
      return { revision: 8 } as StreamExplanation
    },
  }
  const web = await ask({ id: 'site-1', entrance: '10001' }, { live })
  assert.deepEqual([web.isLive, web.request?.revision], [true, 7])
  const redis = await ask({ id: 'site-1', entrance: '10002' }, { live })
  assert.deepEqual([redis.isLive, redis.stream?.revision], [true, 8])
  assert.deepEqual(asked, ['127.0.0.1:10001', '127.0.0.1:10002'])
  const nowhere = {
    explain: () => Promise.reject(new ExplainError('noListener', 'none')),
    explainStream: () => Promise.reject(new ExplainError('noAnswer', 'no worker')),
  }
  assert.equal((await ask({ id: 'site-1', entrance: '10001' }, { live: nowhere })).isLive, false)
  assert.equal(
    await refusal(ask({ id: 'site-1', entrance: '10002' }, { live: nowhere })),
    'noAnswer: no worker',
  )
})

test('what is asked for must be one proxy and one of its outbounds', async () => {
  assert.match(
    await refusal(ask({ id: 'cart-1' })),
    /badRequest: cart-1 may be default:cart-1 or other:cart-1/,
  )
  assert.match(await refusal(ask({ id: 'default:cart-1' })), /noListener: default:cart-1 has no outbound$/)
  assert.match(await refusal(ask({ id: 'site-2' })), /noDocument: .*did you mean site-1\?/)
  assert.match(await refusal(ask({ id: 'site-1', dialect: 'apisix' })), /noDocument/)
  const several = /badRequest: .* say one of 127\.0\.0\.1:10001 \(cart\), 127\.0\.0\.1:10002 \(redis\)/
  assert.match(await refusal(ask({ id: 'site-1' })), several)
  assert.match(
    await refusal(ask({ id: 'site-1', entrance: '1' })),
    /noListener: .* there are 127\.0\.0\.1:10001/,
  )
  assert.equal((await ask({ id: 'site-1', entrance: '127.0.0.1:10002' })).entrance.service, 'redis')
})

test('a question is read with the members of a request, but for the listener', () => {
  const question = readEntranceQuestion({
    id: 'site-1',
    url: 'cart.test/x',
    method: 'POST',
    clientIp: '10.0.0.9',
  })
  assert.deepEqual([question.dialect, question.id, question.entrance], [null, 'site-1', null])
  assert.equal(question.request.host, 'cart.test')
  assert.equal(question.request.clientAddress, '10.0.0.9')
  assert.equal(readEntranceQuestion({ id: 'site-1' }).request.target, '/')
  for (const given of [
    [],
    {},
    { id: '' },
    { id: 'site-1', listener: '9080' },
    { id: 'site-1', url: 'http://cart.test:80/x' },
    { id: 'site-1', port: 1 },
  ])
    assert.throws(() => readEntranceQuestion(given), ExplainError, JSON.stringify(given))
  assert.equal(makeEntranceQuestion(question), question)
})
