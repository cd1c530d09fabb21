import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { kuma } from '../dialects/kuma/index.ts'
import type { DocumentEdit } from '../gateway/reconcile.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentChange, DocumentKey, StoredDocument } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { ToProxy } from '../model/proxy-link.ts'
import type { MeshDocuments } from './mesh-control.ts'

export { kuma }

export const SETTINGS = {
  ...DEFAULT_SETTINGS,
  kuma: { ...DEFAULT_SETTINGS.kuma, listen: '127.0.0.1:0', dataplanes: ['all'] },
}

let revision = 0

/** A document as it is stored. */
export function stored(kind: string, id: string, value: JsonObject): StoredDocument {
  revision++
  return {
    key: { dialect: 'kuma', kind, id },
    value: kuma.prepare(kind, id, value, undefined, revision),
    createdRevision: revision,
    modifiedRevision: revision,
    expiresAtMs: null,
  }
}

export const MESH = stored('meshes', 'default', { type: 'Mesh', name: 'default' })

/** A proxy `name` with an inbound of `service`, and an outbound to each of some services, all at addresses of its own. */
export function proxyValue(
  name: string,
  service: string,
  outbounds: readonly string[] = [],
  more: JsonObject = {},
  address = '127.0.0.1',
): JsonObject {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name,
    networking: {
      address,
      inbound: [
        {
          port: 9000,
          servicePort: 8000,
          serviceAddress: '127.0.0.1',
          tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' },
          ...more,
        },
      ],
      outbound: outbounds.map((to, i) => ({ port: 10_001 + i, tags: { 'kuma.io/service': to } })),
    },
  }
}

export function proxyDocument(name: string, service: string, ...rest: [(readonly string[])?, JsonObject?]) {
  return stored('dataplanes', `default:${name}`, proxyValue(name, service, ...rest))
}

/** A route from everybody to a service, whose requests it marks with the text. */
export function routeDocument(name: string, service: string, split: readonly JsonObject[]): StoredDocument {
  return stored('traffic-routes', `default:${name}`, {
    type: 'TrafficRoute',
    mesh: 'default',
    name,
    sources: [{ match: { 'kuma.io/service': '*' } }],
    destinations: [{ match: { 'kuma.io/service': service } }],
    conf: { split: [...split] },
  })
}

export const edit = (document: StoredDocument): DocumentEdit => ({ key: document.key, document })

/** Takes lines as an answer of HTTP does; full for as long as a test says. */
export class FakeSink extends EventEmitter {
  readonly lines: ToProxy[] = []
  isFull = false
  isEnded = false
  destroyed = false
  bytes = 0

  write(text: string): boolean {
    this.bytes += text.length
    for (const line of text.trim().split('\n')) this.lines.push(JSON.parse(line))
    return !this.isFull
  }

  end(): this {
    if (this.isEnded) return this
    this.isEnded = true
    this.emit('close')
    return this
  }

  destroy(): this {
    this.destroyed = true
    return this.end()
  }

  drain(): void {
    this.isFull = false
    this.emit('drain')
  }

  /** The lines since the last call. */
  take(): readonly ToProxy[] {
    return this.lines.splice(0)
  }

  asResponse(): ServerResponse {
    return this as unknown as ServerResponse
  }
}

/** Documents in memory. */
export class FakeDocuments implements MeshDocuments {
  readOnly: string | null = null
  readonly all = new Map<string, StoredDocument>()
  readonly #listeners = new Set<(edits: readonly DocumentEdit[]) => void>()
  #work: Promise<unknown> = Promise.resolve()

  constructor(documents: readonly StoredDocument[] = []) {
    for (const document of documents) this.all.set(nameOf(document.key), document)
  }

  revision(): number {
    return revision
  }
  get(key: DocumentKey): Promise<StoredDocument | undefined> {
    return Promise.resolve(this.all.get(nameOf(key)))
  }
  list(): Promise<readonly StoredDocument[]> {
    return Promise.resolve([...this.all.values()])
  }
  subscribe(listener: (edits: readonly DocumentEdit[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => {})
    return done
  }
  write(changes: readonly DocumentChange[]) {
    const edits = changes.map((change): DocumentEdit => {
      if (change.op === 'delete') {
        this.all.delete(nameOf(change.key))
        return { key: change.key, document: undefined }
      }
      const document = { ...stored(change.key.kind, change.key.id, {}), value: change.value }
      this.all.set(nameOf(change.key), document)
      return { key: change.key, document }
    })
    for (const listener of this.#listeners) listener(edits)
    return Promise.resolve({ revision, documents: edits.map(({ document }) => document), warnings: [] })
  }
  valueOf(id: string): JsonObject | undefined {
    return this.all.get(`dataplanes/${id}`)?.value
  }
}

function nameOf({ kind, id }: DocumentKey): string {
  return `${kind}/${id}`
}
