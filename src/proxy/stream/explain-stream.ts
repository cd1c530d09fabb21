import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts'
import {
  EXPLAIN_LIMITS,
  type ExplainedRoute,
  type ExplainedStreamCandidate,
  type ExplainedStreamUpstream,
  type StreamExplanation,
  type StreamQuestion,
} from '../../model/explanation.ts'
import { ChoiceTrace } from '../../routing/explain.ts'
import type { CompiledStreamRoute, StreamMisfit } from '../../routing/stream-table.ts'
import type { CompiledUpstreamTarget } from '../../routing/table.ts'
import { cut, showBalance, showRoute, showRules, showSplit } from '../explain-view.ts'
import { plainAddress } from '../forwarded.ts'
import { isForbidden, type Plane } from '../plane.ts'
import type { StreamEntrance } from '../proxy-contract.ts'
import type { Cell, CompiledUpstream } from '../upstream/upstreams.ts'
import { StreamFacts } from './stream-facts.ts'
import { MAX_IDLE_MS } from './udp-relay.ts'

/**
 * Explains what would become of a stream: its choices are made as for any other, by the table in force, with a trace. Nothing is connected, counted or
 * moved on. Synchronous; every stream route is tested, as a search for a stream does that none takes, and EXPLAIN_LIMITS bounds what is told.
 */
export function explainStream(
  plane: Plane,
  question: StreamQuestion,
  entrance: StreamEntrance,
): StreamExplanation {
  return new StreamExplainer(plane, question, entrance).run()
}

class StreamExplainer {
  readonly #plane: Plane
  readonly #entrance: StreamEntrance
  readonly #facts: StreamFacts
  readonly #isNameRead: boolean
  readonly #trace = new ChoiceTrace(EXPLAIN_LIMITS)

  constructor(plane: Plane, { clientAddress, serverName }: StreamQuestion, entrance: StreamEntrance) {
    const { transport, localAddress, localPort } = entrance
    const client = plainAddress(clientAddress)
    const facts = new StreamFacts(plane, {
      transport,
      clientAddress: client,
      clientPort: 0,
      peerAddress: client,
      localAddress,
      localPort,
    })
    this.#plane = plane
    this.#entrance = entrance
    this.#facts = facts
    this.#isNameRead = transport === 'tls' || (transport === 'tcp' && plane.streams.needsServerName(facts))
    if (this.#isNameRead) facts.serverName = serverName
  }

  run(): StreamExplanation {
    const fault = this.#facts.chooseTarget(this.#trace)
    if (fault !== null) return this.#finish(refused(fault), null)
    const { current } = (this.#facts.choice as CompiledUpstreamTarget).upstream as Cell
    if (current === null) return this.#finish(refused('UPSTREAM_NOT_FOUND'), null)
    const key = current.balance.needsKey ? this.#facts.readKey(current) : null
    const next = current.balance.peek(key)
    return this.#finish(this.#judgeEndpoint(current, next), this.#showUpstream(current, next))
  }

  #judgeEndpoint(upstream: CompiledUpstream, next: number): StreamExplanation['outcome'] {
    const endpoint = upstream.endpoints[next]
    if (endpoint === undefined) return refused(upstream.emptyCode)
    const { host, port, address } = endpoint.model
    if (isForbidden(this.#plane, address ?? host, port)) return refused('ADMIN_ADDRESS')
    return { kind: 'upstream', upstream: upstream.model.id, endpoint: endpoint.label }
  }

  #showUpstream(upstream: CompiledUpstream, next: number): ExplainedStreamUpstream {
    const { scheme, timeouts } = upstream.model
    const { idleMs, proxyProtocol } = (this.#facts.route as CompiledStreamRoute).model
    const isDatagrams = this.#entrance.transport === 'udp'
    const transport = isDatagrams ? 'udp' : scheme === 'tls' ? 'tls' : 'tcp'
    // the name asked for is the client's own where the document says none (TcpStream)
    const fixedName = upstream.endpoints[next]?.pool.identity.serverName ?? ''
    const asked = fixedName === '' ? this.#facts.serverName : fixedName
    return {
      ...showBalance(upstream, next),
      transport,
      serverName: transport === 'tls' ? asked : null,
      connectMs: isDatagrams ? null : timeouts.connectMs,
      idleMs: isDatagrams ? Math.min(MAX_IDLE_MS, idleMs) : idleMs,
      proxyProtocol: isDatagrams ? null : proxyProtocol,
    }
  }

  #finish(
    outcome: StreamExplanation['outcome'],
    upstream: ExplainedStreamUpstream | null,
  ): StreamExplanation {
    const { transport, listener, localAddress, localPort } = this.#entrance
    const { revision, clientAddress, serverName, route, rule, choice, choiceReason } = this.#facts
    return {
      revision,
      listener: { address: listener, transport },
      stream: {
        client: clientAddress,
        server: `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`,
        serverName,
        isNameRead: this.#isNameRead,
      },
      ...this.#showCandidates(route),
      routeCount: this.#plane.streams.size,
      route: route === null ? null : showRoute(route.model),
      rules: route === null ? [] : showRules(route.rules, this.#trace.rules),
      split: rule === null ? null : showSplit(rule.split, choice, choiceReason),
      upstream,
      outcome,
    }
  }

  #showCandidates(
    taken: CompiledStreamRoute | null,
  ): Pick<StreamExplanation, 'candidates' | 'omitted' | 'rivals'> {
    const candidates: ExplainedStreamCandidate[] = []
    const omitted: Partial<Record<StreamMisfit['condition'] | 'notReached', number>> = {}
    const rivals: ExplainedRoute[] = []
    let isBehind = false
    let looked = 0
    for (const route of this.#plane.streams.candidates(this.#facts)) {
      const misfit = isBehind ? null : route.misfit(this.#facts)
      const outcome = isBehind ? 'notReached' : route === taken ? 'taken' : 'failed'
      if (outcome === 'taken' || candidates.length < EXPLAIN_LIMITS.candidates)
        candidates.push({ ...showRoute(route.model), outcome, failed: misfit === null ? null : show(misfit) })
      else {
        const why = misfit?.condition ?? 'notReached'
        omitted[why] = (omitted[why] ?? 0) + 1
      }
      if (isBehind && rivals.length < EXPLAIN_LIMITS.rivals && looked++ < EXPLAIN_LIMITS.rivalEntries) {
        if (route.misfit(this.#facts) === null) rivals.push(showRoute(route.model))
      }
      if (route === taken) isBehind = true
    }
    return { candidates, omitted, rivals }
  }
}

function show({ condition, expected, actual }: StreamMisfit): StreamMisfit {
  return { condition, expected: cut(expected), actual: cut(actual) }
}

function refused(code: ErrorCode): Extract<StreamExplanation['outcome'], { readonly kind: 'error' }> {
  const { status, message } = ERROR_CODES[code]
  // the one text of the table for this that speaks of requests
  const text = code === 'ROUTE_NOT_FOUND' ? 'no stream route takes it' : message
  return { kind: 'error', status, errorCode: code, message: text }
}
