import type { JsonObject } from '../model/json.ts'
import type { KeyOwner } from './admin-keys.ts'
import type { StreamAnswer } from './event-stream.ts'
import type { Answer } from './problem.ts'

/** What the handler of an endpoint of our own API gets. */
export interface OwnCall {
  /** Of a repeated name the first value counts. */
  readonly query: ReadonlyMap<string, string>
  /** The named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** Lower-case names, without those that a key may stand in. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As text; '' if there was none. At most `maxBodyBytes`. */
  readonly body: string
  /** Whose key it was; null only where the endpoint is open. */
  readonly owner: KeyOwner | null
}

/** One endpoint of our own API. All of them need a key. The API's description (OpenAPI) is made from these. */
export interface OwnEndpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Named parts begin with a colon: `/headgate/v1/documents/:dialect/:kind/:id`. */
  readonly path: string
  /** One line for the API's description: a verb and what it acts on. */
  readonly summary: string
  /** Whether it changes documents: then viewers may not call it, a read-only store refuses it, and it is audited. */
  readonly isWrite: boolean
  readonly query?: readonly QueryParameter[]
  /** Header fields that it reads, for the description. */
  readonly fields?: readonly QueryParameter[]
  /** What the body holds; absent: a body is not read. */
  readonly body?: { readonly description: string; readonly schema: JsonObject; readonly maxBytes?: number }
  /** Schema of the answer to a call that went well; absent: it is text, or a stream. */
  readonly answer?: JsonObject
  /** Statuses beside 200 that come with the same kind of answer, each with its reason: 201, or 503 for a readiness check. */
  readonly also?: Readonly<Record<number, string>>
  /** Media type of the answer; default `application/json`. A stream with an `answer` gives that one instead where the query says so. */
  readonly answerType?: string
  /** Whether a query makes a stream of it (`text/event-stream`). */
  readonly alsoStreams?: boolean
  handle(call: OwnCall): Answer | StreamAnswer | Promise<Answer | StreamAnswer>
}

export interface QueryParameter {
  readonly name: string
  /** Whether a call without it is refused; for the description. */
  readonly required?: boolean
  readonly description: string
  /** JSON Schema of the value. */
  readonly schema: JsonObject
}

/** Bytes of a body where the endpoint says nothing else. */
export const MAX_OWN_BODY_BYTES = 1_048_576

export function answerJson(body: object, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` }
}

/** A whole number of the query between bounds; undefined if it is not given, 'bad' if it is none. */
export function readNumber(
  query: ReadonlyMap<string, string>,
  name: string,
  least: number,
  most: number,
): number | undefined | 'bad' {
  const text = query.get(name)
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : 'bad'
}
