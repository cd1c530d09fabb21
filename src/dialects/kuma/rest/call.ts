import type { DocumentChange, DocumentStore, StoredDocument, Warning } from '../../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { checkValue } from '../../../model/safe-json.ts'
import type { DialectSettings, RestRequest, RestView } from '../../dialect.ts'
import { documentId, type Kind, KUMA } from '../kinds.ts'
import { badRequest } from './call-error.ts'

export interface CallOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly view: RestView | undefined
  /** Milliseconds since the epoch; of the start, for proxies that run in this process. */
  readonly nowMs: number
  readonly startedAtMs: number
  readonly request: RestRequest
}

/** One call: what it asks, and what it reads and writes. */
export class Call {
  readonly options: CallOptions
  /** Of the query as sent: names may stand several times. */
  readonly query: URLSearchParams
  warnings: readonly Warning[] = []

  constructor(options: CallOptions) {
    this.options = options
    this.query = new URLSearchParams(options.request.search)
  }

  /** The body as an object. Throws 400. */
  body(): JsonObject {
    const { request, settings } = this.options
    let value: JsonValue
    try {
      value = JSON.parse(request.body) as JsonValue
    } catch (error) {
      throw badRequest(`the body is no JSON: ${error instanceof Error ? error.message : String(error)}`)
    }
    const reason = checkValue(value, settings.limits.maxJsonDepth)
    if (reason !== null) throw badRequest(reason)
    if (!isJsonObject(value)) throw badRequest('the body must be an object: one resource')
    return value
  }

  find(kind: Kind, mesh: string, name: string): Promise<StoredDocument | undefined> {
    return this.options.store.get({ dialect: KUMA, kind, id: documentId(kind, mesh, name) })
  }

  /** `mesh` null: those of all meshes. In the order of their meshes and names. */
  async list(kind: Kind, mesh: string | null): Promise<readonly StoredDocument[]> {
    const all = await this.options.store.list(KUMA, kind)
    if (mesh === null || kind === 'meshes') return all
    const prefix = `${mesh}:`
    return all.filter(({ key }) => key.id.startsWith(prefix))
  }

  async write(changes: readonly DocumentChange[]): Promise<void> {
    const { store, request } = this.options
    const message = request.headers['x-headgate-message'] ?? null
    const { warnings } = await store.write(changes, { author: request.author, message })
    this.warnings = warnings
  }
}
