import type { FastifyReply, FastifyRequest } from 'fastify'

/** Which origins may read answers in a browser. */
export interface CorsRule {
  /** Those that are configured: they may write as well, and send credentials. */
  readonly origins: ReadonlySet<string>
  /** Whether every origin may read while none is configured, as APIs without a key have it. */
  readonly reflects: boolean
}

/** Fields that all answers carry. At the very end, so that no API can open itself to origins that are not configured. */
export function setCommonFields(
  request: FastifyRequest,
  reply: FastifyReply,
  { origins, reflects }: CorsRule,
): void {
  reply.header('x-content-type-options', 'nosniff')
  reply.header('cache-control', 'no-store')
  if (origins.size > 0 || reflects) reply.header('vary', 'Origin')
  const { origin } = request.headers
  const isConfigured = origin !== undefined && origins.has(origin)
  if (origin === undefined || !(isConfigured || (reflects && origins.size === 0))) {
    for (const name of Object.keys(reply.getHeaders())) {
      if (name.toLowerCase().startsWith('access-control-')) reply.removeHeader(name)
    }
    return
  }
  // The fields of spec/apisix.md 1.1.
  reply.header('access-control-allow-origin', origin)
  if (isConfigured) reply.header('access-control-allow-credentials', 'true')
  reply.header('access-control-expose-headers', '*')
  reply.header('access-control-max-age', '3600')
  if (request.method !== 'OPTIONS') return
  const methods = isConfigured ? 'POST, GET, PUT, OPTIONS, DELETE, PATCH' : 'GET, OPTIONS'
  reply.header('access-control-allow-methods', methods)
  // With credentials `*` would be taken literally (fetch standard), so the names that were asked for are given back.
  const asked = request.headers['access-control-request-headers']
  reply.header('access-control-allow-headers', /^[\w\s,-]{1,1000}$/.test(asked ?? '') ? (asked ?? '*') : '*')
}
