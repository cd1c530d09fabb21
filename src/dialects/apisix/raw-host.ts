import { escapePattern } from '../../expression/pattern.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { RouterMode } from './patterns.ts'

/**
 * Host patterns with a colon (a port, or an IPv6 address) in the path-first router modes (spec/apisix.md 3.3): there such a pattern is
 * compared with the raw Host header instead of the host without port. The host is no sort key in these modes, so as soon as one pattern
 * of a route has a colon, all of them become one condition.
 */
export function needsRawHost(hosts: readonly string[], mode: RouterMode): boolean {
  return mode !== 'radixtree_host_uri' && hosts.some((host) => host.includes(':'))
}

/** Holds if one of the patterns fits; null if one of them takes every host. */
export function compareRawHosts(hosts: readonly string[]): Predicate | null {
  const of: Predicate[] = []
  for (const host of hosts) {
    if (host === '*') return null
    const isSuffix = host.startsWith('*')
    const literal = escapePattern(isSuffix ? host.slice(1) : host)
    of.push({
      kind: 'test',
      variable: host.includes(':') ? 'http_host' : 'host',
      operator: 'matchesIgnoringCase',
      value: isSuffix ? `${literal}$` : `^${literal}$`,
    })
  }
  return of.length === 1 ? (of[0] as Predicate) : { kind: 'any', of }
}
