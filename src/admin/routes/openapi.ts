import type { RestDescription } from '../../dialects/dialect.ts'
import type { OwnEndpoint } from '../endpoint.ts'
import { describeApi } from '../openapi.ts'

/** The API's own description. `endpoints` are all others; this one describes itself as well. */
export function openapiEndpoints(
  endpoints: readonly OwnEndpoint[],
  rests: readonly RestDescription[],
  version: string,
): readonly OwnEndpoint[] {
  let text: string | null = null
  const endpoint: OwnEndpoint = {
    method: 'GET',
    path: '/headgate/v1/openapi.json',
    summary: 'Read this description (OpenAPI 3.1)',
    isWrite: false,
    answer: {
      type: 'object',
      required: ['openapi', 'info', 'paths', 'components'],
      properties: {
        openapi: { type: 'string' },
        info: { type: 'object' },
        paths: { type: 'object' },
        components: { type: 'object' },
      },
    },
    handle: () => {
      // nothing in it changes while the process runs
      text ??= `${JSON.stringify(describeApi({ version, endpoints: [...endpoints, endpoint], rests }))}\n`
      return { status: 200, headers: { 'content-type': 'application/json' }, body: text }
    },
  }
  return [endpoint]
}
