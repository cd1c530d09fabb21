import { createHmac } from 'node:crypto'
import { findCookie } from '../../expression/cookie.ts'
import { toByteString } from '../../model/byte-string.ts'
import { type Endpoint, endpointLabel } from '../../model/endpoint.ts'
import type { StickyEndpoint } from '../../model/upstream.ts'

/**
 * Cookies that keep clients on an endpoint (model/upstream.ts StickyEndpoint). All good values are known beforehand, so a request costs a look-up and no signature: any other
 * value, of another list or another secret, is none.
 */
export class StickyEndpoints {
  readonly #cookie: string
  readonly #indices = new Map<string, number>()
  /** Lines of answers, by index. */
  readonly #lines: readonly string[]

  constructor(sticky: StickyEndpoint, endpoints: readonly Endpoint[]) {
    this.#cookie = sticky.cookie
    const attributes = attributesOf(sticky)
    this.#lines = endpoints.map((endpoint, index) => {
      const value = cookieValue(endpointLabel(endpoint), sticky.secret)
      if (!this.#indices.has(value)) this.#indices.set(value, index)
      return `Set-Cookie: ${sticky.cookie}=${value}${attributes}\r\n`
    })
  }

  /** Index of the endpoint that the client's cookies name; -1: they name none. */
  find(cookies: string | undefined): number {
    const value = cookies === undefined ? undefined : findCookie(cookies, this.#cookie)
    return value === undefined ? -1 : (this.#indices.get(value) ?? -1)
  }

  lineFor(index: number): string {
    return this.#lines[index] as string
  }
}

/** base64url without padding of `name:signature`. */
export function cookieValue(name: string, secret: string): string {
  const signature = createHmac('sha256', secret).update(name).digest('hex')
  return toByteString(Buffer.from(`${name}:${signature}`).toString('base64url'))
}

function attributesOf({ maxAgeSeconds, isHttpOnly, isSecure }: StickyEndpoint): string {
  const parts = ['; Path=/']
  if (maxAgeSeconds !== null) parts.push(`; Max-Age=${maxAgeSeconds}`)
  if (isSecure) parts.push('; Secure')
  if (isHttpOnly) parts.push('; HttpOnly')
  return parts.join('')
}
