import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { answerText, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { waitFor } from '../support/tools.ts'
import { countDescriptors, MIB, readGauge, readRss, waitForRest } from './support.ts'

/** Promise M2: whatever is cut at whatever byte, on either side, nothing stays behind. */

const COUNT = process.env.HEADGATE_LONG === '1' ? 100_000 : 3000
const AT_ONCE = 40

let gateway: GatewayProcess
let backend: Awaited<ReturnType<typeof startRawBackend>>

const chunked = (parts: number, size: number): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`${size.toString(16)}\r\n${'c'.repeat(size)}\r\n`.repeat(parts)}0\r\n\r\n`

const ANSWERS = [
  answerText('short'),
  answerText('l'.repeat(300_000)),
  chunked(30, 4000),
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answerText('hinted')}`,
  'HTTP/1.1 204 No Content\r\n\r\n',
]

const body = 'b'.repeat(100_000)
const REQUESTS = [
  'GET /a HTTP/1.1\r\nHost: a\r\nX-Field: value\r\n\r\n',
  'GET /a HTTP/1.0\r\nHost: a\r\n\r\n',
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4),
  `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n${'b'.repeat(20)}`,
  `PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'5\r\nhello\r\n'.repeat(2000)}0\r\n\r\n`,
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\nnine byte',
  `POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60004\r\n\r\na=1&${'b'.repeat(60_000)}`,
  'POST /nowhere HTTP/1.1\r\nHost: nowhere\r\nContent-Length: 10\r\n\r\n0123456789',
]

before(async () => {
  backend = await startRawBackend((socket) => {
    let seen = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      seen = (seen + text).slice(-4)
      // answers behind each read that ends a head or brings a body: early, late and in the middle
      if (!text.includes('\r\n\r\n') && Math.random() < 0.5) return
      const answer = pick(ANSWERS)
      if (Math.random() < 0.6) {
        socket.write(answer, 'latin1')
        return
      }
      const part = answer.slice(0, Math.floor(Math.random() * answer.length))
      if (Math.random() < 0.5) socket.end(part, 'latin1')
      else socket.write(part, 'latin1', () => socket.resetAndDestroy())
    })
    socket.on('end', () => socket.end())
  })
  gateway = await startGateway(['--workers', '1'])
  const upstream = {
    nodes: { [backend.node]: 1 },
    timeout: { connect: 2, send: 2, read: 2 },
    keepalive_pool: { size: 20, idle_timeout: 1, requests: 50 },
  }
  for (const [id, route] of [
    ['1', { uri: '/a', upstream }],
    ['2', { uri: '/form', vars: [['post_arg.a', '==', '1']], upstream }],
  ] as const) {
    const made = await gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)
    assert.equal(made.status, 201, made.text)
  }
})
after(async () => {
  await gateway.stop()
  await backend.close()
})

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T
}

/** One request that is cut: its bytes at a random place, or its answer after some bytes; by FIN or by reset. */
function cutOne(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    const leave = (): void => {
      if (Math.random() < 0.5) socket.resetAndDestroy()
      else socket.destroy()
    }
    const request = pick(REQUESTS)
    const isWhole = Math.random() < 0.5
    const bytes = isWhole ? request : request.slice(0, Math.floor(Math.random() * request.length))
    let left = Math.floor(Math.random() ** 3 * 320_000)
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left <= 0) leave()
    })
    socket.on('connect', () => {
      socket.write(bytes, 'latin1', () => {
        if (!isWhole && Math.random() < 0.7) setImmediate(leave)
        else if (Math.random() < 0.5) socket.end()
      })
      setTimeout(leave, 20 + Math.random() * 200).unref()
    })
  })
}

async function cutMany(count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await cutOne()
    }),
  )
}

async function settle(): Promise<void> {
  await waitForRest(gateway)
  await waitFor('upstream connections to go', async () =>
    (await readGauge(gateway, 'headgate_upstream_connections')) === 0 ? true : undefined,
  )
}

test('requests cut at random bytes, on both sides, leave nothing behind', async () => {
  await cutMany(5000) // code compiled, heap and buffers at their size
  await settle()
  const descriptors = countDescriptors(gateway.pid)
  const rss = readRss(gateway.pid)
  await cutMany(COUNT)
  await settle()
  // admin and status connections come and go
  const after = await waitFor('descriptors to be as before', () => {
    const now = countDescriptors(gateway.pid)
    return now <= descriptors ? now : undefined
  }).catch(() => countDescriptors(gateway.pid))
  const grown = Math.max(0, readRss(gateway.pid) - rss) / MIB
  const upstream = await readGauge(gateway, 'headgate_upstream_connections')
  console.log(
    `aborts ${COUNT}: fds +${Math.max(0, after - descriptors)}, upstream sockets +${upstream}, RSS +${grown.toFixed(0)} MiB`,
  )
  assert.ok(after <= descriptors)
  assert.ok(grown < 96, `RSS grew by ${grown} MiB`)
  assert.doesNotMatch(gateway.stderr(), /uncaught|nobody caught|TypeError|failing/i)
  assert.equal(await readGauge(gateway, 'headgate_worker_restarts_total'), 0)
})
