import { hostPort } from '../../model/endpoint.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { listField, objectField } from '../../model/json-fields.ts'
import type { DialectProxies, ProxyFault, RestResponse } from '../dialect.ts'
import { documentId, partsOfId } from './kinds.ts'
import { readDataplane } from './read-dataplane.ts'
import type { Inbound } from './resources.ts'
import { answerError, CallError, TITLES } from './rest/call-error.ts'
import { tagSetsOf } from './translate-dataplane.ts'

/** What a control plane must know of Dataplanes. spec/kuma.md 8. */
export const PROXIES: DialectProxies = {
  kind: 'dataplanes',
  idOf: (mesh, name) => documentId('dataplanes', mesh, name),
  partsOf: (id) => partsOfId('dataplanes', id),
  tagSets: (value) => tagSetsOf(readDataplane(value)),
  probes: (value) =>
    readDataplane(value).inbounds.flatMap((inbound) => {
      const { probe, serviceAddress: host, servicePort: port } = inbound
      return probe === null ? [] : [{ inbound: placeOf(inbound), host, port, ...probe }]
    }),
  withReadiness,
  draining: (value) => withHealth(value, () => false),
  failure,
}

const FAILURES: Readonly<Record<number, string>> = {
  400: TITLES.process,
  401: 'Unauthorized',
  403: 'Access Denied',
  404: TITLES.find,
  405: 'Method not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
}

function failure(status: number, reason: string, faults: readonly ProxyFault[]): RestResponse {
  const answer = answerError(
    new CallError(status, FAILURES[status] ?? 'Internal Server Error', reason, faults),
  )
  if (status !== 401) return answer
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': 'Bearer' } }
}

function placeOf({ address, port }: Pick<Inbound, 'address' | 'port'>): string {
  return hostPort({ host: address, port })
}

/** `health.ready` of inbounds with a serviceProbe belongs to the control plane, and is false until a probe has passed. `state`, where it is written, is its author's. */
function withReadiness(value: JsonObject, known: ReadonlyMap<string, boolean>): JsonObject {
  return withHealth(value, (inbound) =>
    inbound.probe === null ? null : known.get(placeOf(inbound)) === true,
  )
}

/** `isReady` null: what is written stays. */
function withHealth(value: JsonObject, isReady: (inbound: Inbound) => boolean | null): JsonObject {
  const networking = objectField(value, 'networking')
  if (networking === null) return value
  let isOther = false
  const read = new Map(readDataplane(value).inbounds.map((inbound) => [inbound.path, inbound]))
  const inbound = listField(networking, 'inbound').map((entry, at): JsonValue => {
    const known = read.get(`networking.inbound[${at}]`)
    const ready = known === undefined ? null : isReady(known)
    const own = entry as JsonObject
    if (ready === null || objectField(own, 'health')?.ready === ready) return entry
    isOther = true
    return { ...own, health: { ready } }
  })
  return isOther ? { ...value, networking: { ...networking, inbound } } : value
}
