import type { PoolSettings } from '../../model/upstream.ts'
import type { EndpointPool } from './pool.ts'

/** The way of one request to an endpoint: a connection of HTTP/1.1 that it has for itself, or a stream of HTTP/2. */
export interface UpstreamLink {
  readonly pool: EndpointPool
  /** The endpoint's address, resolved. */
  readonly address: string
  readonly isConnecting: boolean
  /** Whether the system took the head. False: not one byte of the request went out. */
  readonly hasSent: boolean
  /** Bytes that were written wait in this process. */
  readonly isWaiting: boolean
  /** Whether it may serve another request; asked in `onAnswerEnd`. */
  readonly isKeepable: boolean
  expectsUpgrade: boolean
  send(
    head: string,
    body: string | null,
    method: string,
    sendMs: number,
    readMs: number,
    headDeadlineMs: number,
    nowMs: number,
  ): void
  writePart(bytes: Buffer, isChunked: boolean, nowMs: number): boolean
  endBody(isChunked: boolean, trailers: string, nowMs: number): void
  awaitBody(): void
  awaitAnswer(nowMs: number): void
  writeTunnel(bytes: Buffer, from: number, to: number, nowMs: number): boolean
  endTunnel(): void
  pause(): void
  resume(nowMs: number): void
  /** The text of a range of body that came with its head, or undefined. */
  textOf(from: number, to: number): string | undefined
  /** Gives it back to its pool, or closes it, as the pool's settings say; only where `isKeepable`. */
  release(settings: PoolSettings, share: number, nowMs: number): void
  /** Ends the request whatever its state; says nothing to the reader. */
  close(): void
}
