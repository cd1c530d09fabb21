import { portOf } from '../../model/listener.ts'
import type { Settings } from '../../model/settings.ts'
import { type Check, fail, formatBytes, ok, warn } from './check.ts'
import type { MachineFacts } from './machine-facts.ts'

/** What of the settings the machine is held against: numbers already fitted to it (gateway/limits.ts). */
export interface MachineNeeds {
  readonly maxConnections: number
  readonly workers: number
  /** `host:port` of every listener for traffic. */
  readonly listen: readonly string[]
}

/** Waiting connections that a listener asks the system for. */
const BACKLOG = 4096
/** Below this, connections are few for a gateway. */
const FEW_FILES = 10_000
/** Descriptors beside connections: store, logs, listeners, pipes of the workers. */
const OTHER_FILES = 200
/** The gateway without a request, and what each worker adds. */
const BASE_BYTES = 96 * 1_048_576
const WORKER_BYTES = 48 * 1_048_576
const FEW_PORTS = 10_000
const LARGEST_JUMP_MS = 50

export function judgeMachine(facts: MachineFacts, needs: MachineNeeds): readonly Check[] {
  return [
    judgeNode(facts),
    judgeStreams(facts),
    judgeOpenFiles(facts, needs),
    judgeMemory(facts, needs),
    judgeProcessors(facts, needs),
    judgeClock(facts),
    ...(facts.platform === 'linux'
      ? [
          judgeBacklog(facts),
          judgeMigration(facts, needs),
          judgeLocalPorts(facts, needs),
          judgeSynBacklog(facts),
          judgeReuse(facts),
          judgeConntrack(facts, needs),
        ]
      : [
          warn(
            'system',
            facts.platform,
            'run production gateways on Linux: elsewhere workers cannot share ports',
          ),
        ]),
  ]
}

export function judgeNode({ nodeVersion }: Pick<MachineFacts, 'nodeVersion'>): Check {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 18)) {
    return fail('node', nodeVersion, 'install Node 24: Headgate needs 22.18 at least')
  }
  if (major !== 24) return warn('node', nodeVersion, 'install Node 24, with which Headgate is tested')
  return ok('node', nodeVersion)
}

export function judgeStreams({ hasFastStreams }: Pick<MachineFacts, 'hasFastStreams'>): Check {
  if (hasFastStreams) return ok('fast-streams', 'available')
  return warn('fast-streams', 'not in this Node', 'use Node 24: without them a request costs more')
}

/** Each proxied request holds two descriptors, one to the client and one to the endpoint. */
export function judgeOpenFiles(
  { openFiles }: Pick<MachineFacts, 'openFiles'>,
  { maxConnections }: Pick<MachineNeeds, 'maxConnections'>,
): Check {
  const name = 'open-files'
  if (openFiles === null) return warn(name, 'unknown', 'look up the limit of open files of this system')
  const { soft, hard } = openFiles
  if (soft === null) return ok(name, 'no limit')
  const value = `${soft}${hard === soft ? '' : ` (hard limit ${hard ?? 'none'})`}, ${maxConnections} connections allowed`
  const raise = `raise it to ${2 * maxConnections + OTHER_FILES}: LimitNOFILE= in the unit, or ulimit -n`
  if (soft < maxConnections + OTHER_FILES) {
    return fail(name, value, `${raise}; or lower limits.maxConnections`)
  }
  if (soft < FEW_FILES) return warn(name, value, 'raise it to 65536: LimitNOFILE= in the unit, or ulimit -n')
  // Connections without a request need no second descriptor, so this bites only when all are busy.
  if (soft < 1.2 * maxConnections) return warn(name, value, raise)
  return ok(name, value)
}

export function judgeMemory(
  { memory }: Pick<MachineFacts, 'memory'>,
  { workers }: Pick<MachineNeeds, 'workers'>,
): Check {
  const name = 'memory'
  const { totalBytes, availableBytes, limitBytes } = memory
  const need = BASE_BYTES + workers * WORKER_BYTES
  const bound = limitBytes ?? totalBytes
  const value = `${formatBytes(bound)}${limitBytes === null ? '' : ' (control group)'}${availableBytes === null ? '' : `, ${formatBytes(Math.min(bound, availableBytes))} available`}`
  const more = `give it more: ${workers} workers want about ${formatBytes(need)} before the first request`
  if (bound < need) return fail(name, value, `${more}, or set fewer --workers`)
  if (bound < 2 * need) return warn(name, value, more)
  if (availableBytes !== null && availableBytes < need) return warn(name, value, more)
  return ok(name, value)
}

export function judgeProcessors(
  { processors, memory: { cpuQuota } }: Pick<MachineFacts, 'processors' | 'memory'>,
  { workers }: Pick<MachineNeeds, 'workers'>,
): Check {
  const name = 'processors'
  const usable = cpuQuota === null ? processors : Math.min(processors, cpuQuota)
  const value = `${Number(usable.toFixed(2))}${cpuQuota === null || cpuQuota >= processors ? '' : ` (quota; the machine has ${processors})`}, ${workers} workers`
  const best = Math.max(1, Math.floor(usable))
  if (workers > best) {
    return warn(name, value, `set --workers ${best}: more of them wait for each other and answer late`)
  }
  return ok(name, value)
}

export function judgeClock({ clock }: Pick<MachineFacts, 'clock'>): Check {
  const name = 'clock'
  const { nowMs, jumpMs, watchedMs, isSynchronized } = clock
  const now = new Date(nowMs).toISOString()
  if (nowMs < Date.UTC(2025, 0)) return fail(name, now, 'set the clock: certificates and logs need it')
  if (Math.abs(jumpMs) > LARGEST_JUMP_MS) {
    const value = `moved by ${jumpMs} ms within ${watchedMs} ms`
    return warn(name, value, 'let a time service slew the clock (chrony, systemd-timesyncd), not set it')
  }
  if (isSynchronized === false) {
    return warn(name, `${now}, not synchronized`, 'look at the time service: timedatectl status')
  }
  return ok(name, `${now}, ${isSynchronized === null ? 'steady' : 'synchronized'}`)
}

function judgeBacklog(facts: Pick<MachineFacts, 'sysctl'>): Check {
  return judgeLeast(facts, 'net.core.somaxconn', BACKLOG, 'bursts of connections are dropped below it')
}

function judgeSynBacklog(facts: Pick<MachineFacts, 'sysctl'>): Check {
  const bites = 'bursts of connections are slow below it'
  return judgeLeast(facts, 'net.ipv4.tcp_max_syn_backlog', 1024, bites)
}

export function judgeLeast(
  { sysctl }: Pick<MachineFacts, 'sysctl'>,
  name: string,
  least: number,
  bites: string,
): Check {
  const text = sysctl(name)
  if (text === null) return warn(name, 'unknown', `check it on the host: ${least} or more is wanted`)
  if (Number(text) < least) return warn(name, text, `sysctl -w ${name}=${least}: ${bites}`)
  return ok(name, text)
}

/** Without it, what waits in the accept queue of a worker is lost when that worker is replaced. */
export function judgeMigration(
  { sysctl }: Pick<MachineFacts, 'sysctl'>,
  { workers }: Pick<MachineNeeds, 'workers'>,
): Check {
  const name = 'net.ipv4.tcp_migrate_req'
  const value = sysctl(name)
  if (value === '1') return ok(name, value)
  if (workers === 1) return ok(name, `${value ?? 'not there'}, which matters with several workers only`)
  if (value === null) {
    return warn(name, 'not there', 'use Linux 5.14 or newer: a replaced worker loses waiting connections')
  }
  return warn(
    name,
    value,
    `sysctl -w ${name}=1: else a replaced worker loses the connections that wait for it`,
  )
}

/** Ports that our own connections to endpoints take. One pair of addresses has as many connections as there are such ports. */
export function judgeLocalPorts(
  { sysctl }: Pick<MachineFacts, 'sysctl'>,
  { listen, maxConnections }: Pick<MachineNeeds, 'listen' | 'maxConnections'>,
): Check {
  const name = 'net.ipv4.ip_local_port_range'
  const match = /^(\d+)\s+(\d+)$/.exec(sysctl(name) ?? '')
  if (match === null) return warn(name, 'unknown', 'check it on the host: 10000 ports or more are wanted')
  const [low, high] = [Number(match[1]), Number(match[2])]
  const count = high - low + 1
  const value = `${low}-${high}: ${count} connections to one endpoint`
  const reserved = sysctl('net.ipv4.ip_local_reserved_ports') ?? ''
  const inside = listen.map(portOf).find((port) => port >= low && port <= high && !isListed(reserved, port))
  if (inside !== undefined) {
    return warn(
      name,
      value,
      `sysctl -w net.ipv4.ip_local_reserved_ports=${inside}: an outgoing connection may hold the listener's port at start`,
    )
  }
  if (count < Math.min(FEW_PORTS, maxConnections)) {
    return warn(name, value, `sysctl -w ${name}="10240 65535": a busy endpoint would run out of ports`)
  }
  return ok(name, value)
}

/** `8080,9000-9100` */
function isListed(list: string, port: number): boolean {
  return list.split(',').some((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number)
    return port >= from && port <= to
  })
}

export function judgeReuse({ sysctl }: Pick<MachineFacts, 'sysctl'>): Check {
  const name = 'net.ipv4.tcp_tw_reuse'
  const value = sysctl(name)
  if (value === '0') {
    return warn(name, value, `sysctl -w ${name}=1: closed connections hold their ports for a minute else`)
  }
  return ok(name, value ?? 'unknown')
}

/** The table of a stateful firewall: when it is full, new connections are dropped in silence. */
export function judgeConntrack(
  { conntrack }: Pick<MachineFacts, 'conntrack'>,
  { maxConnections }: Pick<MachineNeeds, 'maxConnections'>,
): Check {
  const name = 'conntrack'
  if (conntrack === null) return ok(name, 'no table')
  const { count, max } = conntrack
  const value = `${count} of ${max} entries`
  const raise = `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(4 * maxConnections, 2 * max)}`
  if (count > 0.8 * max) return fail(name, value, `${raise}: new connections are dropped when it is full`)
  if (max < 2 * maxConnections) return warn(name, value, `${raise}: each request may hold two entries`)
  return ok(name, value)
}

/** The numbers of the settings that the machine is held against. */
export function needsOf({ limits, workers, listen }: Settings): MachineNeeds {
  return { maxConnections: limits.maxConnections, workers, listen }
}
