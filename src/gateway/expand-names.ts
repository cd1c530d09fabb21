import type { FoundHost, NameQuestion } from '../discovery/discovery.ts'
import { type Endpoint, isAddress } from '../model/endpoint.ts'
import { podServiceName } from '../model/pod-service.ts'
import type { Discovery, NameDiscovery, PodDiscovery, Upstream } from '../model/upstream.ts'

/** What a name stands for now; null: no answer came yet. */
export type FindHosts = (kind: NameQuestion['kind'], name: string) => readonly FoundHost[] | null

/** Sum of the weights of an upstream's endpoints, as far as names may raise it. Above it shares are rounded. */
const MAX_WEIGHT_SUM = 2 ** 25

/** A node as it is written, or as a discovery found it: its addresses share its weight. */
interface Node {
  readonly endpoint: Endpoint
  /** null: it is an address itself. Empty: it stands for none now. */
  readonly addresses: readonly string[] | null
}

/** Questions that the endpoints of an upstream depend on. Empty for most. */
export function questionsOf({
  endpoints,
  discovery,
}: Pick<Upstream, 'endpoints' | 'discovery'>): NameQuestion[] {
  const names = new Set<string>()
  for (const { host } of endpoints) if (!isAddress(host)) names.add(host)
  const questions: NameQuestion[] = [...names].map((name) => ({ kind: 'addresses', name }))
  if (discovery === null) return questions
  if (discovery.kind === 'pods') {
    const services = new Set(discovery.services.map(({ service }) => podServiceName(service)))
    return [...questions, ...[...services].map((name) => ({ kind: 'pods' as const, name }))]
  }
  if (discovery.port === null) questions.push({ kind: 'services', name: discovery.name })
  else if (!names.has(discovery.name) && !isAddress(discovery.name)) {
    questions.push({ kind: 'addresses', name: discovery.name })
  }
  return questions
}

/**
 * The endpoints of an upstream with one for each address of each name. A node keeps its share: its weight is split evenly among its addresses, and the weights
 * of its priority are multiplied so that all are whole numbers. The same answers give the same list in the same order.
 */
export function expandNames(upstream: Upstream, find: FindHosts): readonly Endpoint[] {
  const nodes: Node[] = upstream.endpoints.map((endpoint) => ({
    endpoint,
    addresses: isAddress(endpoint.host) ? null : addressesOf(find('addresses', endpoint.host)),
  }))
  if (upstream.discovery !== null) nodes.push(...discover(upstream.discovery, find))
  const scales = new Map<number, number>()
  const expanded: Endpoint[] = []
  for (const node of nodes) {
    const { endpoint, addresses } = node
    const { priority } = endpoint
    let scale = scales.get(priority)
    if (scale === undefined) {
      scale = scaleOf(nodes.filter((other) => other.endpoint.priority === priority))
      scales.set(priority, scale)
    }
    if (addresses === null || addresses.length === 0) {
      expanded.push(scale === 1 ? endpoint : { ...endpoint, weight: endpoint.weight * scale })
      continue
    }
    const whole = (endpoint.weight * scale) / addresses.length
    const weight = endpoint.weight === 0 ? 0 : Math.max(1, Math.round(whole))
    for (const address of addresses) expanded.push({ ...endpoint, address, weight })
  }
  return expanded
}

function addressesOf(hosts: readonly FoundHost[] | null): readonly string[] {
  return hosts?.[0]?.addresses ?? []
}

function discover(discovery: Discovery, find: FindHosts): Node[] {
  return discovery.kind === 'pods' ? discoverPods(discovery, find) : discoverName(discovery, find)
}

/** A node for each pod, with the weight of its Service. */
function discoverPods({ services }: PodDiscovery, find: FindHosts): Node[] {
  const found = new Map<string, Node>()
  for (const { service, weight } of services) {
    const name = podServiceName(service)
    for (const { host, port } of find('pods', name) ?? []) {
      const key = `${host} ${port}`
      if (found.has(key)) continue
      const own = { ...PLAIN, priority: 0, host, port: port ?? 0, weight, service: name }
      found.set(key, { endpoint: own, addresses: null })
    }
  }
  return [...found.values()]
}

const PLAIN = { zone: null, failoverOnly: false, state: 'ready', address: null } as const

function discoverName({ name, port, weight, priority }: NameDiscovery, find: FindHosts): Node[] {
  const plain = { ...PLAIN, priority }
  if (port !== null) {
    const addresses = isAddress(name) ? null : addressesOf(find('addresses', name))
    return [{ endpoint: { ...plain, host: name, port, weight }, addresses }]
  }
  const hosts = find('services', name) ?? []
  // without an answer nobody knows a port, but the name is to be seen
  if (hosts.length === 0) return [{ endpoint: { ...plain, host: name, port: 0, weight }, addresses: [] }]
  return hosts.map((found) => ({
    endpoint: {
      ...plain,
      host: found.host,
      port: found.port ?? 0,
      weight: weight * found.weight,
      priority: priority - found.rank,
    },
    addresses: found.addresses,
  }))
}

/** Least number by which weights can be multiplied so that every node's share splits into whole numbers; less where that is too much. */
function scaleOf(nodes: readonly Node[]): number {
  let scale = 1
  let sum = 0
  for (const { endpoint, addresses } of nodes) {
    sum += endpoint.weight
    const count = addresses?.length ?? 0
    if (count > 1 && endpoint.weight > 0) scale = (scale / gcd(scale, count)) * count
    if (scale > MAX_WEIGHT_SUM) break
  }
  return Math.max(1, Math.min(scale, Math.floor(MAX_WEIGHT_SUM / Math.max(1, sum))))
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
