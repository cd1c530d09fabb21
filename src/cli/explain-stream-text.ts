import type {
  ExplainedStreamCandidate,
  ExplainedStreamUpstream,
  StreamExplanation,
} from '../model/explanation.ts'
import { ChoiceLines, nameOf, seconds } from './choice-lines.ts'
import { SHOWN_CANDIDATES, type TextOptions } from './explain-text.ts'

/** Why a stream goes where it goes, for people. */
export function streamExplanationText(explanation: StreamExplanation, options: TextOptions): string {
  return new Writer(explanation, options).write()
}

const CONDITION_WORDS: Readonly<
  Record<NonNullable<ExplainedStreamCandidate['failed']>['condition'], string>
> = {
  protocol: 'protocol',
  port: 'port',
  serverAddress: 'server address',
  client: 'client',
  serverName: 'name',
}

class Writer {
  readonly #given: StreamExplanation
  readonly #isWhole: boolean
  readonly #lines: ChoiceLines

  constructor(explanation: StreamExplanation, { io, isWhole }: TextOptions) {
    this.#given = explanation
    this.#isWhole = isWhole
    this.#lines = new ChoiceLines(io)
  }

  write(): string {
    const { listener, route, rules, split, upstream } = this.#given
    this.#stream()
    this.#lines.step('yes', 'listener', `${listener.address} ${listener.transport}`)
    this.#route()
    if (route !== null) this.#lines.rules(rules)
    if (split !== null) this.#lines.split(split)
    if (upstream !== null) this.#lines.upstream(upstream, waysOf(upstream))
    this.#outcome()
    return this.#lines.text()
  }

  #stream(): void {
    const { listener, stream } = this.#given
    this.#lines.title(`a ${listener.transport.toUpperCase()} stream to ${stream.server}`)
    this.#lines.fact('client', stream.client)
    if (listener.transport !== 'udp') this.#lines.fact('name', this.#nameText())
    if (/^(?:0\.0\.0\.0|\[::\]):/.test(stream.server) && listener.transport !== 'udp')
      this.#lines.fact(
        'server',
        'the listener takes every address of the machine: name one for conditions on it (--tcp ADDRESS:PORT)',
      )
    this.#lines.blank()
  }

  #nameText(): string {
    const { listener, stream } = this.#given
    if (!stream.isNameRead) return 'not looked at: no route that could take the stream asks for one'
    if (stream.serverName === null) return 'none (--sni gives one)'
    return `${stream.serverName}, ${listener.transport === 'tls' ? 'TLS ends here' : 'TLS passes through'}`
  }

  #route(): void {
    const { route, candidates, routeCount, omitted, rivals } = this.#given
    if (route === null)
      this.#lines.step(
        'no',
        'route',
        routeCount === 0 ? 'there are no stream routes' : `none of ${routeCount} takes it`,
      )
    else this.#lines.step('yes', 'route', `${nameOf(route)}  ${this.#lines.origin(route.origin)}`)
    const failed = candidates.filter(({ outcome }) => outcome === 'failed')
    const shown = this.#isWhole ? failed : failed.slice(-SHOWN_CANDIDATES)
    const cut = failed.length - shown.length
    if (cut > 0) this.#lines.more(`${cut} earlier candidates are not shown (--all shows them)`)
    for (const candidate of shown) this.#candidate(candidate)
    const { notReached = 0, ...others } = omitted
    for (const [condition, count] of Object.entries(others))
      this.#lines.more(`${count} more failed their ${CONDITION_WORDS[condition as keyof typeof others]}`)
    const [rival] = rivals
    if (rival !== undefined)
      this.#lines.more(`without it: ${nameOf(rival)}  ${this.#lines.origin(rival.origin)}`)
    if (!this.#isWhole) return
    for (const candidate of candidates)
      if (candidate.outcome === 'notReached')
        this.#lines.more(`not reached: ${nameOf(candidate)}  ${this.#lines.origin(candidate.origin)}`)
    if (notReached > 0) this.#lines.more(`${notReached} more were not reached`)
  }

  #candidate(candidate: ExplainedStreamCandidate): void {
    const { failed } = candidate
    const why =
      failed === null
        ? ''
        : `${CONDITION_WORDS[failed.condition]} is ${failed.actual}, not ${failed.expected}`
    this.#lines.more(
      `${this.#lines.mark('no')} ${nameOf(candidate)}  ${why}  ${this.#lines.origin(candidate.origin)}`,
    )
  }

  #outcome(): void {
    const { outcome, upstream, listener } = this.#given
    const { marks } = this.#lines
    this.#lines.blank()
    if (outcome.kind === 'upstream') {
      const way = upstream?.transport ?? listener.transport
      this.#lines.push('', this.#lines.paint('green', `${marks.to} goes to ${way}://${outcome.endpoint}`))
      return
    }
    const { errorCode, status, message } = outcome
    const end = listener.transport === 'udp' ? 'dropped' : 'closed'
    this.#lines.push(
      '',
      this.#lines.paint('red', `${marks.to} ${end}: ${message} (${status} ${errorCode} in the access log)`),
    )
  }
}

function waysOf(upstream: ExplainedStreamUpstream): string {
  const { connectMs, idleMs, proxyProtocol, serverName, transport } = upstream
  const timeouts = `timeouts ${connectMs === null ? '' : `connect ${seconds(connectMs)} `}idle ${seconds(idleMs)}`
  const asks =
    transport === 'tls' ? `, TLS ${serverName === null ? 'without a name' : `to ${serverName}`}` : ''
  return `${timeouts}${asks}${proxyProtocol === null ? '' : `, PROXY protocol version ${proxyProtocol} first`}`
}
