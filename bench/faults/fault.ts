/** A promise and what holds it against real faults. */
export interface Fault {
  readonly name: string
  /** Debian packages that it needs. */
  readonly needs: readonly ('nginx' | 'wrk')[]
  run(scale: Scale): Promise<readonly Line[]>
}

export interface Scale {
  /** A fault and what follows from it is watched for so long. */
  readonly seconds: number
  readonly transitions: number
  readonly requests: number
  /** How much later than promised something may be seen; 0 where times are judged. */
  readonly slackMs: number
}

/** The form of `npm run faults`, and the short one that tests run too. */
export const WHOLE: Scale = { seconds: 16, transitions: 1000, requests: 20_000, slackMs: 0 }
export const QUICK: Scale = { seconds: 8, transitions: 100, requests: 4000, slackMs: 0 }

/** One printed line: what was seen, and whether it is what is promised. */
export interface Line {
  readonly text: string
  readonly isKept: boolean
}
