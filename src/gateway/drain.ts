import type { Settings } from '../model/settings.ts'

/** Exit statuses of an orderly stop. */
export const EXIT = { CLEAN: 0, CUT: 3 } as const

export interface DrainSteps {
  /** From now on `/readyz` says no. */
  readonly announce: () => void
  /** Stops accepting, waits for what runs; how many exchanges the deadline cut. */
  readonly drain: (timeoutMs: number) => Promise<number>
  readonly delay: (ms: number) => Promise<void>
}

/** The order of a stop (reliability.md section 7): announce, keep accepting for `delayMs`, stop accepting, wait, count what was cut. */
export async function drainGateway(settings: Settings['drain'], steps: DrainSteps): Promise<number> {
  steps.announce()
  if (settings.delayMs > 0) await steps.delay(settings.delayMs)
  const cut = await steps.drain(settings.timeoutMs)
  return cut > 0 ? EXIT.CUT : EXIT.CLEAN
}
