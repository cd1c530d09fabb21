/** The corpus over sockets: a real gateway in front of a backend that records what reaches it and takes canonical HTTP/1.1 alone. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { ANSWERS, type AnswerCase } from './corpus/answers.ts'
import { REQUESTS, type RequestCase } from './corpus/requests.ts'
import { readWithLlhttp } from './llhttp.ts'

const FOLLOWER = 'GET /follower HTTP/1.1\r\nHost: follower\r\n\r\n'
/** Longer inputs are cut into so many pieces instead of behind every byte. */
const MAX_BYTEWISE = 400
const PIECES = 7

let gateway: GatewayProcess
let backend: Backend
let hostile: Awaited<ReturnType<typeof startRawBackend>>
/** What the hostile backend sends on its next connection. */
let answer = ''

before(async () => {
  const fixed = answerText('ok')
  backend = await startBackend(() => fixed)
  hostile = await startRawBackend((socket) => {
    let head = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      head += text
      if (!head.includes('\r\n\r\n')) return
      head = ''
      socket.end(answer, 'latin1')
    })
    socket.on('end', () => socket.end())
  })
  gateway = await startGateway(['--workers', '1'])
  for (const [id, host, node] of [
    ['1', undefined, backend.node],
    ['2', 'hostile', hostile.node],
  ] as const) {
    const route = { uri: '/*', upstream: { nodes: { [node]: 1 }, retries: 0 }, ...(host ? { host } : {}) }
    const { status, text } = await gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)
    assert.equal(status, 201, text)
  }
})
after(async () => {
  await gateway?.stop()
  await backend?.close()
  await hostile?.close()
})

/** `wholeFrom`: bytes that go with those before them, in one piece. */
type Send = (client: RawClient, bytes: string, wholeFrom: number) => Promise<void>

const SENDERS: readonly (readonly [name: string, send: Send])[] = [
  ['whole', (client, bytes) => client.write(bytes)],
  [
    'in pieces',
    (client, bytes, wholeFrom) => {
      const length = bytes.length <= MAX_BYTEWISE ? 1 : Math.ceil(bytes.length / PIECES)
      const cuts = []
      for (let at = length; at < Math.min(bytes.length, wholeFrom); at += length) cuts.push(at)
      return client.writeSplit(bytes, cuts)
    },
  ],
]

/** Sends without caring whether the gateway closes before everything is written: it has said what it had to say. */
async function sendAll(client: RawClient, send: Send, bytes: string, wholeFrom: number): Promise<void> {
  await send(client, bytes, wholeFrom).catch(() => {})
}

async function checkRequest(each: RequestCase, send: Send): Promise<void> {
  const { input, outcome, connection } = each
  const seenBefore = backend.requests.length
  const client = await connectRaw(gateway.port)
  try {
    const hasFollower = outcome !== 'cut' && connection !== 'either'
    // Who announces the end and goes on after the answer may meet a reset that overtakes it; what follows such an end has to be there with it.
    const wholeFrom = connection === 'close' ? input.length : Number.POSITIVE_INFINITY
    await sendAll(client, send, hasFollower ? input + FOLLOWER : input, wholeFrom)
    if (outcome === 'cut') {
      client.end()
      const rest = await client.readToEnd()
      assert.match(rest, /^($|HTTP\/1\.1 (400|408) )/)
      assert.equal(backend.requests.length, seenBefore, 'a cut request reached the backend as complete')
      return
    }
    const isHead = input.startsWith('HEAD ')
    const reply = await client.readAnswer(isHead ? { method: 'HEAD' } : {})
    if (typeof outcome === 'number') assert.equal(reply.status, outcome)
    else if (outcome === 'own') assert.ok([200, 204, 400, 405].includes(reply.status), reply.statusLine)
    else if (!(input.startsWith('TRACE') && reply.status === 405)) assert.equal(reply.status, 200, reply.raw)
    let expected = outcome === 'pass' && reply.status === 200 ? 1 : 0
    if (hasFollower && connection === 'close') {
      assert.equal(await client.readToEnd(), '', 'something was answered behind the end')
      assert.match(reply.field('connection') ?? '', /close/i)
    } else if (hasFollower) {
      const followed = await client.readAnswer()
      assert.equal(followed.status, 200)
      expected++
    }
    const seen = backend.requests.slice(seenBefore)
    assert.equal(seen.length, expected, 'requests at the backend')
    if (outcome === 'pass' && reply.status === 200) checkSeen(each, seen[0] as Backend['requests'][number])
    if (hasFollower && connection === 'keep') assert.equal(seen.at(-1)?.target, '/follower')
  } finally {
    client.close()
  }
}

function checkSeen({ seen }: RequestCase, request: Backend['requests'][number]): void {
  if (seen?.method !== undefined) assert.equal(request.method, seen.method)
  if (seen?.target !== undefined) assert.equal(request.target, seen.target)
  if (seen?.host !== undefined) assert.equal(request.field('host'), seen.host)
  if (seen?.body !== undefined) assert.equal(request.body, seen.body)
  for (const name of seen?.without ?? []) {
    if (name === 'x_real_ip' || name === 'x_forwarded_for')
      assert.ok(!request.raw.toLowerCase().includes(name))
    assert.equal(request.field(name), undefined, name)
  }
  for (const [name, value] of Object.entries(seen?.fields ?? {})) {
    const values = request.fields
      .filter((field) => field[0].toLowerCase() === name)
      .map((field) => field[1].trim())
    assert.equal(values.join(', '), value)
  }
}

async function checkAnswer({ input, method = 'GET', outcome, status, body }: AnswerCase): Promise<void> {
  answer = input
  const client = await connectRaw(gateway.port)
  try {
    await client.write(`${method} /a HTTP/1.1\r\nHost: hostile\r\nConnection: close\r\n\r\n`)
    if (outcome === 'cut') {
      // It must not look complete: either nothing was relayed yet, or reading it to its own end fails.
      const reply = await client.readAnswer().catch(() => null)
      assert.ok(reply === null || reply.status === 502, `looks complete: ${reply?.statusLine}`)
      return
    }
    const reply = await client.readAnswer({ method })
    if (outcome === 'refused') {
      assert.equal(reply.status, 502)
      return
    }
    assert.equal(reply.status, status ?? 200)
    if (body !== undefined) assert.equal(reply.body, body)
    assert.equal(await client.readToEnd(), '', 'bytes behind the answer')
  } finally {
    client.close()
  }
}

/** Runs a check for every case and gives the faults, so that one line can say how many there are. */
async function faultsOf<T extends { readonly name: string }>(
  cases: readonly T[],
  check: (each: T) => Promise<void>,
): Promise<string[]> {
  const faults: string[] = []
  for (const each of cases) {
    try {
      await check(each)
    } catch (error) {
      faults.push(`${each.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return faults
}

describe('the corpus over sockets', () => {
  for (const [name, send] of SENDERS) {
    it(`gives every request, sent ${name}, the outcome of the table`, async () => {
      const faults = await faultsOf(REQUESTS, (each) => checkRequest(each, send))
      console.log(`h1 corpus, ${name}: ${REQUESTS.length - faults.length} of ${REQUESTS.length}`)
      assert.deepEqual(faults, [])
    })
  }

  it('relays no answer that is not canonical and none that only looks complete', async () => {
    const faults = await faultsOf(ANSWERS, checkAnswer)
    console.log(`h1 answers: ${ANSWERS.length - faults.length} of ${ANSWERS.length}`)
    assert.deepEqual(faults, [])
  })

  it('sent the backend nothing but canonical requests', () => {
    const odd = backend.received.filter((bytes) => {
      const { error } = readWithLlhttp(bytes, null)
      // Cut requests end inside a message; methods that llhttp does not know are tokens all the same.
      return error !== null && error !== 'HPE_INVALID_EOF_STATE' && error !== 'HPE_INVALID_METHOD'
    })
    console.log(`non-canonical egress ${odd.length}, on ${backend.received.length} connections`)
    assert.deepEqual(odd, [])
  })
})
