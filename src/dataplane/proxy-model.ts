import { type NameBook, UpstreamCircumstances } from '../gateway/circumstances.ts'
import { isDeepEqual } from '../gateway/deep-equal.ts'
import type { PatchPart } from '../gateway/messages.ts'
import type { SharedState } from '../gateway/shared-state.ts'
import type { ModelObject, Patch } from '../model/model.ts'
import type { ProxyModel as ModelLine } from '../model/proxy-link.ts'

/** A change as the data plane takes it, and those who watch the model. */
export interface ModelChange {
  readonly upserts: readonly ModelObject[]
  readonly removals: Patch['removals']
}

export interface ProxyModelOptions {
  readonly shared: SharedState
  readonly names: NameBook
  /** Takes a patch; it is in force when this returns. */
  readonly send: (part: PatchPart) => void
  /** Told once a change is in force. */
  readonly onChange: (change: ModelChange) => void
}

interface Known {
  /** As the control plane sent it. */
  readonly sent: ModelObject
  /** With what names stand for here: it serves. */
  readonly serving: ModelObject
}

/**
 * The model that this process serves: that of its proxy, or of its proxies. The names of endpoints are looked up here, as Envoy's strict DNS does: they may stand for other
 * addresses than at the control plane.
 */
export class ProxyModel {
  readonly #options: ProxyModelOptions
  readonly #circumstances: UpstreamCircumstances
  readonly #objects = new Map<string, Known>()
  /** Keys of the objects of each proxy. */
  readonly #owned = new Map<string, Set<string>>()
  #revision = 0

  constructor(options: ProxyModelOptions) {
    this.#options = options
    this.#circumstances = new UpstreamCircumstances({ names: options.names, onUpstreamGone: () => {} })
  }

  /** Puts a line of a proxy's stream in force: all that it has (`isWhole`), or what changed. New names get up to two seconds to be answered first. */
  async take(owner: string, line: ModelLine, isWhole: boolean): Promise<void> {
    const before = this.#owned.get(owner) ?? new Set<string>()
    const upserts = line.upserts.filter(
      (object) => !isWhole || !isDeepEqual(this.#objects.get(keyOf(object))?.sent, object),
    )
    const removals: Patch['removals'][number][] = []
    if (isWhole) {
      const coming = new Set(line.upserts.map(keyOf))
      for (const key of before) {
        const gone = coming.has(key) ? undefined : this.#objects.get(key)?.sent
        if (gone !== undefined) removals.push({ kind: gone.kind, id: gone.id })
      }
    } else for (const gone of line.removals) if (before.has(keyOf(gone))) removals.push(gone)
    // names are asked for as they are seen
    for (const object of upserts) this.#adjust(object)
    await this.#circumstances.firstAnswers()
    this.#apply(
      upserts.map((sent) => ({ sent, serving: this.#adjust(sent) })),
      removals,
    )
    const owned = this.#owned.get(owner) ?? new Set<string>()
    for (const object of upserts) owned.add(keyOf(object))
    for (const gone of removals) owned.delete(keyOf(gone))
    this.#owned.set(owner, owned)
  }

  /** What these names stand for changed. */
  refresh(upstreamIds: readonly string[]): void {
    const changed: Known[] = []
    for (const id of upstreamIds) {
      const known = this.#objects.get(keyOf({ kind: 'upstream', id }))
      if (known === undefined) continue
      const serving = this.#adjust(known.sent)
      if (!isDeepEqual(serving, known.serving)) changed.push({ sent: known.sent, serving })
    }
    this.#apply(changed, [])
  }

  usersOf(question: Parameters<UpstreamCircumstances['usersOf']>[0]): readonly string[] {
    return this.#circumstances.usersOf(question)
  }

  #adjust(object: ModelObject): ModelObject {
    return object.kind === 'upstream' ? this.#circumstances.adjust(object, () => undefined) : object
  }

  #apply(upserts: readonly Known[], removals: Patch['removals']): void {
    if (upserts.length === 0 && removals.length === 0 && this.#revision > 0) return
    const { shared, send, onChange } = this.#options
    const replaced: ModelObject[] = []
    for (const { sent } of upserts) {
      const before = this.#objects.get(keyOf(sent))
      if (before !== undefined) replaced.push(before.serving)
    }
    for (const gone of removals) {
      const before = this.#objects.get(keyOf(gone))
      if (before !== undefined) replaced.push(before.serving)
    }
    const serving = upserts.map((known) => known.serving)
    const reservation = shared.reserve(replaced, serving)
    this.#revision++
    reservation.commit(this.#revision)
    for (const known of upserts) this.#objects.set(keyOf(known.sent), known)
    for (const gone of removals) this.#objects.delete(keyOf(gone))
    send({
      type: 'patch',
      revision: this.#revision,
      upserts: serving,
      removals,
      slots: reservation.slots,
      freed: reservation.freed,
      packed: null,
      slotTable: null,
      isFirst: true,
      isLast: true,
      isBulk: false,
    })
    const change = { upserts: serving, removals }
    this.#circumstances.noteChange(change)
    onChange(change)
  }
}

function keyOf({ kind, id }: { readonly kind: string; readonly id: string }): string {
  return `${kind}:${id}`
}
