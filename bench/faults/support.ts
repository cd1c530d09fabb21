import { type GatewayProcess, startGateway } from '../../test/support/gateway.ts'
import { runTool, waitFor } from '../../test/support/tools.ts'
import { readWrk } from '../support/load.ts'

/** A gateway with two workers, closed when `body` is through. */
export async function withGateway<T>(body: (gateway: GatewayProcess) => Promise<T>): Promise<T> {
  const gateway = await startGateway(['--workers', '2'])
  try {
    return await body(gateway)
  } finally {
    await gateway.stop('SIGKILL')
  }
}

/** A route for every path, as an APISIX document. */
export function putApisix(gateway: GatewayProcess, upstream: object): Promise<void> {
  return put(gateway, '/apisix/admin/routes/1', { uri: '/*', upstream })
}

/** A native document. */
export function putNative(
  gateway: GatewayProcess,
  kind: 'routes' | 'upstreams',
  document: { readonly id: string },
): Promise<void> {
  return put(gateway, `/headgate/v1/documents/native/${kind}/${document.id}`, document)
}

async function put(gateway: GatewayProcess, path: string, body: object): Promise<void> {
  const answer = await gateway.admin('PUT', path, body)
  if (answer.status >= 300) throw new Error(`PUT ${path}: ${answer.status} ${answer.text}`)
}

export interface Told {
  readonly type: string
  readonly atMs: number
  readonly data: { readonly endpoint: string; readonly reason: string }
}

/** The first event of one of these types that tells of an endpoint after a time of the wall clock; null: none came in time. */
export async function findEvent(
  gateway: GatewayProcess,
  types: readonly string[],
  endpoint: string,
  afterMs: number,
  withinMs: number,
): Promise<Told | null> {
  try {
    return await waitFor(
      `${types} of ${endpoint}`,
      async () => {
        const answer = await gateway.admin('GET', `/headgate/v1/events?types=${types.join(',')}&follow=false`)
        const { list } = JSON.parse(answer.text) as { list: Told[] }
        return list.find(({ atMs, data }) => atMs >= afterMs && data.endpoint === endpoint)
      },
      withinMs,
    )
  } catch {
    return null
  }
}

export interface WrkReport {
  readonly requests: number
  /** Answers that were not 2xx or 3xx. */
  readonly bad: number
  /** Connections that failed, were cut or timed out. */
  readonly cut: number
}

/** `wrk -c 64` of GETs. */
export async function runWrk(port: number, seconds: number): Promise<WrkReport> {
  const { stdout } = await runTool('wrk', [
    '-t1',
    '-c64',
    `-d${seconds}s`,
    '--latency',
    `http://127.0.0.1:${port}/`,
  ])
  const { requests, errors } = readWrk(stdout)
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0)
  return { requests: requests + bad, bad, cut: errors - bad }
}
