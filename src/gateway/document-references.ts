import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dialect } from '../dialects/dialect.ts'
import type { DocumentKey, DocumentStore } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { DocumentFault, LookedAt } from './document-change.ts'
import { documentName } from './mirror.ts'

/** Documents are looked at in portions of so many; in between the thread does what else waits. */
const PORTION = 500

/**
 * References that would lead nowhere after the changes: those of documents that are written, and those that stay behind to a document that
 * is deleted (not with `force`). What was broken before and is not touched is nobody's fault now.
 */
export async function findBrokenReferences(
  changes: readonly LookedAt[],
  store: DocumentStore,
  dialects: ReadonlyMap<string, Dialect>,
  force: boolean,
): Promise<DocumentFault[]> {
  const coming = new Map<string, LookedAt>()
  for (const one of changes) coming.set(documentName(one.change.key), one)
  const find = async (key: DocumentKey): Promise<JsonObject | undefined> => {
    const one = coming.get(documentName(key))
    if (one === undefined) return (await store.get(key))?.value
    return one.change.op === 'put' ? one.change.value : undefined
  }
  const faults: DocumentFault[] = []
  let seen = 0
  for (const { index, change } of changes) {
    if (change.op === 'delete') continue
    if (++seen % PORTION === 0) await nextTurn()
    const { dialect, kind } = change.key
    for (const reference of dialects.get(dialect)?.references(kind, change.value) ?? []) {
      if (!reference.mustExist) continue
      const named = { dialect, kind: reference.kind, id: reference.id }
      const found = await find(named)
      if (found !== undefined) {
        const refusal = reference.refuse?.(found) ?? null
        if (refusal === null) continue
        const message = `${documentName(named)}: ${refusal}`
        faults.push({ path: reference.path, message, hint: null, index, key: change.key })
        continue
      }
      const message = `there is no ${documentName(named)}`
      const hint = 'send it along, or write it first'
      faults.push({ path: reference.path, message, hint, index, key: change.key })
    }
  }
  const deleted = changes.filter(({ change }) => change.op === 'delete')
  if (deleted.length === 0 || force) return faults
  const users = await findUsers(
    new Set(deleted.map(({ change }) => documentName(change.key))),
    store,
    dialects,
    {
      coming,
    },
  )
  for (const { index, change } of deleted) {
    for (const { key, path } of users.get(documentName(change.key)) ?? []) {
      const message = `${documentName(key)} still uses it (${path})`
      faults.push({ path: '', message, hint: 'change or delete that one, too', index, key: change.key })
    }
  }
  return faults
}

/** A document that names another one, and where. */
export interface DocumentUser {
  readonly key: DocumentKey
  readonly path: string
}

/** Users that are listed of one document at most. */
const MAX_USERS = 20

/**
 * Who names the documents, by their names (`dialect/kind/id`): as things stand or, with `coming`, as they will be. At most MAX_USERS for
 * each. Looks at every document of the dialects concerned.
 */
export async function findUsers(
  names: ReadonlySet<string>,
  store: DocumentStore,
  dialects: ReadonlyMap<string, Dialect>,
  options: { readonly coming?: ReadonlyMap<string, LookedAt> } = {},
): Promise<Map<string, DocumentUser[]>> {
  const users = new Map<string, DocumentUser[]>()
  const note = (dialect: Dialect, key: DocumentKey, value: Parameters<Dialect['references']>[1]): void => {
    for (const { kind, id, path } of dialect.references(key.kind, value)) {
      const name = documentName({ dialect: key.dialect, kind, id })
      if (!names.has(name)) continue
      const list = users.get(name)
      if (list === undefined) users.set(name, [{ key, path }])
      else if (list.length < MAX_USERS) list.push({ key, path })
    }
  }
  let seen = 0
  for (const dialect of dialects.values()) {
    const prefix = `${dialect.name}/`
    if (![...names].some((name) => name.startsWith(prefix))) continue
    for (const kind of dialect.kinds) {
      for (const { key, value } of await store.list(dialect.name, kind)) {
        if (++seen % PORTION === 0) await nextTurn()
        const change = options.coming?.get(documentName(key))?.change
        if (change === undefined) note(dialect, key, value)
      }
    }
  }
  for (const { change } of options.coming?.values() ?? []) {
    if (change.op !== 'put') continue
    const dialect = dialects.get(change.key.dialect)
    if (dialect !== undefined) note(dialect, change.key, change.value)
  }
  return users
}
