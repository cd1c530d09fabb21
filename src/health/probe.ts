import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { ActiveCheck } from '../model/health.ts'
import type { UpstreamTls } from '../model/upstream.ts'
import { probeGrpc } from './probe-grpc.ts'
import { describeError, type ProbeResult, type ProbeTarget, timedOut } from './probe-result.ts'
import { probeTcp } from './probe-tcp.ts'

/** Probes once. Never rejects; every socket it opened is closed when it resolves. */
export function probe(
  check: ActiveCheck,
  target: ProbeTarget,
  tls: UpstreamTls | null = null,
): Promise<ProbeResult> {
  if (target.own !== undefined) {
    const { isSecure, path } = target.own
    return probeHttp({ ...check, kind: isSecure ? 'https' : 'http', path }, target, tls)
  }
  switch (check.kind) {
    case 'tcp':
      return probeTcp(target.address, check.port ?? target.port, check.timeoutMs)
    case 'grpc':
      return probeGrpc(check, target)
    case 'http':
    case 'https':
      return probeHttp(check, target, tls)
    default:
      return check.kind satisfies never
  }
}

/** The status line decides; the body is not read. */
async function probeHttp(
  check: ActiveCheck,
  target: ProbeTarget,
  tls: UpstreamTls | null,
): Promise<ProbeResult> {
  const from = performance.now()
  // loaded with the first probe: a gateway that probes nothing does without their memory
  const { request } = check.kind === 'https' ? await import('node:https') : await import('node:http')
  return new Promise((resolve) => {
    let sent: ClientRequest | null = null
    const end = (result: ProbeResult): void => {
      clearTimeout(timer)
      sent?.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => end(timedOut(check.timeoutMs, from)), check.timeoutMs)
    const port = check.port ?? target.port
    const isTls = check.kind === 'https'
    const name = check.host ?? hostField(target.host, port, isTls)
    const options: RequestOptions & {
      servername?: string
      rejectUnauthorized?: boolean
      checkServerIdentity?: () => undefined
      ca?: string
      cert?: string
      key?: string
    } = {
      host: target.address,
      port,
      method: check.method,
      path: check.path,
      agent: false,
      headers: fieldsOf(check, name),
      setHost: false,
      ...(isTls
        ? {
            servername: serverName(tls?.serverName ?? check.host ?? target.host),
            rejectUnauthorized: check.verifiesCertificate,
            ...(tls?.verifiesName === false ? { checkServerIdentity: () => undefined } : {}),
            ...(tls?.ca == null ? {} : { ca: tls.ca }),
            ...(tls?.certificate == null || tls.key == null ? {} : { cert: tls.certificate, key: tls.key }),
          }
        : {}),
    }
    try {
      sent = request(options, (answer: IncomingMessage) => {
        answer.on('error', () => {}) // what comes after the status line plays no part
        end({ kind: 'status', status: answer.statusCode ?? 0, tookMs: performance.now() - from })
      })
    } catch (error) {
      return end({ kind: 'http', error: describeError(error), tookMs: performance.now() - from })
    }
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isParse = error.code?.startsWith('HPE_') === true
      end({ kind: isParse ? 'http' : 'tcp', error: describeError(error), tookMs: performance.now() - from })
    })
    sent.end(check.body)
  })
}

function fieldsOf(check: ActiveCheck, host: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {
    Host: host,
    'User-Agent': 'headgate-health',
    Connection: 'close',
  }
  for (const { name, value } of check.headers) {
    const known = Object.keys(fields).find((one) => one.toLowerCase() === name.toLowerCase())
    // a field that the check names replaces ours; named twice, it is sent twice
    if (known === undefined || ['Host', 'User-Agent', 'Connection'].includes(known)) {
      if (known !== undefined) delete fields[known]
      fields[name] = value
    } else fields[known] = [fields[known] as string | string[], value].flat()
  }
  if (check.body !== '') fields['Content-Length'] = String(Buffer.byteLength(check.body))
  return fields
}

function hostField(host: string, port: number, isTls: boolean): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return port === (isTls ? 443 : 80) ? name : `${name}:${port}`
}

/** Addresses are no server names. */
function serverName(host: string): string {
  const name = host.replace(/:\d+$/, '')
  return /^[\d.]+$/.test(name) || name.includes(':') || name.startsWith('[') ? '' : name
}
