import { HEALTH } from '../model/health.ts'

/**
 * Which endpoints may be picked, from their states (bits of HEALTH, OFF included): 1 at those. Where the usable share of those not switched off is below
 * `panicPercent`, all not switched off are (reliability.md section 6: 50; APISIX: 0, only when none is usable at all; null: never). Gives null for all of them.
 */
export function findUsable(states: Int32Array, panicPercent: number | null): Uint8Array | null {
  let on = 0
  let healthy = 0
  for (let i = 0; i < states.length; i++) {
    const state = states[i] as number
    if ((state & HEALTH.OFF) !== 0) continue
    on++
    if ((state & (HEALTH.UNHEALTHY | HEALTH.EJECTED)) === 0) healthy++
  }
  if (healthy === states.length) return null
  const isPanic = panicPercent !== null && (healthy === 0 || (healthy * 100) / on < panicPercent)
  const usable = new Uint8Array(states.length)
  for (let i = 0; i < states.length; i++) {
    const state = states[i] as number
    const isOut =
      (state & HEALTH.OFF) !== 0 || (!isPanic && (state & (HEALTH.UNHEALTHY | HEALTH.EJECTED)) !== 0)
    usable[i] = isOut ? 0 : 1
  }
  return usable
}
