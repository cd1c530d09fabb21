import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { REQUESTS } from '../conformance/corpus/requests.ts'
import { readWithLlhttp } from '../conformance/llhttp.ts'
import { mutate, randomCuts, seededRandom } from '../conformance/mutate.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw } from '../support/raw-client.ts'
import { MIB, readGauge, readRss, waitForRest, writeSettings } from './support.ts'

/** Promise H2 through sockets: no input crashes a running gateway, wedges a connection, or makes it send something odd on. */

const COUNT = process.env.HEADGATE_LONG === '1' ? 200_000 : 2000
const SEED = Number(process.env.HEADGATE_SEED ?? 20_261_125)
const AT_ONCE = 16
const settings = writeSettings({ limits: { headerTimeoutMs: 2000, bodyIdleMs: 2000, drainMs: 500 } })

let gateway: GatewayProcess
let backend: Backend

before(async () => {
  const fixed = answerText('ok')
  backend = await startBackend(() => fixed)
  gateway = await startGateway(['--workers', '1', '--settings', settings.file])
  const made = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [backend.node]: 1 }, timeout: { connect: 2, send: 2, read: 2 } },
  })
  assert.equal(made.status, 201)
})
after(async () => {
  await gateway.stop()
  await backend.close()
  settings.remove()
})

/** Sends the bytes in pieces and closes its half; null if the gateway answered or closed, else what hung. */
async function send(bytes: string, cuts: readonly number[]): Promise<string | null> {
  const client = await connectRaw(gateway.port)
  try {
    await client.writeSplit(bytes, cuts).catch(() => {})
    client.end()
    const text = await client.readToEnd(10_000)
    return text === '' || text.startsWith('HTTP/1.1 ')
      ? null
      : `odd answer ${JSON.stringify(text.slice(0, 80))}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    client.close()
  }
}

test('mutated requests are answered or their connection closed, and nothing odd goes upstream', async () => {
  const random = seededRandom(SEED)
  const inputs = REQUESTS.map((each) => each.input)
  const pid = gateway.pid
  let before = 0
  let left = COUNT
  const hung: string[] = []
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) {
        if (left === Math.floor(COUNT / 2)) before = readRss(pid)
        const input = inputs[Math.floor(random() * inputs.length)] as string
        const bytes = mutate(input, inputs, random)
        const fault = await send(bytes, randomCuts(bytes, random))
        if (fault !== null) hung.push(`${fault} for ${JSON.stringify(bytes.slice(0, 300))}`)
      }
    }),
  )
  await waitForRest(gateway)
  const grown = Math.max(0, readRss(pid) - before) / MIB
  const odd = backend.received.filter((bytes) => {
    const { error } = readWithLlhttp(bytes, null)
    // Cut requests end inside a message; methods that llhttp does not know are tokens all the same.
    return error !== null && error !== 'HPE_INVALID_EOF_STATE' && error !== 'HPE_INVALID_METHOD'
  })
  const crashes =
    (await readGauge(gateway, 'headgate_worker_restarts_total')) + (gateway.child.exitCode === null ? 0 : 1)
  console.log(
    `fuzz ${COUNT}: ${crashes} crashes, ${odd.length} non-canonical, ${hung.length} hung (through sockets, seed ${SEED}, RSS +${grown.toFixed(0)} MiB)`,
  )
  assert.deepEqual(hung.slice(0, 5), [])
  assert.deepEqual(odd.slice(0, 5), [])
  assert.equal(crashes, 0)
  assert.doesNotMatch(gateway.stderr(), /nobody caught|uncaught|TypeError/i)
  assert.ok(grown < 64, `RSS grew by ${grown} MiB`)
})
