import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { quantile } from './support.ts'

/** Promise H6: no request holds the event loop. Seen from outside: a neighbour on the same worker measures how long it waits. */

const ROUNDS = process.env.HEADGATE_LONG === '1' ? 60 : 5
/** Of the neighbour, for what the machine itself makes it wait. */
const QUIET_REQUESTS = 500
/** Patterns that make a backtracking engine run for ages, each with the text that does it. */
const PATTERNS: readonly (readonly [pattern: string, text: string])[] = [
  ['(a+)+$', `${'a'.repeat(7000)}!`],
  ['^(a|a)*$', `${'a'.repeat(7000)}!`],
  ['^(a|aa)+$', `${'a'.repeat(7000)}!`],
  ['(x+x+)+y', 'x'.repeat(7000)],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(7000)],
  ['(.*)(.*)(.*)(.*)=z', 'b'.repeat(7000)],
  ['(?:a{0,40}){0,20}b', 'a'.repeat(7000)],
  ['^(\\w+\\s?)*$', `${'w'.repeat(7000)}!`],
]

let gateway: GatewayProcess
let backend: Backend
let accepted = 0

before(async () => {
  backend = await startBackend('ok')
  gateway = await startGateway(['--workers', '1'])
  const upstream = { nodes: { [backend.node]: 1 } }
  const made = await gateway.admin('PUT', '/apisix/admin/routes/load', { uri: '/load', upstream })
  assert.equal(made.status, 201, made.text)
  for (const [i, [pattern]] of PATTERNS.entries()) {
    const { status } = await gateway.admin('PUT', `/apisix/admin/routes/p${i}`, {
      uri: `/p${i}`,
      vars: [['arg_q', '~~', pattern]],
      upstream,
    })
    if (status === 201) accepted++
    else assert.equal(status, 400) // refused is as good
  }
})
after(async () => {
  await gateway.stop()
  await backend.close()
})

test('the worst patterns, targets, heads, bodies and documents do not hold up a neighbour', async () => {
  const quiet = await measure(null)
  const loud = await measure(async () => {
    for (let round = 0; round < ROUNDS; round++) await attack()
  })
  const p999 = quantile(loud, 0.999)
  const most = Math.max(...loud)
  console.log(
    `loop delay p99.9 ${p999.toFixed(1)} ms, max ${most.toFixed(1)} ms (before: ${quantile(quiet, 0.999).toFixed(1)} and ${Math.max(...quiet).toFixed(1)}; ${accepted} of ${PATTERNS.length} patterns taken)`,
  )
  // on a machine that is shared, what a quiet gateway waits is the scheduler's
  const bound = 100 + 3 * Math.max(50, ...quiet)
  assert.ok(p999 <= bound, `p99.9 ${p999} ms`)
  assert.ok(most <= bound, `max ${most} ms`)
})

/** Latencies of a neighbour while something happens; with null those of so many requests while nothing does. */
async function measure(action: (() => Promise<void>) | null): Promise<readonly number[]> {
  const workerData = { gatewayPort: gateway.port, count: action === null ? QUIET_REQUESTS : Infinity }
  const neighbour = new Worker(new URL('./neighbour.ts', import.meta.url), { workerData })
  const latencies = new Promise<readonly number[]>((resolve, reject) => {
    neighbour.once('message', resolve)
    neighbour.once('error', reject)
  })
  if (action !== null) await action().finally(() => neighbour.postMessage('over'))
  return latencies
}

async function attack(): Promise<void> {
  await Promise.all(
    PATTERNS.map(async ([, text], i) => {
      const answer = await requestOnce(gateway.port, `/p${i}?q=${text}`)
      assert.ok(answer.status === 200 || answer.status === 404, answer.statusLine)
    }),
  )
  const raw = async (bytes: string, statuses: readonly number[]): Promise<void> => {
    const client = await connectRaw(gateway.port)
    await client.write(bytes).catch(() => {})
    const { status } = await client.readAnswer()
    assert.ok(statuses.includes(status), `${status} for ${bytes.slice(0, 60)}`)
    client.close()
  }
  await Promise.all([
    raw(`GET /${'a'.repeat(65_536)} HTTP/1.1\r\nHost: a\r\n\r\n`, [414]),
    raw(`GET /${'/..'.repeat(2600)} HTTP/1.1\r\nHost: a\r\n\r\n`, [400]),
    raw(`GET /${'a/../'.repeat(1600)} HTTP/1.1\r\nHost: a\r\n\r\n`, [404]),
    raw(`GET /${'%2e%2E/'.repeat(1100)} HTTP/1.1\r\nHost: a\r\n\r\n`, [400]),
    raw(`GET /load?${'q=1&'.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`, [200]),
    raw(`GET /load HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(98)}\r\n`, [200]),
    raw(`GET /load HTTP/1.1\r\nHost: a\r\nConnection: ${'x,'.repeat(14_000)}\r\n\r\n`, [200, 431]),
    raw(`GET /load HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(60_000)}\r\n\r\n`, [431]),
    raw(
      `POST /load HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(50_000)}0\r\n\r\n`,
      [200],
    ),
    raw('GET /no HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000), [404]),
  ])
  // the control side is a thread of its own: whatever it does, traffic goes on
  const deep = `${'['.repeat(600_000)}${']'.repeat(600_000)}`
  const wide = `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":[${i}]`).join(',')}}`
  for (const body of [deep, wide, `{"uri":"/x","vars":${'['.repeat(5000)}${']'.repeat(5000)}}`]) {
    const { status } = await gateway.admin('PUT', '/apisix/admin/routes/bad', body)
    assert.equal(status, 400)
  }
}
