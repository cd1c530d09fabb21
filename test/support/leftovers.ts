import assert from 'node:assert/strict'
import { countDescriptors, MIB, readRss, waitForRest } from '../faults/support.ts'
import type { GatewayProcess } from './gateway.ts'
import { waitFor } from './tools.ts'
import { openWorkerHeaps } from './worker-heaps.ts'

const AT_ONCE = 100
/** What is allocated lazily is there after so many. */
const WARM_UP = 5_000
const ATTACKS = 10_000
/** Of the heaps, after a collection: some 200 bytes an attack. */
const MOST_HEAP = 2 * MIB
/** Of the process, which holds what OpenSSL and libuv allocate too: some 3 KB an attack, less than a connection takes. */
const MOST_RSS = 30 * MIB

async function storm(attack: (n: number) => Promise<void>, count: number): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => attack(from + i)))
}

/**
 * Makes ten thousand attacks on an inspected gateway, a hundred at a time, behind some to warm up, and compares what the gateway holds then with what
 * it held before them: connections, descriptors, memory.
 */
export async function expectNothingLeft(
  gateway: GatewayProcess,
  attack: (n: number) => Promise<void>,
): Promise<void> {
  const heaps = await openWorkerHeaps(gateway)
  const measure = async () => {
    await waitForRest(gateway)
    const heap = await heaps.collect()
    return { heap, rss: readRss(gateway.pid), descriptors: countDescriptors(gateway.pid) }
  }
  await storm(attack, WARM_UP)
  const before = await measure()
  await storm(attack, ATTACKS)
  const after = await measure()
  heaps.close()
  assert.ok(after.heap - before.heap < MOST_HEAP, `the heap grew from ${before.heap} to ${after.heap} bytes`)
  assert.ok(after.rss - before.rss < MOST_RSS, `the process grew from ${before.rss} to ${after.rss} bytes`)
  await waitFor('the descriptors to be free', () =>
    // a scrape may be under way
    countDescriptors(gateway.pid) <= before.descriptors + 2 ? true : undefined,
  )
}
