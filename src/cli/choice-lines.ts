import type {
  ExplainedBalance,
  ExplainedCondition,
  ExplainedOrigin,
  ExplainedRoute,
  ExplainedRule,
  ExplainedSplit,
} from '../model/explanation.ts'
import { askedText, valueText } from '../model/predicate-text.ts'
import { formatShare } from './explain-words.ts'
import { type Marks, marksFor } from './marks.ts'
import { type CliIo, paint, printable, type Style } from './output.ts'

/** The lines of an explanation for people, and the choices that requests and streams have in common. */
export class ChoiceLines {
  readonly marks: Marks
  readonly #io: Pick<CliIo, 'hasColor' | 'environment'>
  readonly #lines: string[] = []

  constructor(io: Pick<CliIo, 'hasColor' | 'environment'>) {
    this.#io = io
    this.marks = marksFor(io.environment)
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  rules(rules: readonly ExplainedRule[]): void {
    const taken = rules.find(({ outcome }) => outcome === 'taken')
    if (taken === undefined) {
      if (rules.length > 0) this.step('no', 'rule', `none of ${rules.length} holds`)
      else this.step('no', 'rule', 'the route has none')
    } else this.step('yes', 'rule', `${taken.index + 1} of ${rules.length}  ${this.origin(taken.origin)}`)
    for (const rule of rules) {
      if (rule.outcome === 'notReached') continue
      const isTaken = rule.outcome === 'taken'
      if (isTaken && rule.predicate === null) {
        if (rules.length > 1) this.more(`${this.mark('yes')} rule ${rule.index + 1}  always`)
        continue
      }
      this.more(`${this.mark(isTaken ? 'yes' : 'no')} rule ${rule.index + 1}  ${rule.predicate?.text ?? ''}`)
      if (rule.predicate !== null) this.condition(rule.predicate, 6)
    }
  }

  condition({ comparisons }: ExplainedCondition, indent: number): void {
    for (const { variable, operator, value, rules, actual, other, held, isNegated } of comparisons) {
      const is = actual === null ? 'absent' : `is ${valueText(actual)}`
      const others =
        other === undefined ? '' : other === null ? ', the other absent' : `, the other ${valueText(other)}`
      const asked = askedText(operator, value, rules)
      this.push(
        ' '.repeat(indent + 4),
        `${this.mark(held === isNegated ? 'no' : 'yes')} ${isNegated ? 'not ' : ''}${variable} ${asked}  (${is}${others})`,
      )
    }
  }

  split(split: ExplainedSplit): void {
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
    this.step(
      next === undefined ? 'no' : 'yes',
      'split',
      `${isAlone && next !== undefined ? `a single target, ${labelOf(next)}` : `${name}: ${reasons[split.reason]}`}  ${this.origin(split.origin)}`,
    )
    for (const line of split.policy) this.more(line)
    if (split.targets.length < 2) return
    for (const target of split.targets)
      this.more(
        `${target.isNext ? this.marks.next : ' '} ${labelOf(target)}  weight ${target.weight}  ${formatShare(target.share)}`,
      )
  }

  /** `ways`: how it is sent there, between the balancer and the retries. */
  upstream(upstream: ExplainedBalance, ways: string): void {
    this.step(
      upstream.next === null ? 'no' : 'yes',
      'upstream',
      `${upstream.name === '' ? upstream.id : upstream.name}  ${this.origin(upstream.origin)}`,
    )
    const balancer = upstream.balancer === 'roundRobin' ? 'round robin' : upstream.balancer
    this.more(`${balancer}, ${ways}, retries ${upstream.retries}`)
    for (const { address, weight, priority, share, isNext, idle, condition } of upstream.endpoints) {
      const idleWords = {
        weight: 'weight 0: it gets nothing',
        priority: 'stands by: its priority is lower',
        condition: 'not for this request: its condition does not hold',
        failover: 'stands by: it is asked when the others failed',
      }
      const rest = idle === null ? `${(100 * share).toFixed(1).replace(/\.0$/, '')} %` : idleWords[idle]
      const order = upstream.endpoints.some((other) => other.priority !== priority)
        ? `  priority ${priority}`
        : ''
      this.more(`${isNext ? this.marks.next : ' '} ${address}  weight ${weight}${order}  ${rest}`)
      if (condition !== undefined) this.condition(condition, 6)
    }
  }

  title(text: string): void {
    this.push('', this.paint('bold', text))
    this.blank()
  }
  blank(): void {
    this.#lines.push('')
  }
  fact(name: string, text: string): void {
    this.push('', `${this.paint('dim', name.padEnd(10))}${printable(text)}`)
  }
  step(mark: 'yes' | 'no', noun: string, text: string): void {
    this.push('', `${this.mark(mark)} ${this.paint('bold', noun.padEnd(8))}  ${text}`)
  }
  more(text: string): void {
    this.push('    ', text)
  }
  push(indent: string, text: string): void {
    this.#lines.push(`${indent}${text}`.trimEnd())
  }

  origin(origin: ExplainedOrigin): string {
    const { kind, id, path, place } = origin
    const name = `${kind}/${id}${path === '' ? '' : ` ${path}`}`
    return this.paint('dim', printable(`[${place === undefined ? name : `${place} ${name}`}]`))
  }
  mark(mark: 'yes' | 'no'): string {
    return mark === 'yes' ? this.paint('green', this.marks.yes) : this.paint('red', this.marks.no)
  }
  paint(style: Style, text: string): string {
    return paint(this.#io, style, text)
  }
}

export function nameOf({ id, name, origin }: ExplainedRoute): string {
  return printable(name === '' || name === id || name === origin.id ? id : `${id} "${name}"`)
}

function labelOf({ kind, variant }: { readonly kind: string; readonly variant: string }): string {
  return printable(variant === '' ? (kind === 'respond' ? 'a fixed answer' : `a ${kind}`) : variant)
}

export function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`
}
