import type {
  DocumentChange,
  DocumentStore,
  Fault,
  StoredDocument,
  Warning,
} from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { DialectSettings } from '../../dialect.ts'
import type { TencentCode, TencentFault } from '../faults.ts'
import type { Kind } from '../kinds.ts'
import { NETWORK } from '../references.ts'
import { refuseFaults } from './call-error.ts'
import type { Language } from './language.ts'
import { keyOf, Shelf } from './shelf.ts'
import { findUsers } from './users.ts'

export interface EditOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly language: Language
  readonly nowMs: number
  readonly author: string
  readonly message: string | null
}

interface Put {
  readonly kind: Kind
  readonly id: string
  readonly value: JsonObject
  /** Stands before the paths of its faults; '' where the call is about this document alone. */
  readonly label: string
  /** An upstream that stood in another network. */
  readonly isMoved: boolean
}

/** What a missing document is called in codes. */
const MISSING: Partial<Record<string, TencentCode>> = {
  upstreams: 'InvalidParameterValue.InvalidUpstream',
  services: 'ResourceNotFound.InvalidService',
  apis: 'ResourceNotFound.InvalidApi',
  plugins: 'ResourceNotFound.InvalidPlugin',
}

const WORDS: Partial<Record<string, string>> = {
  upstreams: 'upstream',
  services: 'service',
  apis: 'API',
  plugins: 'plugin',
}

/**
 * All that one call changes. It is checked as a whole and written in one commit, so nothing is ever half applied. Used inside `exclusive`; each
 * change says which revision it was made from, so that a writer elsewhere is noticed.
 */
export class Edit {
  readonly #options: EditOptions
  readonly #puts = new Map<string, Put>()
  readonly #changes = new Map<string, DocumentChange>()

  constructor(options: EditOptions) {
    this.#options = options
  }

  /** Stores a value, given without the times that the dialect sets. Gives it as it will stand there. */
  async put(kind: Kind, id: string, value: JsonObject, label = ''): Promise<JsonObject> {
    const { language, nowMs, store } = this.#options
    const previous = await store.get(keyOf(kind, id))
    const stored = language.prepare(kind, id, value, previous, nowMs)
    const name = `${kind}/${id}`
    const isMoved = previous !== undefined && previous.value[NETWORK] !== stored[NETWORK]
    this.#puts.set(name, { kind, id, value: stored, label, isMoved })
    this.#changes.set(name, {
      op: 'put',
      key: keyOf(kind, id),
      value: stored,
      expiresAtMs: null,
      expectedRevision: previous === undefined ? 0 : previous.modifiedRevision,
    })
    return stored
  }

  delete({ key, modifiedRevision }: StoredDocument): void {
    const name = `${key.kind}/${key.id}`
    this.#puts.delete(name)
    this.#changes.set(name, { op: 'delete', key, expectedRevision: modifiedRevision })
  }

  /** Throws CallError with every fault of what would be written. */
  async commit(): Promise<readonly Warning[]> {
    const faults = [...this.#validate(), ...(await this.#checkReferences())]
    if (faults.length > 0) throw refuseFaults(faults)
    if (this.#changes.size === 0) return []
    const { author, message, store } = this.#options
    const result = await store.write([...this.#changes.values()], { author, message })
    return result.warnings
  }

  #validate(): Fault[] {
    const { language, settings } = this.#options
    return [...this.#puts.values()].flatMap(({ kind, value, label }) =>
      language.validate(kind, value, settings).map((fault) => labelled(fault, label)),
    )
  }

  /** What the new documents name, and what stands and names one of them. */
  async #checkReferences(): Promise<Fault[]> {
    const faults: Fault[] = []
    for (const put of this.#puts.values()) {
      faults.push(...(await this.#checkOutward(put)))
      if (put.kind === 'upstreams' && put.isMoved) faults.push(...(await this.#checkInward(put)))
    }
    return faults
  }

  async #checkOutward({ kind, value, label }: Put): Promise<Fault[]> {
    const faults: Fault[] = []
    for (const { kind: namedKind, id, path, mustExist, refuse } of this.#options.language.references(
      kind,
      value,
    )) {
      const named = await this.#find(namedKind as Kind, id)
      const reason = named === undefined ? null : (refuse?.(named) ?? null)
      const message =
        named === undefined && mustExist ? `there is no ${WORDS[namedKind] ?? namedKind} ${id}` : reason
      if (message === null) continue
      const fault: TencentFault = {
        path,
        message,
        hint: null,
        code: MISSING[namedKind] ?? 'InvalidParameterValue',
      }
      faults.push(labelled(fault, label))
    }
    return faults
  }

  /** An upstream that changes its network would be another one to those that name it. */
  async #checkInward({ kind, id, value }: Put): Promise<Fault[]> {
    const { language, store } = this.#options
    const users = await findUsers(new Shelf(store), language, { kind, id }, [
      'apis',
      'released_apis',
      'plugins',
    ])
    return users.flatMap(({ document, reference }) => {
      const reason = reference.refuse?.(value) ?? null
      if (reason === null) return []
      const fault: TencentFault = {
        path: `${document.key.id} ${reference.path}`,
        message: reason,
        hint: null,
        code: 'InvalidParameterValue.InvalidUpstream',
      }
      return [fault]
    })
  }

  async #find(kind: Kind, id: string): Promise<JsonObject | undefined> {
    const change = this.#changes.get(`${kind}/${id}`)
    if (change !== undefined) return change.op === 'put' ? change.value : undefined
    return (await this.#options.store.get(keyOf(kind, id)))?.value
  }
}

function labelled<F extends Fault>(fault: F, label: string): F {
  return label === '' ? fault : { ...fault, path: fault.path === '' ? label : `${label} ${fault.path}` }
}
