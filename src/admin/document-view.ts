import { type Dialect, shownValue } from '../dialects/dialect.ts'
import type { ChangeResult } from '../gateway/document-change.ts'
import type { StoredDocument, Warning } from '../model/document.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { AdminControl } from './admin-control.ts'

/** How documents, changes and warnings look in our own API, and the schemas that describe them. */

const TEXT = { type: 'string' } as const
const TEXT_OR_NULL = { type: ['string', 'null'] } as const
const REVISION = { type: 'integer', minimum: 0 } as const

const KEY_PROPERTIES: JsonObject = {
  dialect: { ...TEXT, description: 'The language it is written in: apisix, native' },
  kind: { ...TEXT, description: "The dialect's collection, plural: routes, upstreams" },
  id: TEXT,
}

export const DOCUMENT_SCHEMA: JsonObject = {
  type: 'object',
  required: ['dialect', 'kind', 'id', 'state', 'createdRevision', 'modifiedRevision'],
  properties: {
    ...KEY_PROPERTIES,
    name: { ...TEXT_OR_NULL, description: 'Its `name`, if it has one' },
    labels: { type: 'object', additionalProperties: TEXT },
    state: { type: 'string', enum: ['accepted', 'degraded', 'rejected'] },
    reasons: { type: 'array', items: { type: 'object' }, description: 'Why it is rejected' },
    warnings: { type: 'array', items: { type: 'object' }, description: 'What of it has no effect' },
    sinceMs: { type: ['number', 'null'], description: 'Since when it is in this state, ms since 1970' },
    createdRevision: REVISION,
    modifiedRevision: REVISION,
    expiresAtMs: { type: ['number', 'null'] },
    place: { ...TEXT_OR_NULL, description: 'file:line:column, where it comes from a file' },
    value: { type: 'object', description: 'As its author wrote it' },
    usedBy: { type: 'array', items: { type: 'object' }, description: 'Documents that name it, and where' },
  },
}

export const CHANGE_SCHEMA: JsonObject = {
  type: 'object',
  required: ['dialect', 'kind', 'id', 'result'],
  properties: {
    ...KEY_PROPERTIES,
    result: { type: 'string', enum: ['created', 'changed', 'unchanged', 'deleted', 'absent'] },
    before: { type: ['object', 'null'] },
    after: { type: ['object', 'null'] },
  },
}

export const WARNING_SCHEMA: JsonObject = {
  type: 'object',
  required: ['dialect', 'kind', 'id', 'path', 'message'],
  properties: { ...KEY_PROPERTIES, path: TEXT, message: TEXT },
}

export function viewDocument(
  control: AdminControl,
  dialect: Dialect,
  document: StoredDocument,
  hasValue: boolean,
): object {
  const { key, createdRevision, modifiedRevision, expiresAtMs } = document
  const status = control.documentStatus(key)
  const value = shownValue(dialect, key.kind, document.value)
  return {
    dialect: key.dialect,
    kind: key.kind,
    id: key.id,
    name: nameOf(value),
    labels: labelsOf(value),
    // one that nothing is known of yet has just been accepted by the write that brought it
    state: status === undefined ? 'accepted' : status.state,
    reasons: status === undefined ? [] : status.reasons,
    warnings: (status === undefined ? [] : status.warnings).map(({ path, message }) => ({ path, message })),
    sinceMs: status === undefined ? null : status.sinceMs,
    createdRevision,
    modifiedRevision,
    expiresAtMs,
    place: control.placeOf(key, ''),
    ...(hasValue ? { value } : {}),
  }
}

export function nameOf(value: JsonObject): string | null {
  return typeof value.name === 'string' ? value.name : null
}

/** The document's `labels`, where it has any that are texts. */
export function labelsOf(value: JsonObject): Readonly<Record<string, string>> {
  if (!isJsonObject(value.labels)) return {}
  return Object.fromEntries(
    Object.entries(value.labels).filter((label): label is [string, string] => typeof label[1] === 'string'),
  )
}

/** `before` and `after` are left out where they are not asked for, and where nothing changed. */
export function viewChange({ key, result, before, after }: ChangeResult, hasValues: boolean): object {
  const isShown = hasValues && result !== 'unchanged' && result !== 'absent'
  return { ...key, result, ...(isShown ? { before, after } : {}) }
}

/** Warnings that are listed at most. */
const MAX_WARNINGS = 1_000

export function viewWarnings(warnings: readonly Warning[]): object[] {
  return warnings.slice(0, MAX_WARNINGS).map(({ key, path, message }) => ({ ...key, path, message }))
}
