import type { Work } from './rounds.ts'

/** 22 400 requests/s in all: about a third of what nginx can do on one core of the machine that this was written on, and half of Headgate's. */
export const STEADY: Work = { connections: 64, ratePerConnection: 350 }
export const FLAT_OUT: Work = { connections: 64, ratePerConnection: null }
/** Time that a start and a warm-up take, seconds. For estimates. */
export const WARM_UP_S = 5
