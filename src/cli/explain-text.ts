import type {
  ExplainedCandidate,
  ExplainedCondition,
  ExplainedOrigin,
  ExplainedRoute,
  ExplainedUpstream,
  Explanation,
} from '../model/explanation.ts'
import { OPERATOR_TEXTS, valueText } from '../model/predicate-text.ts'
import { formatShare } from './explain-words.ts'
import { type Marks, marksFor } from './marks.ts'
import { type CliIo, paint, printable } from './output.ts'

/** Candidates that are shown without `--all`. */
const SHOWN_CANDIDATES = 8

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
  readonly #marks: Marks
  readonly #lines: string[] = []

  constructor(explanation: Explanation, options: TextOptions) {
    this.#given = explanation
    this.#options = options
    this.#marks = marksFor(options.io.environment)
  }

  write(): string {
    this.#request()
    this.#listener()
    this.#route()
    this.#rule()
    this.#split()
    this.#upstream()
    this.#changes()
    this.#outcome()
    return `${this.#lines.join('\n')}\n`
  }

  #request(): void {
    const { method, target, host, path, client, body } = this.#given.request
    this.#lines.push(this.#paint('bold', `${method} ${target}`), '')
    this.#fact('host', host === '' ? '(none)' : host)
    const [plain] = target.split('?')
    if (path !== null && path !== plain) this.#fact('path', `${path}, as routes see it`)
    const because =
      client.because === 'connection'
        ? ''
        : ` (${client.because} of ${client.isPeerTrusted ? 'the trusted peer ' : ''}${client.peer})`
    this.#fact('client', `${client.address}${because}`)
    if (body === 'missing')
      this.#fact(
        'body',
        'a condition reads it, and it was announced but not given (--data): explained as if it could not be read',
      )
    if (body === 'tooLong')
      this.#fact('body', 'over the limit for conditions (maxInspectedBodyBytes): they see none')
    this.#lines.push('')
  }

  #listener(): void {
    const { address, protocol, sections } = this.#given.listener
    const words = { taken: 'here', searched: 'nothing fits', notReached: 'not reached', empty: 'no routes' }
    const shown = sections.map(({ name, outcome }) => `${name} (${words[outcome]})`)
    this.#step('yes', 'listener', `${address} ${protocol}`)
    this.#more(`sections  ${shown.join(', ')}`)
  }

  #route(): void {
    const { route, candidates, routeCount, rivals, misses } = this.#given
    const { outcome } = this.#given
    const isNotFound = outcome.kind === 'error' && outcome.errorCode === 'ROUTE_NOT_FOUND'
    if (route === null && !isNotFound) return
    if (route === null)
      this.#step('no', 'route', routeCount === 0 ? 'there are no routes' : `none of ${routeCount} takes it`)
    else this.#step('yes', 'route', `${nameOf(route)}  ${this.#origin(route.origin)}`)
    this.#candidates(candidates)
    for (const [name, value] of Object.entries(this.#given.pathParams))
      this.#more(`:${name} is ${JSON.stringify(value)}`)
    if (rivals.length > 0)
      this.#more(
        `without it: ${nameOf(rivals[0] as ExplainedRoute)}  ${this.#origin((rivals[0] as ExplainedRoute).origin)}`,
      )
    for (const miss of misses)
      this.#more(
        `near: ${nameOf(miss)} wants ${miss.condition} ${miss.expected}, is ${miss.actual}  ${this.#origin(miss.origin)}`,
      )
  }

  #candidates(candidates: readonly ExplainedCandidate[]): void {
    const { omitted } = this.#given
    const failed = candidates.filter(({ outcome }) => outcome === 'failed')
    const shown = this.#options.isWhole ? failed : failed.slice(-SHOWN_CANDIDATES)
    const cut = failed.length - shown.length
    if (cut > 0) this.#more(`${cut} earlier candidates are not shown (--all shows them)`)
    for (const candidate of shown) this.#candidate(candidate)
    const { index = 0, ...others } = omitted
    for (const [condition, count] of Object.entries(others))
      this.#more(`${count} more failed their ${condition}`)
    if (index > 0) this.#more(`${index} more were passed over by the index: they ask for another value`)
    const taken = candidates.find(({ outcome }) => outcome === 'taken')
    if (taken !== undefined) {
      this.#more(`${this.#mark('yes')} ${entryOf(taken)}`)
      if (taken.predicate !== null) this.#condition(taken.predicate, 6)
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
    this.#more(
      `${this.#mark('no')} ${nameOf(candidate)}  ${entryOf(candidate)}  ${why}  ${this.#origin(candidate.origin)}`,
    )
    if (predicate !== null) this.#condition(predicate, 6)
  }

  #condition({ comparisons }: ExplainedCondition, indent: number): void {
    for (const { variable, operator, value, actual, held, isNegated } of comparisons) {
      const is = actual === null ? 'absent' : valueText(actual)
      const asked =
        value === null
          ? operator === 'equal'
            ? 'is absent'
            : 'is there'
          : `${OPERATOR_TEXTS[operator]} ${valueText(value)}`
      this.#push(
        ' '.repeat(indent + 4),
        `${this.#mark(held === isNegated ? 'no' : 'yes')} ${isNegated ? 'not ' : ''}${variable} ${asked}  (${is === 'absent' ? is : `is ${is}`})`,
      )
    }
  }

  #rule(): void {
    const { rules, route } = this.#given
    if (route === null) return
    const taken = rules.find(({ outcome }) => outcome === 'taken')
    if (taken === undefined) {
      if (rules.length > 0) this.#step('no', 'rule', `none of ${rules.length} holds`)
      else this.#step('no', 'rule', 'the route has none')
    } else this.#step('yes', 'rule', `${taken.index + 1} of ${rules.length}  ${this.#origin(taken.origin)}`)
    for (const rule of rules) {
      if (rule.outcome === 'notReached') continue
      const isTaken = rule.outcome === 'taken'
      if (isTaken && rule.predicate === null) {
        if (rules.length > 1) this.#more(`${this.#mark('yes')} rule ${rule.index + 1}  always`)
        continue
      }
      this.#more(
        `${this.#mark(isTaken ? 'yes' : 'no')} rule ${rule.index + 1}  ${rule.predicate?.text ?? ''}`,
      )
      if (rule.predicate !== null) this.#condition(rule.predicate, 6)
    }
  }

  #split(): void {
    const { split } = this.#given
    if (split === null) return
    const next = split.targets.find(({ isNext }) => isNext)
    const reasons = {
      weights: 'the next by weight',
      onlyTarget: 'the only one with a weight',
      noWeight: 'all weights are 0',
      forced: 'the request names it',
      sticky: 'its client keeps it',
      failover: 'the one chosen has no endpoint that can serve',
    }
    const isAlone = split.targets.length === 1
    const name =
      next === undefined
        ? 'no target'
        : `target ${next.index + 1} of ${split.targets.length}, ${labelOf(next)}`
    this.#step(
      next === undefined ? 'no' : 'yes',
      'split',
      `${isAlone && next !== undefined ? `a single target, ${labelOf(next)}` : `${name}: ${reasons[split.reason]}`}  ${this.#origin(split.origin)}`,
    )
    for (const line of split.policy) this.#more(line)
    if (split.targets.length < 2) return
    for (const target of split.targets)
      this.#more(
        `${target.isNext ? this.#marks.next : ' '} ${labelOf(target)}  weight ${target.weight}  ${formatShare(target.share)}`,
      )
  }

  #upstream(): void {
    const { upstream } = this.#given
    if (upstream === null) return
    this.#step(
      upstream.next === null ? 'no' : 'yes',
      'upstream',
      `${upstream.name === '' ? upstream.id : upstream.name}  ${this.#origin(upstream.origin)}`,
    )
    this.#more(this.#waysOf(upstream))
    for (const { address, weight, priority, share, isNext, idle } of upstream.endpoints) {
      const idleWords = { weight: 'weight 0: it gets nothing', priority: 'stands by: its priority is lower' }
      const rest = idle === null ? `${(100 * share).toFixed(1).replace(/\.0$/, '')} %` : idleWords[idle]
      const order = upstream.endpoints.some((other) => other.priority !== priority)
        ? `  priority ${priority}`
        : ''
      this.#more(`${isNext ? this.#marks.next : ' '} ${address}  weight ${weight}${order}  ${rest}`)
    }
  }

  #waysOf(upstream: ExplainedUpstream): string {
    const { connectMs, sendMs, readMs } = upstream.timeouts
    const own = upstream.timeoutsOf === 'route' ? ' (the route’s own)' : ''
    const balancer = upstream.balancer === 'roundRobin' ? 'round robin' : upstream.balancer
    return `${balancer}, timeouts connect ${seconds(connectMs)} send ${seconds(sendMs)} read ${seconds(readMs)}${own}, retries ${upstream.retries}`
  }

  #changes(): void {
    const { filters, responseFilters, sending } = this.#given
    // what the gateway itself changes is the same for every request
    const fields = sending?.fields.filter(({ by }) => by === 'filter' || this.#options.isWhole) ?? []
    if (filters.length + responseFilters.length + fields.length === 0 && !this.#isRewritten()) return
    this.#lines.push('', this.#paint('bold', 'changes on the way'))
    for (const filter of filters) {
      this.#more(
        `${this.#mark(filter.applied ? 'yes' : 'no')} filter of the ${filter.of}  ${this.#origin(filter.origin)}`,
      )
      if (filter.when !== null) this.#condition(filter.when, 6)
      for (const { what, before, after } of filter.changes)
        this.#push('      ', `${what}: ${before ?? '(none)'} ${this.#marks.to} ${after ?? '(gone)'}`)
    }
    if (sending !== null && sending.host !== this.#given.request.hostField)
      this.#more(`Host sent: ${sending.host}  (pass_host: ${this.#given.upstream?.passHost ?? ''})`)
    if (this.#options.isWhole)
      for (const { name, before, after, by } of fields)
        this.#more(`${name}: ${before ?? '(none)'} ${this.#marks.to} ${after ?? '(gone)'}  by the ${by}`)
    for (const { of, origin, when } of responseFilters)
      this.#more(
        `the answer is edited by the ${of}${when === null ? '' : ` if ${when}`}  ${this.#origin(origin)}`,
      )
  }

  #isRewritten(): boolean {
    const { sending, request } = this.#given
    return sending !== null && (sending.method !== request.method || sending.target !== request.target)
  }

  #outcome(): void {
    const { outcome, sending, upstream } = this.#given
    this.#lines.push('')
    if (outcome.kind === 'upstream') {
      const what = sending === null ? '' : `: ${sending.method} ${sending.target}`
      this.#push(
        '',
        this.#paint(
          'green',
          `${this.#marks.to} sent to ${upstream?.scheme ?? 'http'}://${outcome.endpoint}${what}`,
        ),
      )
      return
    }
    if (outcome.kind === 'error') {
      this.#push(
        '',
        this.#paint('red', `${this.#marks.to} ${outcome.status} ${outcome.errorCode}: ${outcome.message}`),
      )
      return
    }
    const code = outcome.errorCode === null ? '' : ` (${outcome.errorCode})`
    const text = outcome.kind === 'redirect' ? `to ${outcome.location ?? ''}` : 'by the gateway itself'
    this.#push('', this.#paint('green', `${this.#marks.to} ${outcome.status} ${text}${code}`))
  }

  #fact(name: string, text: string): void {
    this.#push('', `${this.#paint('dim', name.padEnd(10))}${printable(text)}`)
  }
  #step(mark: 'yes' | 'no', noun: string, text: string): void {
    this.#push('', `${this.#mark(mark)} ${this.#paint('bold', noun.padEnd(8))}  ${text}`)
  }
  #more(text: string): void {
    this.#push('    ', text)
  }
  #push(indent: string, text: string): void {
    this.#lines.push(`${indent}${text}`.trimEnd())
  }

  #origin(origin: ExplainedOrigin): string {
    const { kind, id, path, place } = origin
    const name = `${kind}/${id}${path === '' ? '' : ` ${path}`}`
    return this.#paint('dim', printable(`[${place === undefined ? name : `${place} ${name}`}]`))
  }
  #mark(mark: 'yes' | 'no'): string {
    return mark === 'yes' ? this.#paint('green', this.#marks.yes) : this.#paint('red', this.#marks.no)
  }
  #paint(style: Parameters<typeof paint>[1], text: string): string {
    return paint(this.#options.io, style, text)
  }
}

function nameOf({ id, name, origin }: ExplainedRoute): string {
  return printable(name === '' || name === id || name === origin.id ? id : `${id} "${name}"`)
}

function entryOf({ host, path }: ExplainedCandidate): string {
  return printable(host === '*' ? path : `${host}${path}`)
}

function labelOf({ kind, variant }: { readonly kind: string; readonly variant: string }): string {
  return printable(variant === '' ? (kind === 'respond' ? 'a fixed answer' : `a ${kind}`) : variant)
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`
}
