import type { Dialect } from '../dialects/dialect.ts'
import { type ChangeOutcome, MAX_FAULTS } from '../gateway/change-documents.ts'
import type { DocumentKey, StoredDocument, WriteNote } from '../model/document.ts'
import type { JsonValue } from '../model/json.ts'
import { suggest } from '../model/suggest.ts'
import type { AdminControl } from './admin-control.ts'
import type { OwnCall, QueryParameter } from './endpoint.ts'
import { type Answer, problem } from './problem.ts'

/** What the endpoints on documents have in common: names in paths, conditions, notes, faults. */

export interface NamedDocument {
  readonly dialect: Dialect
  readonly key: DocumentKey
}

/** The document that the path names; an answer where there can be none. */
export function readKey(control: AdminControl, call: OwnCall): NamedDocument | Answer {
  const { dialect: name = '', kind = '', id = '' } = call.params
  const dialect = control.dialects.find((known) => known.name === name)
  if (dialect === undefined) return unknownDialect(control, name)
  if (!dialect.kinds.includes(kind)) return unknownKind(dialect, kind)
  if (id === '') return problem('NOT_FOUND', 'the id is empty')
  return { dialect, key: { dialect: name, kind, id } }
}

export function isAnswer<T extends object>(value: T | Answer): value is Answer {
  return 'status' in value && 'body' in value
}

export function unknownDialect(control: AdminControl, name: string): Answer {
  const known = control.dialects.map((dialect) => dialect.name)
  return problem('NOT_FOUND', `no dialect is called ${name}${meant(name, known)}`)
}

export function unknownKind(dialect: Dialect, kind: string): Answer {
  return problem('NOT_FOUND', `${dialect.name} has no kind ${kind}${meant(kind, dialect.kinds)}`)
}

function meant(word: string, known: readonly string[]): string {
  const near = suggest(word, known)
  return near === null ? `; there are: ${known.join(', ')}` : `; did you mean ${near}?`
}

export function missing({ key }: NamedDocument): Answer {
  return problem('DOCUMENT_NOT_FOUND', `there is no ${key.dialect}/${key.kind}/${key.id}`)
}

/** The body as JSON; an answer if it is none. */
export function readJson(call: OwnCall): { readonly value: JsonValue } | Answer {
  if (call.body === '') return problem('BAD_BODY', 'the body is empty')
  try {
    return { value: JSON.parse(call.body) as JsonValue }
  } catch (error) {
    return problem(
      'BAD_BODY',
      `the body is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** Characters of a message for the history. */
export const MAX_MESSAGE = 1_000

export const MESSAGE_PARAMETER: QueryParameter = {
  name: 'message',
  description: 'Why, for the history',
  schema: { type: 'string', maxLength: MAX_MESSAGE },
}

export const DRY_RUN_PARAMETER: QueryParameter = {
  name: 'dryRun',
  description: 'Check and tell what would happen; change nothing',
  schema: { type: 'boolean', default: false },
}

/** Who and why, for the history; an answer if the message is too long. */
export function readNote(call: OwnCall, message: string | undefined): WriteNote | Answer {
  if (message !== undefined && message.length > MAX_MESSAGE) {
    return problem('BAD_QUERY', `message: at most ${MAX_MESSAGE} characters`)
  }
  return { author: call.owner?.name ?? '', message: message === undefined || message === '' ? null : message }
}

/** `true`, `false` or absent (false). */
export function readFlag(call: OwnCall, name: string): boolean | Answer {
  const text = call.query.get(name)
  if (text === undefined || text === 'false') return false
  return text === 'true' ? true : problem('BAD_QUERY', `${name} must be true or false`)
}

export function tagOf(document: StoredDocument): string {
  return `"${document.modifiedRevision}"`
}

/** If-Match and If-None-Match (RFC 9110, 13.1); an answer if one of them does not hold. */
export function checkConditions(call: OwnCall, stored: StoredDocument | undefined): Answer | null {
  const wanted = call.headers['if-match']
  const unwanted = call.headers['if-none-match']
  const isRefused =
    (wanted !== undefined && !matches(wanted, stored)) ||
    (unwanted !== undefined && matches(unwanted, stored))
  if (!isRefused) return null
  return problem(
    'PRECONDITION_FAILED',
    stored === undefined ? 'it does not exist' : `it is at revision ${stored.modifiedRevision}`,
  )
}

function matches(field: string, stored: StoredDocument | undefined): boolean {
  if (stored === undefined) return false
  const tag = String(stored.modifiedRevision)
  return field.split(',').some((entry) => {
    const text = entry.trim().replace(/^W\//, '').replaceAll('"', '')
    return text === '*' || text === tag
  })
}

/** Every fault with its document, and the first one in words. */
export function refuse(outcome: ChangeOutcome & { readonly kind: 'refused' }): Answer {
  const { faults, isInUse } = outcome
  const [first] = faults
  const place = first === undefined ? '' : `${first.key.dialect}/${first.key.kind}/${first.key.id}`
  const path = first === undefined || first.path === '' ? '' : ` ${first.path}`
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const detail = `${place}${path}: ${first?.message ?? ''}${more}`
  const list = faults.map(({ key, ...fault }) => ({ ...key, ...fault }))
  return problem(
    isInUse ? 'DOCUMENT_IN_USE' : 'INVALID_DOCUMENT',
    detail,
    {},
    {
      faults: list,
      isComplete: faults.length < MAX_FAULTS,
    },
  )
}
