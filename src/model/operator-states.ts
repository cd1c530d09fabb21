import type { DocumentKey } from './document.ts'
import { type Endpoint, type EndpointState, endpointLabel, hostPort } from './endpoint.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** Documents that belong to the gateway itself and to no dialect's users; they are always served, whatever `sections` says. */
export const OWN_DIALECT = 'headgate'
/** What operators said of the endpoints of one upstream; the id is the upstream's in the model. */
export const ENDPOINT_STATES = 'endpoint-states'

export const STATES: readonly EndpointState[] = ['ready', 'drain', 'maint']

/** One entry of the document's `states`; its key is the endpoint's label, or `host:port` for all addresses of a name. */
export interface OperatorState {
  readonly state: EndpointState
  /** ISO 8601 time; null: the document does not say. */
  readonly since: string | null
  /** Name of the key; null: the document does not say. */
  readonly by: string | null
  readonly note: string | null
}

export function statesKey(upstreamId: string): DocumentKey {
  return { dialect: OWN_DIALECT, kind: ENDPOINT_STATES, id: upstreamId }
}

/** What was said of an endpoint: of its own label, else of its host and port. null: nothing. */
export function stateIn(value: JsonObject, endpoint: Endpoint): OperatorState | null {
  const { states } = value
  if (!isJsonObject(states)) return null
  return readState(states, endpointLabel(endpoint)) ?? readState(states, hostPort(endpoint))
}

function readState(states: JsonObject, label: string): OperatorState | null {
  const entry = Object.hasOwn(states, label) ? states[label] : undefined
  if (!isJsonObject(entry)) return null
  const text = (name: string): string | null => {
    const value = entry[name]
    return typeof value === 'string' ? value : null
  }
  const state = STATES.find((known) => known === entry.state)
  if (state === undefined) return null
  return { state, since: text('since'), by: text('by'), note: text('note') }
}
