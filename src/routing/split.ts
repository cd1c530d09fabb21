import type { Positions } from '../model/model.ts'
import { type Split, splitIdentity } from '../model/split.ts'
import { compileRotation, type Rotation, rotate } from '../model/weighted-rotation.ts'
import { SplitChooser } from './split-policy.ts'
import type { CompiledSplit, CompiledTarget } from './table.ts'

export { scaleWeights, splitAt } from '../model/weighted-rotation.ts'

/** What a split needs of CompileEnvironment. */
export interface SplitEnvironment {
  readonly positions: Positions
  slot(identity: string): number
}

/**
 * A split that can be picked from: a step of the shared position, then a pure function of it. A single target with a positive weight needs no
 * position, and takes no step. `targets` are those of the split, in its order.
 */
export function compileSplit(
  split: Split,
  targets: readonly CompiledTarget[],
  env: SplitEnvironment,
): CompiledSplit {
  const rotation = compileRotation(split.targets.map((target) => target.weight))
  const plain = compileWeights(split, { targets, rotation, env })
  if (split.policy === null) return plain
  const { positions } = env
  const policy = new SplitChooser(split.policy, {
    split,
    targets,
    positions,
    slot: (identity) => env.slot(identity),
    pick: () => plain.pick(),
    peek: () => plain.peek(),
  })
  return { model: split, targets, policy, pick: () => plain.pick(), peek: () => plain.peek() }
}

function compileWeights(
  split: Split,
  parts: {
    readonly targets: readonly CompiledTarget[]
    readonly rotation: Rotation
    readonly env: SplitEnvironment
  },
): CompiledSplit {
  const { targets, rotation, env } = parts
  if (rotation.total.length === 0) return new FixedSplit(split, targets, targets[rotation.only] ?? null)
  const slot = env.slot(splitIdentity(split))
  // Without a slot (shared memory is full) the split goes on with a position of this worker's own: exact per worker, not over all of them.
  const positions = slot === 0 ? new LocalPosition() : env.positions
  return new WeightedSplit(split, { targets, rotation, positions, slot, offset: offsetOf(split, rotation) })
}

/**
 * Steps by which the rotation begins later, so that of two targets the second one gets the n-th choice exactly when floor(n x weight / cycle) grows: that sequence is
 * the even one, begun elsewhere.
 */
function offsetOf({ phase, targets }: Split, rotation: Rotation): number {
  if (phase !== 'late' || targets.length !== 2) return 0
  const { cycle } = rotation
  const weights = targets.map(({ weight }) => weight)
  const share = (weights[1] as number) / ((weights[0] as number) + (weights[1] as number))
  const late = Array.from({ length: cycle }, (_, n) =>
    Math.floor((n + 1) * share + ROUNDING) > Math.floor(n * share + ROUNDING) ? 1 : 0,
  )
  for (let offset = 0; offset < cycle; offset++)
    if (late.every((index, n) => rotate(rotation, n + offset) === index)) return offset
  return 0
}

/** Whole numbers that come out a little too small as fractions. */
const ROUNDING = 1e-9

class FixedSplit implements CompiledSplit {
  readonly policy = null
  readonly model: Split
  readonly targets: readonly CompiledTarget[]
  readonly #target: CompiledTarget | null
  constructor(model: Split, targets: readonly CompiledTarget[], target: CompiledTarget | null) {
    this.model = model
    this.targets = targets
    this.#target = target
  }
  pick(): CompiledTarget | null {
    return this.#target
  }
  peek(): CompiledTarget | null {
    return this.#target
  }
}

class WeightedSplit implements CompiledSplit {
  readonly policy = null
  readonly model: Split
  readonly targets: readonly CompiledTarget[]
  readonly #rotation: Rotation
  readonly #positions: Positions
  readonly #slot: number
  readonly #offset: number
  constructor(
    model: Split,
    parts: {
      readonly targets: readonly CompiledTarget[]
      readonly rotation: Rotation
      readonly positions: Positions
      readonly slot: number
      readonly offset: number
    },
  ) {
    this.model = model
    this.targets = parts.targets
    this.#rotation = parts.rotation
    this.#positions = parts.positions
    this.#slot = parts.slot
    this.#offset = parts.offset
  }
  pick(): CompiledTarget | null {
    const position = this.#positions.advance(this.#slot, this.#rotation.limit)
    return this.targets[rotate(this.#rotation, position + this.#offset)] ?? null
  }
  peek(): CompiledTarget | null {
    const position = this.#positions.peek(this.#slot, this.#rotation.limit)
    return this.targets[rotate(this.#rotation, position + this.#offset)] ?? null
  }
}

class LocalPosition implements Positions {
  #next = 0
  advance(_slot: number, limit: number): number {
    const position = this.#next
    this.#next = position + 1 >= limit ? 0 : position + 1
    return position
  }
  peek(): number {
    return this.#next
  }
}
