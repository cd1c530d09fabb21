import type { Mirror } from '../../model/filter.ts'
import type { UpstreamCell } from '../table.ts'

/** The count begins anew here: a multiple of 100, and of 100 parts of a percent. */
const CYCLE = 10_000

/** Which requests are copied, and where to. Each worker, and each compiled form of the filter, counts for itself. */
export class CompiledMirror {
  readonly model: Mirror
  readonly upstreams: readonly UpstreamCell[]
  /** Requests so far, 0 to CYCLE - 1. */
  #count = 0

  constructor(model: Mirror, upstreams: readonly UpstreamCell[]) {
    this.model = model
    this.upstreams = upstreams
  }

  /** One more request. True: it is copied. */
  take(): boolean {
    const isDue = this.isNextDue
    this.#count = (this.#count + 1) % CYCLE
    return isDue
  }

  /** Whether the next request is copied; moves nothing on. */
  get isNextDue(): boolean {
    const { percent } = this.model
    return Math.floor(((this.#count + 1) * percent) / 100) > Math.floor((this.#count * percent) / 100)
  }
}
