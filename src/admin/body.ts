import type { IncomingMessage } from 'node:http'

/**
 * How long the rest of a body that is too large is waited for, so that its client, which reads no answer before it has written all, gets to read one: an
 * answer sent earlier is lost with a connection that closes on unread bytes. Milliseconds.
 */
const DRAIN_MS = 5000

/**
 * The body as text (UTF-8; what is none becomes U+FFFD), '' if there is none. One that is over `limit` bytes is not kept: its size as declared, or as far as it
 * was read when it passed the limit; what is left of it is read and dropped first, for `drainMs` at most. Rejects if the client goes away.
 */
export function readBody(
  message: IncomingMessage,
  limit: number,
  drainMs = DRAIN_MS,
): Promise<string | { readonly bytes: number }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    let refusal: { readonly bytes: number } | null = null
    let timer: NodeJS.Timeout | undefined
    const refuse = (size: number): void => {
      refusal = { bytes: size }
      parts.length = 0
      timer = setTimeout(resolve, drainMs, refusal)
    }
    const declared = Number(message.headers['content-length'])
    if (declared > limit) refuse(declared)
    message.on('data', (part: Buffer) => {
      bytes += part.length
      if (refusal !== null) return
      if (bytes > limit) refuse(bytes)
      else parts.push(part)
    })
    message.once('end', () => resolve(refusal ?? Buffer.concat(parts).toString('utf8')))
    message.once('error', reject)
    message.once('close', () => {
      clearTimeout(timer)
      if (!message.complete) reject(new Error('the client went away'))
    })
  })
}
