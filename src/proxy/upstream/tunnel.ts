import { connect, type Socket } from 'node:net'
import { toByteString } from '../../model/byte-string.ts'
import { type BehindProxy, hostPort } from '../../model/endpoint.ts'

/** Of the proxy's answer to CONNECT. */
const MAX_HEAD_BYTES = 16_384

export interface TunnelParts {
  /** Where the proxy is, resolved. */
  readonly proxy: { readonly host: string; readonly port: number }
  /** It has connected: nothing but the other end's bytes come from here on. */
  readonly onOpen: (socket: Socket) => void
  /** It answered with another status than 2xx, or with what is no answer (0). The socket is the caller's to close. */
  readonly onRefused: (status: number) => void
}

/** Asks a forward proxy to connect to a server (RFC 9110 9.3.6). The socket's errors and its end are the caller's to hear of. */
export function openTunnel(behind: BehindProxy, { proxy, onOpen, onRefused }: TunnelParts): Socket {
  const socket = connect({ ...proxy, noDelay: true })
  const place = toByteString(hostPort(behind))
  const { authorization } = behind
  const credentials = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`
  socket.on('connect', () =>
    socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${credentials}\r\n`, 'latin1'),
  )
  let text = ''
  const onData = (chunk: Buffer): void => {
    text += chunk.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end < 0 && text.length < MAX_HEAD_BYTES) return
    socket.off('data', onData)
    const status = end < 0 ? 0 : Number(/^HTTP\/1\.[01] (\d{3})[ \r]/.exec(text)?.[1] ?? 0)
    // a server of TLS says nothing before it is spoken to
    const isClean = end + 4 === text.length
    if (status < 200 || status > 299 || !isClean) return onRefused(status)
    socket.pause()
    onOpen(socket)
  }
  socket.on('data', onData)
  return socket
}
