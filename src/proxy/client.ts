import type { Socket } from 'node:net'
import type { RequestHead } from './http1/request-head.ts'

/** What an exchange asks of whoever sent its request: a connection of HTTP/1.1 (http1/downstream.ts), or a stream of HTTP/2 (http2/server-stream.ts). */
export interface Client {
  /** Of the request under way. That of a stream is made of its fields, in the form of HTTP/1.1. */
  readonly head: RequestHead
  readonly scheme: 'http' | 'https'
  /** Whether messages end by frames of their own: bodies go as they are, whatever their length, and trailers go to everybody. */
  readonly isFramed: boolean
  /** An answer other than a change of protocol must not look like one (RFC 8441). */
  readonly mustUpgrade: boolean
  readonly peerAddress: string
  readonly peerPort: number
  readonly localAddress: string
  readonly localPort: number
  /** Host and forwarding lines of the last request that brought no forwarding fields of its own (compose-request.ts). */
  readonly commonLines: { host: string; client: string; text: string }
  /** What is known of TLS; null without it. */
  readonly tls: ClientTls | null

  /** A head in the form of HTTP/1.1, with the body behind it where the gateway makes that. */
  writeHead(text: string): void
  /** Bytes of the body, or of chunked framing. */
  writeText(text: string): void
  /** Bytes of the body; the caller's again afterwards. */
  writeBytes(bytes: Buffer, from: number, to: number): void
  /** Trailer lines of a message that ends; only where `isFramed`. */
  writeTrailers(lines: string): void
  /** Writes what was gathered: one write per turn and direction. */
  flush(): void
  /** The client reads slower than it is written to. */
  readonly isCongested: boolean
  pauseReading(): void
  resumeReading(): void
  /** No further request is taken from it, and answers say so. */
  readonly willClose: boolean
  markLast(): void
  /** The answer is complete and flushed. */
  onExchangeDone(): void
  /** An answer that broke off: the client must see that it is not whole. `byReset`: its end is marked by the connection's alone. */
  abort(byReset: boolean): void
  /** From now on bytes go both ways as they come, until either side ends. */
  startTunnel(): void
  /** The endpoint sends nothing more through the tunnel. */
  endTunnel(): void
  /** `head` is wanted once more: that of a tunnel may have been put away. */
  recallHead(): void
}

/** Facts about a client's TLS. */
export interface ClientTls {
  /** The name it asked for, lower case; '' for none. */
  readonly serverName: string
  /** `TLSv1.3`. */
  readonly version: string
  /** As OpenSSL calls it. */
  readonly cipher: string
  readonly isResumed: boolean
  /** Whether a request with that target (path and query) and host may go on: neither its host nor the handshake's name asks for a certificate of the client, or a good one was shown, or the target needs none. */
  admits(target: string, host: string): boolean
}

/** A connection that a listener took in. */
export interface AcceptedSocket {
  readonly socket: Socket
  /** Port of the listener. */
  readonly localPort: number
  /** null: plain. */
  readonly tls: ClientTls | null
  /** Who the client is where the socket does not say it (PROXY protocol); null: the socket's own peer. */
  readonly peer: { readonly address: string; readonly port: number } | null
  /** What was read from the socket already; null: nothing. */
  readonly early: Buffer | null
}

/** What is known of a connection beside its socket. */
export type Acceptance = Omit<AcceptedSocket, 'socket' | 'localPort'>

/** What the data plane asks of a client's connection, whatever it speaks. */
export interface ClientConnection {
  /** The oldest table revision that a request on it was matched by; infinite while none runs. */
  readonly heldRevision: number
  /** Closes now if nothing is under way, or as soon as that is politely possible; while draining. */
  closeIfIdle(): void
  destroy(): void
}
