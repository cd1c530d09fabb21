import type {
  ExplainedCandidate,
  ExplainedRoute,
  ExplainedUpstream,
  Explanation,
} from '../model/explanation.ts'
import { ChoiceLines, nameOf, seconds } from './choice-lines.ts'
import { type CliIo, printable } from './output.ts'

/** Candidates that are shown without `--all`. */
export const SHOWN_CANDIDATES = 8

export interface TextOptions {
  readonly io: Pick<CliIo, 'hasColor' | 'environment'>
  /** Nothing is cut. */
  readonly isWhole: boolean
}

/** An explanation for people: the choices as steps, each with what was passed over. */
export function explanationText(explanation: Explanation, options: TextOptions): string {
  return new Writer(explanation, options).write()
}

class Writer {
  readonly #given: Explanation
  readonly #options: TextOptions
  readonly #lines: ChoiceLines

  constructor(explanation: Explanation, options: TextOptions) {
    this.#given = explanation
    this.#options = options
    this.#lines = new ChoiceLines(options.io)
  }

  write(): string {
    this.#request()
    this.#listener()
    this.#route()
    if (this.#given.route !== null) this.#lines.rules(this.#given.rules)
    if (this.#given.split !== null) this.#lines.split(this.#given.split)
    this.#upstream()
    this.#changes()
    this.#remarks()
    this.#outcome()
    return this.#lines.text()
  }

  #request(): void {
    const { method, target, host, path, client, body } = this.#given.request
    this.#lines.title(`${method} ${target}`)
    this.#lines.fact('host', host === '' ? '(none)' : host)
    const [plain] = target.split('?')
    if (path !== null && path !== plain) this.#lines.fact('path', `${path}, as routes see it`)
    const because =
      client.because === 'connection'
        ? ''
        : ` (${client.because} of ${client.isPeerTrusted ? 'the trusted peer ' : ''}${client.peer})`
    this.#lines.fact('client', `${client.address}${because}`)
    if (body === 'missing')
      this.#lines.fact(
        'body',
        'a condition reads it, and it was announced but not given (--data): explained as if it could not be read',
      )
    if (body === 'tooLong')
      this.#lines.fact('body', 'over the limit for conditions (maxInspectedBodyBytes): they see none')
    this.#lines.blank()
  }

  #listener(): void {
    const { address, protocol, sections } = this.#given.listener
    const words = { taken: 'here', searched: 'nothing fits', notReached: 'not reached', empty: 'no routes' }
    const shown = sections.map(({ name, outcome }) => `${name} (${words[outcome]})`)
    this.#lines.step('yes', 'listener', `${address} ${protocol}`)
    this.#lines.more(`sections  ${shown.join(', ')}`)
  }

  #route(): void {
    const { route, candidates, routeCount, rivals, misses } = this.#given
    const { outcome } = this.#given
    const isNotFound = outcome.kind === 'error' && outcome.errorCode === 'ROUTE_NOT_FOUND'
    if (route === null && !isNotFound) return
    if (route === null)
      this.#lines.step(
        'no',
        'route',
        routeCount === 0 ? 'there are no routes' : `none of ${routeCount} takes it`,
      )
    else this.#lines.step('yes', 'route', `${nameOf(route)}  ${this.#lines.origin(route.origin)}`)
    this.#candidates(candidates)
    for (const [name, value] of Object.entries(this.#given.pathParams))
      this.#lines.more(`:${name} is ${JSON.stringify(value)}`)
    if (rivals.length > 0)
      this.#lines.more(
        `without it: ${nameOf(rivals[0] as ExplainedRoute)}  ${this.#lines.origin((rivals[0] as ExplainedRoute).origin)}`,
      )
    for (const miss of misses)
      this.#lines.more(
        `near: ${nameOf(miss)} wants ${miss.condition} ${miss.expected}, is ${miss.actual}  ${this.#lines.origin(miss.origin)}`,
      )
  }

  #candidates(candidates: readonly ExplainedCandidate[]): void {
    const { omitted } = this.#given
    const failed = candidates.filter(({ outcome }) => outcome === 'failed')
    const shown = this.#options.isWhole ? failed : failed.slice(-SHOWN_CANDIDATES)
    const cut = failed.length - shown.length
    if (cut > 0) this.#lines.more(`${cut} earlier candidates are not shown (--all shows them)`)
    for (const candidate of shown) this.#candidate(candidate)
    const { index = 0, ...others } = omitted
    for (const [condition, count] of Object.entries(others))
      this.#lines.more(`${count} more failed their ${condition}`)
    if (index > 0) this.#lines.more(`${index} more were passed over by the index: they ask for another value`)
    const taken = candidates.find(({ outcome }) => outcome === 'taken')
    if (taken !== undefined) {
      this.#lines.more(`${this.#lines.mark('yes')} ${entryOf(taken)}`)
      if (taken.predicate !== null) this.#lines.condition(taken.predicate, 6)
    }
  }

  #candidate(candidate: ExplainedCandidate): void {
    const { failed, predicate } = candidate
    const why =
      failed === null
        ? ''
        : failed.condition === 'predicate'
          ? `does not hold: ${failed.expected}`
          : `${failed.condition} is ${failed.actual}, not ${failed.expected}`
    this.#lines.more(
      `${this.#lines.mark('no')} ${nameOf(candidate)}  ${entryOf(candidate)}  ${why}  ${this.#lines.origin(candidate.origin)}`,
    )
    if (predicate !== null) this.#lines.condition(predicate, 6)
  }

  #upstream(): void {
    const { upstream } = this.#given
    if (upstream === null) return
    this.#lines.upstream(upstream, this.#waysOf(upstream))
    if (upstream.sticky !== undefined) {
      const { cookie, isKept } = upstream.sticky
      const why = isKept
        ? 'it keeps the client on this endpoint'
        : 'the request has none that keeps it, so the balancer chooses'
      this.#lines.more(`sticky by cookie ${cookie}: ${why}`)
    }
    if (upstream.newCookies !== undefined)
      this.#lines.more(
        `the answer sets the cookie ${upstream.newCookies.join(', ')}, which keeps the client together`,
      )
    if (upstream.opening !== undefined) {
      const { connectMs, retries, retryDelayMs } = upstream.opening
      const again =
        retries === 0
          ? 'they are not asked again'
          : `all are asked again after ${seconds(retryDelayMs)}, retries ${retries}`
      this.#lines.more(`WebSocket: connect ${seconds(connectMs)}; when no endpoint can be reached ${again}`)
    }
  }

  #waysOf(upstream: ExplainedUpstream): string {
    const { connectMs, sendMs, readMs, answerMs } = upstream.timeouts
    const own = upstream.timeoutsOf === 'route' ? ' (the route’s own)' : ''
    const whole = answerMs === undefined ? '' : `, all attempts ${seconds(answerMs)}`
    return `timeouts connect ${seconds(connectMs)} send ${seconds(sendMs)} read ${seconds(readMs)}${whole}${own}`
  }

  #changes(): void {
    const { filters, responseFilters, sending } = this.#given
    // what the gateway itself changes is the same for every request
    const fields = sending?.fields.filter(({ by }) => by === 'filter' || this.#options.isWhole) ?? []
    if (filters.length + responseFilters.length + fields.length === 0 && !this.#isRewritten()) return
    this.#lines.blank()
    this.#lines.push('', this.#lines.paint('bold', 'changes on the way'))
    for (const filter of filters) {
      this.#lines.more(
        `${this.#lines.mark(filter.applied ? 'yes' : 'no')} filter of the ${filter.of}  ${this.#lines.origin(filter.origin)}`,
      )
      if (filter.when !== null) this.#lines.condition(filter.when, 6)
      for (const { what, before, after } of filter.changes)
        this.#lines.push(
          '      ',
          what === 'copy'
            ? `a copy goes to ${after ?? ''}`
            : `${what}: ${before ?? '(none)'} ${this.#lines.marks.to} ${after ?? '(gone)'}`,
        )
    }
    if (sending !== null && sending.host !== this.#given.request.hostField)
      this.#lines.more(`Host sent: ${sending.host}  (pass_host: ${this.#given.upstream?.passHost ?? ''})`)
    if (this.#options.isWhole)
      for (const { name, before, after, by } of fields)
        this.#lines.more(
          `${name}: ${before ?? '(none)'} ${this.#lines.marks.to} ${after ?? '(gone)'}  by the ${by}`,
        )
    if (sending?.event !== undefined) this.#lines.more(`sent as an event: ${printable(sending.event)}`)
    for (const { of, origin, when } of responseFilters)
      this.#lines.more(
        `the answer is edited by the ${of}${when === null ? '' : ` if ${when}`}  ${this.#lines.origin(origin)}`,
      )
  }

  #remarks(): void {
    const { remarks } = this.#given
    if (remarks.length === 0) return
    this.#lines.blank()
    this.#lines.push('', this.#lines.paint('bold', 'remarks on these documents'))
    for (const { origin, message } of remarks)
      this.#lines.more(`${this.#lines.paint('yellow', printable(message))}  ${this.#lines.origin(origin)}`)
  }

  #isRewritten(): boolean {
    const { sending, request } = this.#given
    return sending !== null && (sending.method !== request.method || sending.target !== request.target)
  }

  #outcome(): void {
    const { outcome, sending, upstream } = this.#given
    this.#lines.blank()
    if (outcome.kind === 'upstream') {
      const what = sending === null ? '' : `: ${sending.method} ${sending.target}`
      // endpoints with schemes of their own have them in their name
      const { endpoint } = outcome
      const where = endpoint.includes('://') ? endpoint : `${upstream?.scheme ?? 'http'}://${endpoint}`
      this.#lines.push('', this.#lines.paint('green', `${this.#lines.marks.to} sent to ${where}${what}`))
      return
    }
    if (outcome.kind === 'error') {
      this.#lines.push(
        '',
        this.#lines.paint(
          'red',
          `${this.#lines.marks.to} ${outcome.status} ${outcome.errorCode}: ${outcome.message}`,
        ),
      )
      return
    }
    const code = outcome.errorCode === null ? '' : ` (${outcome.errorCode})`
    const text =
      outcome.kind === 'redirect'
        ? `to ${outcome.location ?? ''}`
        : outcome.kind === 'echo'
          ? 'with the request itself'
          : 'by the gateway itself'
    this.#lines.push(
      '',
      this.#lines.paint('green', `${this.#lines.marks.to} ${outcome.status} ${text}${code}`),
    )
  }
}

function entryOf({ host, path }: ExplainedCandidate): string {
  return printable(host === '*' ? path : `${host}${path}`)
}
