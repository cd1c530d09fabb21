import { Agent, type IncomingMessage, request } from 'node:http'
import type { JsonObject } from '../../src/model/json.ts'

/** Just enough of a client for the gateway under test: its own would take more of the driving processor. */

export const ADMIN_KEY = 'benchmark-key-of-this-run-0123456789'

const agent = new Agent({ keepAlive: true, maxSockets: 8 })

/** Writes one document of APISIX; resolves to the milliseconds until it was acknowledged. Rejects if it was not taken. */
export async function putDocument(
  adminPort: number,
  kind: string,
  id: string,
  value: JsonObject,
): Promise<number> {
  const body = JSON.stringify(value)
  const began = performance.now()
  const { status, text } = await call(adminPort, 'PUT', `/apisix/admin/${kind}/${id}`, body)
  const tookMs = performance.now() - began
  if (status !== 200 && status !== 201) throw new Error(`${kind}/${id} was not taken: ${status} ${text}`)
  return tookMs
}

/** Whether the status listener says that the gateway takes traffic; false while nothing answers. */
export async function isReady(statusPort: number): Promise<boolean> {
  try {
    return (await call(statusPort, 'GET', '/readyz', '')).status === 200
  } catch {
    return false
  }
}

/** One request and its whole answer. */
export function call(
  port: number,
  method: string,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent,
        headers: { 'X-API-KEY': ADMIN_KEY, 'Content-Length': Buffer.byteLength(body), ...headers },
      },
      (incoming: IncomingMessage) => {
        let text = ''
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('error', reject).on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
