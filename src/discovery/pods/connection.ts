import { readFileSync } from 'node:fs'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { ClusterSettings } from '../../model/settings.ts'

/** How the API server of a cluster is reached. Files are read for each request, so that a token that was made anew counts at once. */
export interface KubeConnection {
  /** URL without a slash at its end. */
  readonly server: string
  readonly ca: string | null
  readonly certificate: string | null
  readonly key: string | null
  /** null: none. Throws as `fs` does. */
  token(): string | null
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Throws a sentence where the settings, or the files that they name, do not say how. */
export async function openConnection(
  settings: ClusterSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<KubeConnection> {
  if (settings.kubeconfig !== undefined) {
    const { readKubeconfig } = await import('./kubeconfig.ts')
    return readKubeconfig(settings.kubeconfig, settings.context ?? null)
  }
  if (settings.inCluster === true) {
    const host = env.KUBERNETES_SERVICE_HOST
    if (host === undefined)
      throw new Error('the gateway does not run in a cluster: KUBERNETES_SERVICE_HOST is not set')
    const name = host.includes(':') ? `[${host}]` : host
    return {
      server: `https://${name}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
      ca: readFileSync(`${ACCOUNT}/ca.crt`, 'utf8'),
      certificate: null,
      key: null,
      token: () => readFileSync(`${ACCOUNT}/token`, 'utf8').trim(),
    }
  }
  const { server, tokenFile, caFile } = settings
  if (server === undefined)
    throw new Error('the cluster has none of directory, dns, kubeconfig, server and inCluster')
  return {
    server: server.replace(/\/+$/, ''),
    ca: caFile === undefined ? null : readFileSync(caFile, 'utf8'),
    certificate: null,
    key: null,
    token: () => (tokenFile === undefined ? null : readFileSync(tokenFile, 'utf8').trim()),
  }
}

/** Bytes of an answer that is read whole, and of one line of a watch. */
const MAX_BYTES = 64 * 1024 * 1024
const CONNECT_MS = 10_000
/** A connection on which nothing comes is asked after so long whether its other end is still there; without an answer it ends some seconds later. */
const KEEP_ALIVE_MS = 15_000

/** A request for `path`; the answer's head is there when it resolves. Rejects where there is none, or it is no 200. */
export async function get(
  connection: KubeConnection,
  path: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(connection.server + path)
  const isSecure = url.protocol === 'https:'
  const { request } = isSecure ? await import('node:https') : await import('node:http')
  const token = connection.token()
  const options: RequestOptions & { ca?: string; cert?: string; key?: string } = {
    method: 'GET',
    signal,
    agent: false,
    headers: { Accept: 'application/json', ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
    ...(connection.ca === null ? {} : { ca: connection.ca }),
    ...(connection.certificate === null || connection.key === null
      ? {}
      : { cert: connection.certificate, key: connection.key }),
  }
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(url, options, (answer) => {
      clearTimeout(timer)
      if (answer.statusCode === 200) return resolve(answer)
      answer.resume()
      reject(
        new ApiError(
          answer.statusCode ?? 0,
          `the API server answers ${answer.statusCode} for ${url.pathname}`,
        ),
      )
    })
    const timer = setTimeout(() => sent.destroy(new Error('the API server does not answer')), CONNECT_MS)
    sent.setSocketKeepAlive(true, KEEP_ALIVE_MS)
    sent.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    sent.end()
  })
}

export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

/** The whole body as JSON. */
export async function readJson(answer: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BYTES) throw new Error(`the answer is over ${MAX_BYTES} bytes`)
    parts.push(part)
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}

/** The lines of a body as they come. */
export async function* readLines(answer: IncomingMessage): AsyncGenerator<string> {
  let pending = ''
  answer.setEncoding('utf8')
  for await (const part of answer as AsyncIterable<string>) {
    pending += part
    if (pending.length > MAX_BYTES) throw new Error(`a line is over ${MAX_BYTES} bytes`)
    const lines = pending.split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
}
