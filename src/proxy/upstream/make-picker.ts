import {
  createHashModulo,
  createKetama,
  createMaglev,
  createRingHash,
} from '../../balancing/consistent-hash.ts'
import { createEarliestDeadline } from '../../balancing/earliest-deadline.ts'
import { createEwma, type Latencies } from '../../balancing/ewma.ts'
import { createLeastRecentlyUsed, createPickFirst, createWeightedOrder } from '../../balancing/in-order.ts'
import { createLeastConnections } from '../../balancing/least-connections.ts'
import { createLeastRequest } from '../../balancing/least-request.ts'
import type { InFlight, Picker, Random } from '../../balancing/picker.ts'
import { createRandom } from '../../balancing/random.ts'
import { createRoundRobin, type LevelSlot } from '../../balancing/round-robin.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Positions } from '../../model/model.ts'
import type { Balancer } from '../../model/upstream.ts'

/** What balancers are made with; what they remember over a rebuild lies here. */
export interface PickerParts {
  readonly positions: Positions
  readonly slot: LevelSlot
  readonly inFlight: InFlight
  readonly random: Random
  readonly now: () => number
  /** EWMA only. */
  readonly latencies: Latencies | null
  /** Least recently used only: by index. */
  readonly lastUsed: Float64Array | null
}

/** The picker of a balancer over these endpoints; `usable` has a 1 at those that may be picked now, null: all. */
export function makePicker(
  balancer: Balancer,
  endpoints: readonly Endpoint[],
  usable: Uint8Array | null,
  parts: PickerParts,
): Picker {
  const { random, inFlight } = parts
  switch (balancer.kind) {
    case 'roundRobin':
      return createRoundRobin(endpoints, parts.slot, parts.positions, usable, balancer.order)
    case 'edf':
      return createEarliestDeadline(endpoints, random, usable)
    case 'random':
      return createRandom(endpoints, true, random, usable)
    case 'leastRequest':
      return createLeastRequest(endpoints, balancer.choiceCount, inFlight, random, usable)
    case 'leastConnections':
      return createLeastConnections(endpoints, inFlight, random, balancer.ties, usable)
    case 'ewma':
      return createEwma(endpoints, parts.latencies as Latencies, random, parts.now, usable)
    case 'ringHash':
      return createRingHash(endpoints, balancer, random, usable)
    case 'maglev':
      return createMaglev(endpoints, balancer.tableSize, random, usable)
    case 'ketama':
      return createKetama(endpoints, random, usable)
    case 'hashModulo':
      return createHashModulo(endpoints, random, usable)
    case 'weightedOrder':
      return createWeightedOrder(endpoints, usable)
    case 'leastRecentlyUsed':
      return createLeastRecentlyUsed(endpoints, parts.lastUsed as Float64Array, usable)
    case 'pickFirst':
      return createPickFirst(endpoints, usable)
    default:
      return balancer satisfies never
  }
}

/** Whether a balancer looks at the request's key. */
export function isKeyed({ kind }: Balancer): boolean {
  return kind === 'ringHash' || kind === 'maglev' || kind === 'ketama' || kind === 'hashModulo'
}
