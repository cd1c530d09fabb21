import type { ErrorCode } from '../../model/error-codes.ts'
import type { Origin } from '../../model/origin.ts'
import type { RespondTarget, Target } from '../../model/split.ts'
import type { OwnUpstream } from './merge.ts'

/** The target that stands for the route's own upstream: the default rule's, and that of bare entries in traffic-split. */
export function targetOwnUpstream(own: OwnUpstream, weight: number): Target {
  if (own.kind === 'found') {
    return {
      kind: 'upstream',
      weight,
      variant: own.name,
      origin: own.origin,
      requestFilters: [],
      responseFilters: [],
      upstreamId: own.id,
    }
  }
  // spec/apisix.md 5.4: a name that leads nowhere is 502, nothing configured at all is 503.
  return own.kind === 'missing'
    ? answerPage(502, 'UPSTREAM_NOT_FOUND', own.id, own.origin, weight)
    : answerPage(503, 'NO_UPSTREAM', 'none', own.origin, weight)
}

/** The standard page of a status, as the whole answer. */
export function answerPage(
  status: number,
  errorCode: ErrorCode,
  variant: string,
  origin: Origin,
  weight = 1,
): RespondTarget {
  return {
    kind: 'respond',
    weight,
    variant,
    origin,
    requestFilters: [],
    responseFilters: [],
    status,
    headers: [],
    body: '',
    page: true,
    errorCode,
  }
}
