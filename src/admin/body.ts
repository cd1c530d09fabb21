import type { IncomingMessage } from 'node:http'

/**
 * The body as text (UTF-8; what is none becomes U+FFFD), '' if there is none. One that is over `limit` bytes is not kept: its size as
 * declared, or as far as it was read. What is left of it is read and dropped with the answer. Rejects if the client goes away.
 */
export function readBody(
  message: IncomingMessage,
  limit: number,
): Promise<string | { readonly bytes: number }> {
  const declared = Number(message.headers['content-length'])
  if (declared > limit) {
    message.resume()
    return Promise.resolve({ bytes: declared })
  }
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    const onData = (part: Buffer): void => {
      bytes += part.length
      if (bytes > limit) {
        message.off('data', onData)
        message.resume()
        resolve({ bytes })
      } else parts.push(part)
    }
    message.on('data', onData)
    message.once('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    message.once('error', reject)
    message.once('close', () => {
      if (!message.complete) reject(new Error('the client went away'))
    })
  })
}
