import { STATUS_CODES } from 'node:http'

/** `HTTP/1.1 200 OK\r\n` lines, made once. */
const lines = new Map<number, string>()
for (const [code, reason] of Object.entries(STATUS_CODES))
  lines.set(Number(code), `HTTP/1.1 ${code} ${reason}\r\n`)
lines.set(408, 'HTTP/1.1 408 Request Time-out\r\n')
lines.set(503, 'HTTP/1.1 503 Service Temporarily Unavailable\r\n')
lines.set(504, 'HTTP/1.1 504 Gateway Time-out\r\n')

export function statusLine(status: number): string {
  return lines.get(status) ?? `HTTP/1.1 ${status} \r\n`
}

/** The phrase the gateway's own pages show, as nginx words it. */
export function reasonPhrase(status: number): string {
  const line = lines.get(status)
  return line === undefined ? '' : line.slice(13, -2)
}
