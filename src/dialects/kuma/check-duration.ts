import type { JsonObject } from '../../model/json.ts'
import type { Faults } from './faults.ts'
import { fieldPath } from './field-path.ts'
import { readDuration } from './reading.ts'

/** What a duration may be at most: a day. */
const MAX_MS = 86_400_000

/** A duration that may be absent. `least`: the shortest, in milliseconds; 0 where nothing is a choice too. */
export function checkDuration(
  holder: JsonObject,
  name: string,
  path: string,
  least: 0 | 1,
  faults: Faults,
): void {
  const ms = readDuration(holder, name)
  if (ms !== null && (ms < least || ms > MAX_MS))
    faults.add(fieldPath(path, name), `must be from ${least === 0 ? '0s' : '1ms'} to 24h`)
}
