import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { answerText, startNginx, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { skipWithout } from '../support/tools.ts'
import { sleep, startLoad } from './support.ts'

/** Promise F4: a kept connection that the backend closes while it is idle never shows on safe requests. */

let gateway: GatewayProcess
const SECONDS = process.env.HEADGATE_LONG === '1' ? 60 : 6

before(async () => {
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway.stop()
})

async function route(node: string): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [node]: 1 } },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** Answers each request and closes when nothing came for a random time of up to 50 ms: by FIN or by reset. */
function impatient(socket: Socket): void {
  let timer: NodeJS.Timeout | undefined
  let pending = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    clearTimeout(timer)
    pending += text
    for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
      const length = Number(/content-length: (\d+)/i.exec(pending.slice(0, end))?.[1] ?? 0)
      if (pending.length < end + 4 + length) return
      pending = pending.slice(end + 4 + length)
      socket.write(answerText('ok'))
    }
    timer = setTimeout(() => {
      if (Math.random() < 0.3) socket.resetAndDestroy()
      else socket.end()
    }, Math.random() * 50)
  })
  socket.on('end', () => socket.end())
  socket.on('close', () => clearTimeout(timer))
}

test('connections that the backend closes while idle cost no safe request', async () => {
  const backend = await startRawBackend(impatient)
  await route(backend.node)
  const load = startLoad(gateway.port, 40, {
    pauseMs: 60,
    next: (client, turn) => {
      const method = ['GET', 'GET', 'HEAD', 'DELETE', 'PUT'][(client + turn) % 5] as string
      const body = method === 'PUT' ? 'body' : ''
      return {
        name: method,
        bytes: `${method} / HTTP/1.1\r\nHost: a\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
      }
    },
  })
  await sleep(SECONDS * 1000)
  const report = await load.stop()
  console.log(`stale pool: GET failed ${report.failed} of ${report.total}`)
  assert.deepEqual(report.reasons, [])
  assert.ok(report.total > SECONDS * 300, `only ${report.total} requests`)
  await backend.close()
})

test('a POST on a stale connection is answered or refused, never sent twice', async () => {
  const seen = new Map<string, number>()
  const backend = await startRawBackend((socket) => {
    socket.on('data', (chunk: Buffer) => {
      const id = /POST \/(\S+)/.exec(chunk.toString('latin1'))?.[1]
      if (id !== undefined) seen.set(id, (seen.get(id) ?? 0) + 1)
    })
    impatient(socket)
  })
  await route(backend.node)
  let refused = 0
  const load = startLoad(gateway.port, 40, {
    pauseMs: 60,
    next: (client, turn) => ({
      name: 'POST',
      bytes: `POST /${client}-${turn} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`,
    }),
    isExpected: (_name, answer) => {
      if (answer instanceof Error) return false
      if (answer.status === 502) refused++
      return answer.status === 200 || answer.field('x-headgate-error') === 'UPSTREAM_STALE'
    },
  })
  await sleep((SECONDS * 1000) / 2)
  const report = await load.stop()
  const twice = [...seen.values()].filter((count) => count > 1).length
  console.log(`stale pool: POST executed twice ${twice} of ${report.total} (502: ${refused})`)
  assert.equal(twice, 0)
  assert.deepEqual(report.reasons, [])
  await backend.close()
})

test('nginx that keeps a connection for ten requests or twenty milliseconds costs no request', {
  skip: skipWithout('nginx'),
}, async () => {
  const nginx = await startNginx([{}], { extra: 'keepalive_requests 10; keepalive_timeout 20ms;' })
  await route(nginx.nodes[0] as string)
  const load = startLoad(gateway.port, 20, { pauseMs: 40 })
  await sleep((SECONDS * 1000) / 2)
  const report = await load.stop()
  console.log(`stale pool, nginx: GET failed ${report.failed} of ${report.total}`)
  assert.deepEqual(report.reasons, [])
  await nginx.close()
})
