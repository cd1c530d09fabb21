import type { JsonValue } from '../../model/json.ts'
import type { DialectRest, RestResponse } from '../dialect.ts'

/** A call as the admin listener hands it on. `target` is `METHOD /path?query`; a body that is no text is sent as JSON. */
export async function sendCall(
  rest: DialectRest,
  target: string,
  body: JsonValue = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<RestResponse> {
  const [method = '', address = ''] = target.split(' ')
  const url = new URL(address, 'http://admin')
  return rest.handle({
    method,
    path: decodeURIComponent(url.pathname),
    query: new Map(url.searchParams),
    search: url.search.slice(1),
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    author: 'test',
  })
}
