import type { HashKey, HashSource } from '../../model/hash-key.ts'
import type { Template } from '../../model/template.ts'
import type { Balancer, Levels } from '../../model/upstream.ts'
import { defaultOf } from './defaults.ts'
import { parsePercent } from './duration.ts'
import { joinPath, type Sink } from './sink.ts'
import { templateOf } from './template.ts'
import { checkTemplate } from './translate-filters.ts'
import type * as Native from './types.ts'
import { NAMED_PARTS, REQUEST_PARTS } from './words.ts'

/** `balance`, `hashOn` and `levels` of an upstream. */

export function readBalancer(value: Native.Balance | undefined, path: string, sink: Sink): Balancer {
  const written = value ?? defaultOf('upstream', 'balance')
  if (typeof written !== 'string') {
    if (written.ringHash !== undefined) return readRing(written.ringHash, joinPath(path, 'ringHash'), sink)
    if (written.maglev !== undefined) return readMaglev(written.maglev, joinPath(path, 'maglev'), sink)
    return {
      kind: 'leastRequest',
      choiceCount: written.leastRequest?.choices ?? defaultOf('leastRequest', 'choices'),
    }
  }
  switch (written) {
    case 'leastRequest':
      return { kind: 'leastRequest', choiceCount: defaultOf('leastRequest', 'choices') }
    case 'ringHash':
      return readRing({}, path, sink)
    case 'maglev':
      return readMaglev({}, path, sink)
    case 'consistentHash':
      return { kind: 'ketama' }
    case 'leastConnections':
      return { kind: 'leastConnections', ties: 'turns' }
    default:
      return { kind: written }
  }
}

function readRing(value: Native.RingHash, path: string, sink: Sink): Balancer {
  const minSize = value.minSize ?? defaultOf('ringHash', 'minSize')
  const maxSize = value.maxSize ?? defaultOf('ringHash', 'maxSize')
  if (minSize > maxSize) {
    sink.refuse(joinPath(path, 'minSize'), `${minSize} is more than maxSize, which is ${maxSize}`)
  }
  return { kind: 'ringHash', hash: value.hash ?? defaultOf('ringHash', 'hash'), minSize, maxSize }
}

function readMaglev(value: Native.Maglev, path: string, sink: Sink): Balancer {
  const tableSize = value.tableSize ?? defaultOf('maglev', 'tableSize')
  if (!isPrime(tableSize)) {
    let next = tableSize
    while (!isPrime(next)) next++
    sink.refuse(joinPath(path, 'tableSize'), `must be a prime, got ${tableSize}`, `the next one is ${next}`)
  }
  return { kind: 'maglev', tableSize }
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false
  return number >= 2
}

const KEYED: ReadonlySet<Balancer['kind']> = new Set(['ringHash', 'maglev', 'ketama', 'hashModulo'])

/** null where the balancer looks at no key. `path`: of the upstream. */
export function readHashKey(
  { hashOn, hashFallback }: Pick<Native.InlineUpstream, 'hashOn' | 'hashFallback'>,
  balancer: Balancer,
  path: string,
  sink: Sink,
): HashKey | null {
  if (!KEYED.has(balancer.kind)) {
    if (hashOn !== undefined) {
      sink.refuse(
        joinPath(path, 'hashOn'),
        `balance: ${balancer.kind} looks at no key`,
        'of ringHash, maglev, consistentHash and hashModulo',
      )
    }
    return null
  }
  const key = readKey(hashOn ?? [], hashFallback ?? 'address', joinPath(path, 'hashOn'), sink)
  return balancer.kind === 'hashModulo' ? { ...key, hash: 'javaString' } : key
}

export function readKey(
  hashOn: Native.HashOn,
  fallback: HashKey['fallback'],
  path: string,
  sink: Sink,
): HashKey {
  const sources = isList(hashOn)
    ? hashOn.map((source, i) => readSource(source, `${path}[${i}]`, sink))
    : [readSource(hashOn, path, sink)]
  return { sources, fallback, hash: 'xxHash' }
}

function isList(hashOn: Native.HashOn): hashOn is readonly Native.HashSource[] {
  return Array.isArray(hashOn)
}

function readSource(value: Native.HashSource, path: string, sink: Sink): HashSource {
  return {
    template: templateFor(value, path, sink),
    isTerminal: value.terminal ?? defaultOf('hashSource', 'terminal'),
  }
}

function templateFor(value: Native.HashSource, path: string, sink: Sink): Template {
  const { header, query, cookie, template } = value
  if (template !== undefined) {
    checkTemplate(template, joinPath(path, 'template'), { hasGroups: false, hasAnswer: false }, sink)
    return templateOf(template)
  }
  if (header !== undefined) return only(NAMED_PARTS.header(header))
  if (query !== undefined) return only(NAMED_PARTS.query(query))
  if (cookie !== undefined) return only(NAMED_PARTS.cookie(cookie))
  return only(value.variable ?? REQUEST_PARTS.client.variable)
}

function only(variable: string): Template {
  return [{ variable, fallback: '' }]
}

export function readLevels(value: Native.Levels | undefined): Levels {
  return {
    mode: value?.mode ?? defaultOf('levels', 'mode'),
    factor: value?.factor ?? defaultOf('levels', 'factor'),
    panicPercent: parsePercent(value?.panicBelow ?? defaultOf('levels', 'panicBelow')),
    prefersZone: value?.preferZone ?? defaultOf('levels', 'preferZone'),
  }
}
