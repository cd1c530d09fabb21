import type { JsonObject } from '../../model/json.ts'
import type { ApisixSettings } from '../../model/settings.ts'
import type { Surface } from '../../model/surface.ts'

/** The release whose behaviour this dialect follows; it stands in the Server field. */
export const REFERENCE_VERSION = '3.18.0'

/** What users of the reference see beside routing (spec/apisix.md 3.4, 5.4 and 10). */
export function describeSurface(settings: ApisixSettings): Surface {
  return {
    pathForm: 'resolved',
    errorForm: 'page',
    bodies: {
      ROUTE_NOT_FOUND: textBody({ error_msg: '404 Route Not Found' }),
      KEY_MISSING: textBody({ message: 'Missing API key in request' }),
      KEY_UNKNOWN: textBody({ message: 'Invalid API key in request' }),
      CONSUMER_UNKNOWN: textBody({ message: 'Invalid user authorization' }),
    },
    statuses: {},
    answersEmpty: true,
    forwarding: 'full',
    realIpFrom: settings.realIpFrom,
    serverField: settings.serverTokens ? `APISIX/${REFERENCE_VERSION}` : 'APISIX',
    upstreamStatusField: settings.showUpstreamStatus ? 'always' : 'onError',
  }
}

/** The reference sends its own JSON errors on the data plane as text, with a newline behind them. */
function textBody(value: JsonObject): { readonly contentType: string; readonly body: string } {
  return { contentType: 'text/plain; charset=utf-8', body: `${JSON.stringify(value)}\n` }
}
