/**
 * A request that is told of and not sent on, as functions are called: POST with a JSON object as its body, whatever the client's method and body are. The client's body is read first, up to
 * `limits.maxInspectedBodyBytes` (over it: BODY_TOO_LARGE). From: Tencent's functions of type EVENT.
 */
export interface EventCall {
  /** Origin form, as it goes on the wire. */
  readonly target: string
  readonly event: EventValue
  /** The answer is an object that says what the client gets; null: it goes out as it came. */
  readonly envelope: EventEnvelope | null
}

/**
 * The endpoint answers `{isBase64Encoded, statusCode, headers, body}`: the status (200 to 599; required), field lines (a list: several of that name), and the body as text or as base64. At most
 * `limits.maxInspectedBodyBytes` of it are read; over that the client gets UPSTREAM_BAD_ANSWER.
 */
export interface EventEnvelope {
  /** What the client gets where the answer is no such object. The access log then names UPSTREAM_BAD_ANSWER. */
  readonly malformed: { readonly status: number; readonly body: EventValue }
}

/** JSON that is made for a request. */
export type EventValue =
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  /** A text; absent: `fallback`, and with null the member is left out. */
  | { readonly kind: 'variable'; readonly variable: string; readonly fallback: string | null }
  | {
      readonly kind: 'object'
      readonly members: readonly { readonly name: string; readonly value: EventValue }[]
    }
  /** The fields that an endpoint would get, with the Host of the client: an object, names in lower case, several lines of a name as one (`, `; those of Cookie `; `). */
  | { readonly kind: 'fields' }
  /** The query: an object of decoded texts; of a name that comes more than once a list of them. */
  | { readonly kind: 'query' }
  /** The body: its text, and base64 where it is no UTF-8 or `always` says so; empty without one. */
  | { readonly kind: 'body'; readonly base64: BodyForm }
  /** Whether that is base64. */
  | { readonly kind: 'isBase64'; readonly base64: BodyForm }
  /** What is wrong with the answer; only in `EventEnvelope.malformed`. */
  | { readonly kind: 'fault' }

export type BodyForm = 'always' | 'whenBinary'
