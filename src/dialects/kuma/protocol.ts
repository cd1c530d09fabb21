/** What `kuma.io/protocol` says, and what several instances have in common. spec/kuma.md 5, "Protocol decides L4 or L7". */

export type Protocol = 'tcp' | 'http' | 'http2' | 'grpc' | 'kafka' | 'unknown'

/** What each is built on, itself first. */
const STACKS: Readonly<Record<Exclude<Protocol, 'unknown'>, readonly Protocol[]>> = {
  grpc: ['grpc', 'http2', 'tcp'],
  http2: ['http2', 'tcp'],
  http: ['http', 'tcp'],
  kafka: ['kafka', 'tcp'],
  tcp: ['tcp'],
}

/** In any case; a missing or another value is `unknown`. */
export function readProtocol(tag: string | undefined): Protocol {
  const name = (tag ?? '').toLowerCase()
  return Object.hasOwn(STACKS, name) ? (name as Protocol) : 'unknown'
}

/** What all have in common; `unknown` where one is unknown, or there is none. */
export function commonProtocol(protocols: readonly Protocol[]): Protocol {
  let common: Protocol | null = null
  for (const protocol of protocols) {
    if (protocol === 'unknown') return 'unknown'
    common = common === null ? protocol : meet(common, protocol)
  }
  return common ?? 'unknown'
}

function meet(a: Protocol, b: Protocol): Protocol {
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return STACKS[a].find((layer) => STACKS[b].includes(layer)) ?? 'unknown'
}

/** Whether the rules of `http` act. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc'
}
