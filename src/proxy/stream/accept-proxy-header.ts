import type { Socket } from 'node:net'
import { plainAddress } from '../forwarded.ts'
import { type ProxyPeer, readProxyHeader } from './proxy-protocol.ts'

export interface ProxyHeaderOptions {
  /** How long the header may take. Milliseconds. */
  readonly timeoutMs: number
  /** Whether a peer may say who its clients are. */
  readonly isTrusted: (address: string) => boolean
  /** `client`: null where the header does not say. `early`: what came behind the header, and will not come again. */
  readonly onReady: (socket: Socket, client: ProxyPeer | null, early: Buffer | null) => void
  readonly onFault: (peer: string, reason: string) => void
}

/** Reads the PROXY protocol header of an accepted connection, and gives it on. */
export function acceptProxyHeader(socket: Socket, options: ProxyHeaderOptions): void {
  const peer = plainAddress(socket.remoteAddress)
  const refuse = (reason: string): void => {
    clearTimeout(timer)
    options.onFault(peer, reason)
    socket.destroy()
  }
  const timer = setTimeout(() => refuse('it did not come in time'), options.timeoutMs)
  socket.on('error', onError)
  socket.once('close', () => clearTimeout(timer))
  if (!options.isTrusted(peer)) return refuse('the peer is not in trustedPeers')
  let bytes: Buffer = Buffer.alloc(0)
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const header = readProxyHeader(bytes)
    if (header.kind === 'more') return
    socket.off('readable', onReadable)
    if (header.kind === 'bad') return refuse(header.reason)
    clearTimeout(timer)
    socket.off('error', onError)
    options.onReady(
      socket,
      header.client,
      bytes.length > header.length ? bytes.subarray(header.length) : null,
    )
  }
  socket.on('readable', onReadable)
}

function onError(): void {
  // its end is all that matters
}
