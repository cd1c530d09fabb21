import { DYING } from './dying.ts'
import type { Fault } from './fault.ts'
import { PROMISES } from './promises.ts'

/** In the order in which they run. */
export const FAULTS: readonly Fault[] = [...DYING, ...PROMISES]
