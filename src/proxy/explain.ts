import type { ComparisonTrace } from '../expression/trace.ts'
import { toByteString } from '../model/byte-string.ts'
import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import {
  EXPLAIN_LIMITS,
  type ExplainedCondition,
  type ExplainedFilter,
  type ExplainedOutcome,
  type ExplainedRoute,
  type ExplainRequest,
  type Explanation,
} from '../model/explanation.ts'
import type { RequestFilter } from '../model/filter.ts'
import type { Section } from '../model/listener.ts'
import { ChoiceTrace, type TracedComparison, type TracedFilter } from '../routing/explain.ts'
import { type CompiledTarget, type CompiledUpstreamTarget, NEEDS_BODY } from '../routing/table.ts'
import type { Client } from './client.ts'
import { composeAnswerHead, type OwnAnswer } from './compose-answer.ts'
import { Exchange, isNobodyLeft } from './exchange.ts'
import { ExplainedClient, type ExplainPlace, formatPlace, headText } from './explain-client.ts'
import { findMisses } from './explain-misses.ts'
import { showSending } from './explain-sending.ts'
import {
  showCandidate,
  showCondition,
  showNullable,
  showResponseFilters,
  showRoute,
  showRules,
  showSplit,
  showText,
  showUpstream,
} from './explain-view.ts'
import { parseRequestHead } from './http1/request-head.ts'
import { isForbidden, type Plane } from './plane.ts'
import { CONSUMER_FIELDS } from './request-facts.ts'
import type { Cell, CompiledUpstream } from './upstream/upstreams.ts'

/**
 * Explains what would become of a request: an exchange is given its head and makes the choices as for any other, by the table in force, with a
 * trace. Nothing is sent, counted or moved on. Synchronous; how much it looks at is bounded by EXPLAIN_LIMITS.
 */
export function explainRequest(plane: Plane, request: ExplainRequest, place: ExplainPlace): Explanation {
  return new Explainer(plane, request, place).run()
}

class Explainer {
  readonly #plane: Plane
  readonly #request: ExplainRequest
  readonly #place: ExplainPlace
  readonly #client: ExplainedClient
  readonly #exchange: Exchange
  readonly #trace: ChoiceTrace
  #filters: ExplainedFilter[] = []
  /** Header fields as filters have left them so far. */
  #edited = new Map<string, string | null>()
  #before = { method: '', target: '', host: null as string | null }
  #body: Explanation['request']['body'] = 'none'

  constructor(plane: Plane, request: ExplainRequest, place: ExplainPlace) {
    this.#plane = plane
    this.#request = request
    this.#place = place
    this.#client = new ExplainedClient(plane, request.clientAddress, place)
    this.#exchange = new Exchange(plane, this.#client as unknown as Client)
    this.#trace = new ChoiceTrace(EXPLAIN_LIMITS, (filter) => this.#noteFilter(filter))
  }

  run(): Explanation {
    const exchange = this.#exchange
    const refusal = this.#readRequest()
    if (refusal !== null) return this.#finish(this.#refused(refusal))
    if (this.#client.head.isAsterisk)
      return this.#finish(this.#answered('respond', { status: 204, fields: '', body: '' }, null))
    const fault = this.#choose()
    if (fault !== null) return this.#finish(this.#refused(fault))
    const target = exchange.choice as CompiledTarget
    switch (target.kind) {
      case 'respond':
        return this.#finish(this.#answered('respond', exchange.fixedAnswer(target), target.model.errorCode))
      case 'redirect':
        return this.#finish(this.#answered('redirect', exchange.redirectAnswer(target), null))
      case 'echo':
        return this.#finish(
          this.#body === 'tooLong'
            ? this.#refused('BODY_TOO_LARGE')
            : this.#answered('echo', exchange.echoAnswer(), null),
        )
      case 'upstream':
        return this.#explainUpstream(target)
      default:
        return target satisfies never
    }
  }

  /** Reads the head as it would come over the wire. A code: it is refused. */
  #readRequest(): ErrorCode | null {
    const { limits, fieldsWithUnderscore } = this.#plane.options.settings
    const { head } = this.#client
    const end = parseRequestHead(head, headText(this.#request, this.#place), 0, limits)
    if (end <= 0) return end < 0 ? head.error : 'BAD_REQUEST'
    if (!head.fields.allowUnderscores(fieldsWithUnderscore)) return 'BAD_REQUEST'
    const exchange = this.#exchange
    const hasBody = head.chunked || head.contentLength > 0
    exchange.body = hasBody ? undefined : null
    if (hasBody) this.#body = 'notRead'
    return exchange.readHead()
  }

  #choose(): ErrorCode | null {
    const exchange = this.#exchange
    this.#start()
    const first = exchange.choose(this.#trace)
    if (first !== NEEDS_BODY) return first
    exchange.restart(this.#readBody())
    this.#start()
    const second = exchange.choose(this.#trace)
    return second === NEEDS_BODY ? 'INTERNAL' : second
  }

  #start(): void {
    const { sentMethod, sentTarget } = this.#exchange
    this.#trace.reset()
    this.#filters = []
    this.#edited = new Map()
    this.#before = { method: sentMethod, target: sentTarget, host: null }
  }

  /** As the exchange reads it: null over the limit. */
  #readBody(): string | null {
    const { body } = this.#request
    if (body === null) {
      this.#body = 'missing'
      return null
    }
    const bytes = toByteString(body)
    const isTooLong = bytes.length > this.#plane.options.settings.limits.maxInspectedBodyBytes
    this.#body = isTooLong ? 'tooLong' : 'read'
    return isTooLong ? null : bytes
  }

  #noteFilter(traced: TracedFilter): void {
    const exchange = this.#exchange
    const { route, choice } = exchange
    const at = route?.requestFilters.indexOf(traced.filter) ?? -1
    const model: RequestFilter | undefined =
      at >= 0
        ? route?.model.requestFilters[at]
        : choice?.model.requestFilters[choice.requestFilters.indexOf(traced.filter)]
    if (model === undefined) return
    const changes: ExplainedFilter['changes'][number][] = []
    const note = (what: (typeof changes)[number]['what'], before: string | null, after: string | null) => {
      if (before === after) return
      changes.push({ what, before: showNullable(before), after: showNullable(after) })
    }
    if (traced.applied) {
      const { sentMethod: method, sentTarget: target, hostOverride: host } = exchange
      note('method', this.#before.method, method)
      note('target', this.#before.target, target)
      note('host', this.#before.host ?? this.#client.head.hostField, host ?? this.#client.head.hostField)
      this.#before = { method, target, host }
      if (traced.filter.mirror?.isNextDue === true)
        for (const { id } of traced.filter.mirror.upstreams) note('copy', null, toByteString(id))
      for (const name of editedNames(model)) {
        const fields = this.#client.head.fields
        const before = this.#edited.has(name) ? this.#edited.get(name) : fields.get(name)
        const after = exchange.overlay?.get(name, fields) ?? null
        this.#edited.set(name, after)
        note(`field ${name}`, before ?? null, after)
      }
    }
    this.#filters.push({
      of: at >= 0 ? 'route' : 'target',
      origin: model.origin,
      applied: traced.applied,
      when: model.when === null ? null : showCondition(model.when, traced.applied, traced.comparisons),
      changes,
    })
  }

  #explainUpstream({ upstream: cell, event }: CompiledUpstreamTarget): Explanation {
    const upstream = (cell as Cell).current
    if (upstream === null) return this.#finish(this.#refused('UPSTREAM_NOT_FOUND'))
    const exchange = this.#exchange
    const refusal =
      event === null ? null : this.#body === 'tooLong' ? 'BODY_TOO_LARGE' : exchange.makeEvent(event)
    if (refusal !== null) return this.#finish(this.#refused(refusal))
    const key = upstream.balance.needsKey ? exchange.readKey(upstream) : null
    const conditions = this.#testConditions(upstream)
    const excluded = Uint8Array.from(upstream.endpoints, (_, index) =>
      conditions.get(index)?.held === false ? 1 : 0,
    )
    const isWhole = excluded.every((is) => is === 0)
    const isNobody = !isWhole && isNobodyLeft(upstream, excluded)
    const kept = isNobody ? -1 : exchange.stickyIndex(upstream, isWhole ? null : excluded)
    const next = isNobody || kept >= 0 ? kept : upstream.balance.peek(key, isWhole ? null : excluded)
    const shown = showUpstream(upstream, next, {
      routeTimeouts: exchange.route?.model.timeouts ?? null,
      conditions,
      isKept: kept >= 0,
      newCookies: upstream.hashKey?.cookieLines(exchange) ?? '',
      isHandshake:
        this.#client.head.upgrade === 'websocket' &&
        exchange.route?.model.upgrades.includes('websocket') === true,
    })
    if (isNobody) return this.#finish(this.#refused('NO_CANDIDATE'), shown)
    const endpoint = upstream.endpoints[next]
    if (endpoint === undefined) return this.#finish(this.#refused(upstream.emptyCode), shown)
    if (endpoint.aim !== null) {
      const target = endpoint.aim(exchange, exchange.sentTarget)
      if (target === undefined) return this.#finish(this.#refused('BAD_REWRITE'), shown)
      exchange.sentTarget = target
    }
    const { host, port, address } = endpoint.model
    if (isForbidden(exchange.plane, address ?? host, port))
      return this.#finish(this.#refused('ADMIN_ADDRESS'), shown)
    const outcome = { kind: 'upstream', upstream: upstream.model.id, endpoint: endpoint.label } as const
    return this.#finish(outcome, shown, showSending(exchange, upstream, endpoint))
  }

  /** The conditions of the upstream's endpoints, by index. */
  #testConditions(upstream: CompiledUpstream): ReadonlyMap<number, ExplainedCondition> {
    const shown = new Map<number, ExplainedCondition>()
    let comparisons: TracedComparison[] = []
    const trace: ComparisonTrace = {
      comparison: (predicate, actual, held, other) =>
        void comparisons.push({ predicate, actual, held, other }),
    }
    const note = (index: number, held: boolean): void => {
      const when = upstream.endpoints[index]?.model.own?.when
      if (when != null) shown.set(index, showCondition(when, held, comparisons))
      comparisons = []
    }
    this.#exchange.excludeEndpoints(upstream, note, trace)
    return shown
  }

  #refused(code: ErrorCode): ExplainedOutcome {
    const composed = composeAnswerHead(this.#exchange, this.#exchange.errorAnswer(code), 'length')
    if (composed === null && code !== 'BAD_REWRITE') return this.#badAnswer()
    return {
      kind: 'error',
      status: composed === null ? ERROR_CODES[code].status : statusOf(composed.text),
      errorCode: code,
      message: ERROR_CODES[code].message,
    }
  }

  #answered(
    kind: 'respond' | 'echo' | 'redirect',
    answer: OwnAnswer,
    errorCode: string | null,
  ): ExplainedOutcome {
    const composed = composeAnswerHead(this.#exchange, answer, 'length')
    if (composed === null) return this.#badAnswer()
    const location = /\r\nlocation: *([^\r]*)/i.exec(
      composed.text.slice(0, composed.text.indexOf('\r\n\r\n')),
    )
    return {
      kind,
      status: statusOf(composed.text),
      location: location === null ? null : showText(location[1] as string),
      errorCode,
    }
  }

  /** A response filter made something that may not go out. */
  #badAnswer(): ExplainedOutcome {
    const { status, message } = ERROR_CODES.BAD_REWRITE
    return { kind: 'error', status, errorCode: 'BAD_REWRITE', message }
  }

  #finish(
    outcome: ExplainedOutcome,
    upstream: Explanation['upstream'] = null,
    sending: Explanation['sending'] = null,
  ): Explanation {
    const exchange = this.#exchange
    const { table, sections } = this.#plane.options
    const { inspector } = table
    const { route, rule, choice, pathParams } = exchange
    const trace = this.#trace
    const isSearched = trace.candidates.length > 0 || route !== null || isNotFound(outcome)
    const found: Explanation = {
      revision: table.revision,
      request: this.#showRequest(),
      listener: {
        address: formatPlace(this.#place),
        protocol: 'http',
        sections: sections.map((section) => ({
          name: section.name,
          outcome: sectionOutcome(section, sections, {
            taken: route?.section ?? null,
            isSearched,
            isEmpty: inspector.isEmpty(section.name),
          }),
        })),
      },
      candidates: trace.candidates.map(showCandidate),
      omitted: trace.omitted,
      routeCount: inspector.size,
      route: route === null ? null : showRoute(route.model),
      rivals: [],
      misses: [],
      pathParams:
        pathParams === null
          ? {}
          : Object.fromEntries([...pathParams].map(([name, text]) => [showText(name), showText(text)])),
      rules: route === null ? [] : showRules(route.rules, trace.rules),
      split: rule === null ? null : showSplit(rule.split, choice, exchange.choiceReason),
      filters: this.#filters,
      responseFilters: route === null ? [] : showResponseFilters(route.model, choice?.model ?? null),
      upstream,
      sending,
      outcome,
      remarks: [],
    }
    if (route !== null) return { ...found, rivals: this.#findRivals(route.model.id) }
    if (isNotFound(outcome)) return { ...found, misses: findMisses(inspector, exchange, candidateIds(found)) }
    return found
  }

  /** Routes behind the one taken that would have the request next. The exchange is of no use afterwards. */
  #findRivals(taken: string): readonly ExplainedRoute[] {
    const exchange = this.#exchange
    const { body } = this.#request
    exchange.restart(exchange.body ?? (body === null ? null : toByteString(body)))
    const rivals = new Map<string, ExplainedRoute>()
    let isBehind = false
    let looked = 0
    this.#plane.options.table.inspector.walk(exchange, ({ model }, fits) => {
      if (model.id === taken) isBehind = isBehind || fits
      else if (isBehind && fits) rivals.set(model.id, showRoute(model))
      if (isBehind) looked++
      return looked < EXPLAIN_LIMITS.rivalEntries && rivals.size < EXPLAIN_LIMITS.rivals
    })
    return [...rivals.values()]
  }

  #showRequest(): Explanation['request'] {
    const exchange = this.#exchange
    const { head, peerAddress } = this.#client
    const { method, target } = this.#request
    return {
      method: head.method === '' ? method : showText(head.method),
      target: showText(head.target === '' ? target : head.target),
      path: exchange.path === '' ? null : showText(exchange.path),
      query: showNullable(exchange.query),
      host: showText(head.host),
      hostField: showText(head.hostField),
      client: {
        address: exchange.clientAddress === '' ? peerAddress : exchange.clientAddress,
        because: this.#clientBecause(),
        peer: peerAddress,
        isPeerTrusted: exchange.isPeerTrusted,
      },
      body: this.#body,
    }
  }

  #clientBecause(): Explanation['request']['client']['because'] {
    const exchange = this.#exchange
    if (exchange.clientAddress === '' || exchange.clientAddress === this.#client.peerAddress)
      return 'connection'
    // X-Real-IP names the client also toward the endpoint; X-Forwarded-For is only read (identifyClient)
    return exchange.appendedAddress === exchange.clientAddress ? 'X-Real-IP' : 'X-Forwarded-For'
  }
}

function isNotFound(outcome: ExplainedOutcome): boolean {
  return outcome.kind === 'error' && outcome.errorCode === 'ROUTE_NOT_FOUND'
}

function candidateIds({ candidates }: Explanation): ReadonlySet<string> {
  return new Set(candidates.map(({ id }) => id))
}

function sectionOutcome(
  section: Section,
  order: readonly Section[],
  { taken, isSearched, isEmpty }: { taken: Section | null; isSearched: boolean; isEmpty: boolean },
): Explanation['listener']['sections'][number]['outcome'] {
  if (taken !== null && taken.name === section.name) return 'taken'
  const names = order.map(({ name }) => name)
  if (!isSearched || (taken !== null && names.indexOf(section.name) > names.indexOf(taken.name)))
    return 'notReached'
  return isEmpty ? 'empty' : 'searched'
}

function editedNames(filter: RequestFilter): ReadonlySet<string> {
  if (filter.kind === 'authenticate') return new Set([...CONSUMER_FIELDS, filter.header.toLowerCase()])
  if (filter.kind === 'mirror') return new Set()
  const { headers } = filter
  if (headers === null) return new Set()
  const names = [...headers.add, ...headers.set].map(({ name }) => name)
  return new Set([...names, ...headers.remove].map((name) => name.toLowerCase()))
}

/** Of a head that begins with `HTTP/1.1 `. */
function statusOf(head: string): number {
  return Number(head.slice(9, 12))
}
