import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import type { Surface } from '../model/surface.ts'
import { reasonPhrase } from './status-text.ts'

export interface ErrorBody {
  readonly contentType: string
  readonly body: string
}

const EMPTY: ErrorBody = { contentType: '', body: '' }

/**
 * The one place where a failure becomes the bytes of an answer: the surface's own form for that status. Statuses below 300 have no page.
 */
export function errorBody(surface: Surface, status: number, code: ErrorCode, requestId: string): ErrorBody {
  const own = surface.bodies[code]
  if (own !== undefined) return own
  switch (surface.errorForm) {
    case 'page':
      return pageFor(status, surface.serverField)
    case 'json':
      return {
        contentType: 'application/json',
        body: `{"error":{"code":"${code}","status":${status},"message":${JSON.stringify(ERROR_CODES[code].message)},"request_id":"${requestId}"}}\n`,
      }
    default:
      return surface.errorForm satisfies never
  }
}

/** The body of a fixed answer that asks for the page of its status: the surface's own form. `code` is null where the answer is no error. */
export function statusBody(
  surface: Surface,
  status: number,
  code: ErrorCode | null,
  requestId: string,
): ErrorBody {
  if (surface.errorForm === 'page') return pageFor(status, surface.serverField)
  if (code !== null) return errorBody(surface, status, code, requestId)
  const reason = reasonPhrase(status)
  if (status < 400 || reason === '') return EMPTY
  return {
    contentType: 'application/json',
    body: `{"error":{"code":null,"status":${status},"message":${JSON.stringify(reason)},"request_id":"${requestId}"}}\n`,
  }
}

/** The gateway's page for a bare status, in nginx's layout; empty where nginx has none. */
export function pageFor(status: number, serverField: string | null): ErrorBody {
  const reason = reasonPhrase(status)
  if (status < 300 || status === 304 || reason === '') return EMPTY
  const title = `${status} ${reason}`
  return {
    contentType: 'text/html; charset=utf-8',
    body:
      `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n` +
      `<hr><center>${(serverField ?? 'headgate').split('/')[0]}</center>\r\n</body>\r\n</html>\r\n`,
  }
}
