import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerText, type Backend, type RecordedRequest, startBackend } from '../../support/backends.ts'
import { type GatewayProcess, type HttpAnswer, startGateway } from '../../support/gateway.ts'
import { connectRaw, type RawAnswer, requestOnce } from '../../support/raw-client.ts'

/** What the tests of the APISIX dialect share: a running gateway and backends that say who they are and remember what they got. */

export type Json = Readonly<Record<string, unknown>>

export interface Stage {
  readonly gateway: GatewayProcess
  /** Each answers with its letter: a, b, c, d. */
  readonly backends: Readonly<Record<Letter, Backend>>
  /** `{type, nodes}` with one node for each letter. */
  upstream(letters: string, more?: Json): Json
  /** Stores an object below /apisix/admin; the test fails unless it is taken. */
  put(path: string, value: unknown): Promise<HttpAnswer>
  /** Stores an object that must be refused with 400, and gives the error's text. */
  refused(path: string, value: unknown): Promise<string>
  remove(...paths: string[]): Promise<void>
  send(target: string, options?: SendOptions): Promise<RawAnswer>
  /** Letters of the backends that served `count` requests, one after the other on one connection. */
  letters(target: string, count: number, headers?: readonly string[]): Promise<string>
  /** The last request that reached the backend. */
  last(letter?: Letter): RecordedRequest
  forget(): void
  close(): Promise<void>
}

export type Letter = 'a' | 'b' | 'c' | 'd'

export interface SendOptions {
  readonly method?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

const LETTERS: readonly Letter[] = ['a', 'b', 'c', 'd']

/** `settings`: of the start-up file. One worker, so that a rotation is watched from one place; `flags` may ask for more. */
export async function openStage(settings: Json = {}, flags: readonly string[] = []): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apisix-'))
  const file = join(folder, 'settings.yaml')
  writeFileSync(file, JSON.stringify(settings))
  const started = await Promise.all(LETTERS.map((letter) => startBackend(letter)))
  const backends = Object.fromEntries(LETTERS.map((letter, i) => [letter, started[i]])) as Record<
    Letter,
    Backend
  >
  const workers = flags.includes('--workers') ? [] : ['--workers', '1']
  const gateway = await startGateway(['--settings', file, '--log-level', 'warn', ...workers, ...flags])
  const stage: Stage = {
    gateway,
    backends,
    upstream: (letters, more = {}) => ({
      type: 'roundrobin',
      nodes: Object.fromEntries([...letters].map((letter) => [backends[letter as Letter].node, 1])),
      ...more,
    }),
    put: async (path, value) => {
      const answer = await gateway.admin('PUT', `/apisix/admin${path}`, value)
      assert.ok(
        answer.status === 200 || answer.status === 201,
        `PUT ${path}: ${answer.status} ${answer.text}`,
      )
      return answer
    },
    refused: async (path, value) => {
      const answer = await gateway.admin('PUT', `/apisix/admin${path}`, value)
      assert.equal(answer.status, 400, `PUT ${path}: ${answer.text}`)
      return (answer.json as { error_msg: string }).error_msg
    },
    remove: async (...paths) => {
      for (const path of paths) await gateway.admin('DELETE', `/apisix/admin${path}?force=true`)
    },
    send: (target, options = {}) => requestOnce(gateway.port, target, options),
    letters: async (target, count, headers = ['Host: t']) => {
      const client = await connectRaw(gateway.port)
      let served = ''
      for (let i = 0; i < count; i++) {
        const answer = await client.exchange([`GET ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n'))
        served += answer.status === 200 ? answer.body : `<${answer.status}>`
      }
      client.close()
      return served
    },
    last: (letter = 'a') => {
      const request = backends[letter].requests.at(-1)
      assert.ok(request !== undefined, `backend ${letter} got no request`)
      return request
    },
    forget: () => {
      for (const letter of LETTERS) {
        backends[letter].requests.length = 0
        const fixed = answerText(letter)
        backends[letter].answer = () => fixed
      }
    },
    close: async () => {
      await gateway.stop()
      await Promise.all(started.map((backend) => backend.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return stage
}

/** `aabab` → `{a: 3, b: 2}`. */
export function tally(served: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const letter of served) counts[letter] = (counts[letter] ?? 0) + 1
  return counts
}

/** Deletes every object of the kinds that routes are made of, in an order that nothing protects. */
export async function clear(stage: Stage): Promise<void> {
  for (const kind of ['routes', 'services', 'plugin_configs', 'upstreams']) {
    const { json } = await stage.gateway.admin('GET', `/apisix/admin/${kind}`)
    for (const { value } of (json as { list: { value: { id: string | number } }[] }).list) {
      await stage.gateway.admin('DELETE', `/apisix/admin/${kind}/${value.id}?force=true`)
    }
  }
}
