/**
 * Raw requests and what must come of them: every row of the request table of the reliability bar that a parser alone can show. Texts are
 * byte strings. Where the bar leaves a choice, the outcome here is the one this gateway took.
 */
export interface RequestCase {
  readonly name: string
  readonly input: string
  /**
   * `pass`: goes to a backend; `own`: answered by the gateway itself without an error (OPTIONS *); `cut`: ends before it is complete, so
   * no complete request reaches a backend; a number: refused with this status.
   */
  readonly outcome: 'pass' | 'own' | 'cut' | number
  /** Whether another request behind this one is served. `either`: the bar does not say. */
  readonly connection: 'keep' | 'close' | 'either'
  /** What a backend sees, where the case is about that. */
  readonly seen?: {
    readonly method?: string
    readonly target?: string
    readonly host?: string
    readonly body?: string
    /** Lower-case names of fields that must not arrive. */
    readonly without?: readonly string[]
    /** Fields that must arrive, by lower-case name. */
    readonly fields?: Readonly<Record<string, string>>
  }
}

type Add = (
  name: string,
  input: string,
  outcome: RequestCase['outcome'],
  connection: RequestCase['connection'],
  seen?: NonNullable<RequestCase['seen']>,
) => void

/** Cases in the order in which they are added; a name used twice is an error. */
export function collectRequests(): { readonly cases: readonly RequestCase[]; readonly add: Add } {
  const cases: RequestCase[] = []
  const add: Add = (name, input, outcome, connection, seen) => {
    if (cases.some((each) => each.name === name)) throw new Error(`two cases are called ${name}`)
    cases.push(
      seen === undefined ? { name, input, outcome, connection } : { name, input, outcome, connection, seen },
    )
  }
  return { cases, add }
}

// Parts that most inputs are made of.
export const lines = (...each: readonly string[]): string => each.map((line) => `${line}\r\n`).join('')
export const get = (...fields: readonly string[]): string =>
  `${lines('GET /a HTTP/1.1', 'Host: a.example', ...fields)}\r\n`
export const post = (body: string, ...fields: readonly string[]): string =>
  `${lines('POST /a HTTP/1.1', 'Host: a.example', ...fields)}\r\n${body}`
export const target = (text: string): string => `${lines(`GET ${text} HTTP/1.1`, 'Host: a.example')}\r\n`
export const chunked = (body: string): string => post(body, 'Transfer-Encoding: chunked')
export const show = (text: string): string => JSON.stringify(text).slice(1, -1)
