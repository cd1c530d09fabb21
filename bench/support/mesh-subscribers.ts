import { randomUUID } from 'node:crypto'
import { type ClientRequest, request } from 'node:http'
import type { JsonObject } from '../../src/model/json.ts'
import { HEARTBEAT_MS, PROXY_PREFIX, type ToProxy } from '../../src/model/proxy-link.ts'
import { call } from './admin.ts'

/** What a simulated proxy has had of its control plane. */
export interface Subscriber {
  readonly name: string
  /** Models and patches so far, and their bytes. */
  lines: number
  bytes: number
  /** Text of the last one. */
  last: string
  /** When it came, by performance.now. */
  lastMs: number
}

export interface Subscribers {
  readonly all: readonly Subscriber[]
  /** Resolves once nothing came to anybody for a while. */
  settle(): Promise<void>
  /** Ends all streams without a word. */
  close(): void
}

/** So long nothing may have come. */
const QUIET_MS = 1_000

/** Registers proxies at a control plane as `headgate dataplane` does, over a connection each, and follows their streams; nothing listens for them. Resolves when each has its model. */
export async function startSubscribers(
  port: number,
  documents: readonly (JsonObject & { readonly name: string })[],
): Promise<Subscribers> {
  const open: ClientRequest[] = []
  let changedMs = performance.now()
  const instances = new Map<string, string>()
  const follow = (document: JsonObject & { readonly name: string }): Promise<Subscriber> =>
    new Promise((resolve, reject) => {
      const { name } = document
      const instance = randomUUID()
      instances.set(name, instance)
      const subscriber: Subscriber = { name, lines: 0, bytes: 0, last: '', lastMs: 0 }
      const hello = { instance, version: 'bench', dataplane: document, hasModel: false, inbounds: [] }
      const sent = request({
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: `${PROXY_PREFIX}/default/${name}/stream`,
        agent: false,
      })
      open.push(sent)
      sent.on('error', reject)
      sent.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
            const line = text.slice(0, end)
            text = text.slice(end + 1)
            // a model is not parsed: the bench would be slower than what it measures
            const type: ToProxy['type'] | undefined = line.startsWith('{"type":"model"')
              ? 'model'
              : line.startsWith('{"type":"patch"')
                ? 'patch'
                : undefined
            if (type === undefined) continue
            subscriber.lines++
            subscriber.bytes += line.length
            subscriber.last = line
            subscriber.lastMs = performance.now()
            changedMs = subscriber.lastMs
            resolve(subscriber)
          }
        })
        response.on('end', () => {
          if (subscriber.lines === 0) reject(new Error(`${name}: ${response.statusCode} ${text}`))
        })
        response.on('error', reject)
      })
      sent.end(JSON.stringify(hello))
    })
  // one that says nothing for long is taken for gone
  const timer = setInterval(() => {
    for (const [name, instance] of instances)
      void call(
        port,
        'PUT',
        `${PROXY_PREFIX}/default/${name}/status`,
        JSON.stringify({ instance, revision: 1 }),
      ).catch(() => {})
  }, HEARTBEAT_MS)
  const all: Subscriber[] = []
  const waiting = [...documents]
  const next = async (): Promise<void> => {
    for (let document = waiting.shift(); document !== undefined; document = waiting.shift())
      all.push(await follow(document))
  }
  await Promise.all(Array.from({ length: 64 }, next))
  return {
    all,
    settle: async () => {
      while (performance.now() - changedMs < QUIET_MS) await new Promise((resolve) => setTimeout(resolve, 50))
    },
    close: () => {
      clearInterval(timer)
      for (const sent of open) {
        sent.removeAllListeners('error').on('error', () => {})
        sent.destroy()
      }
    },
  }
}
