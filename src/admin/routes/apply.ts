import type { ChangeOptions, DocumentEditor, WantedChange } from '../../gateway/change-documents.ts'
import { planRollback } from '../../gateway/rollback.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { AdminControl } from '../admin-control.ts'
import { isAnswer, MAX_MESSAGE, readJson, readNote, refuse } from '../document-calls.ts'
import { CHANGE_SCHEMA, viewChange, viewWarnings, WARNING_SCHEMA } from '../document-view.ts'
import { answerJson, type OwnCall, type OwnEndpoint } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

/** Bytes of an apply: 64 MiB. */
export const MAX_APPLY_BYTES = 67_108_864
/** Documents of an apply, deletes included. */
export const MAX_APPLY_DOCUMENTS = 100_000

const KEY = {
  dialect: { type: 'string' },
  kind: { type: 'string' },
  id: { type: 'string' },
} as const

const CHANGES_BODY: JsonObject = {
  type: 'object',
  properties: {
    documents: {
      type: 'array',
      maxItems: MAX_APPLY_DOCUMENTS,
      description: 'Documents as they shall be',
      items: {
        type: 'object',
        required: ['dialect', 'kind', 'id', 'value'],
        properties: { ...KEY, value: { type: 'object' } },
        additionalProperties: false,
      },
    },
    deletes: {
      type: 'array',
      description: 'Documents that shall be gone',
      items: {
        type: 'object',
        required: ['dialect', 'kind', 'id'],
        properties: KEY,
        additionalProperties: false,
      },
    },
    values: { type: 'boolean', default: true, description: 'Answer with what stood before and stands after' },
  },
  additionalProperties: false,
}

const OUTCOME: JsonObject = {
  type: 'object',
  required: ['revision', 'dryRun', 'counts', 'documents', 'warnings'],
  properties: {
    revision: { type: 'integer', description: 'Revision in force afterwards' },
    dryRun: { type: 'boolean' },
    counts: { type: 'object', additionalProperties: { type: 'integer' } },
    documents: { type: 'array', items: CHANGE_SCHEMA },
    warnings: { type: 'array', items: WARNING_SCHEMA },
  },
}

/** Many documents at once: what would change, changing them as one revision, going back to an earlier one. */
export function applyEndpoints(control: AdminControl, editor: DocumentEditor): readonly OwnEndpoint[] {
  const message = { type: 'string', maxLength: MAX_MESSAGE, description: 'Why, for the history' } as const
  const dryRun = { type: 'boolean', default: false, description: 'Check and tell; change nothing' } as const
  const force = {
    type: 'boolean',
    default: false,
    description: 'Delete documents though others name them',
  } as const
  const applySchema: JsonObject = {
    ...CHANGES_BODY,
    properties: { ...(CHANGES_BODY.properties as JsonObject), dryRun, force, message },
  }
  return [
    {
      method: 'POST',
      path: '/headgate/v1/apply',
      summary: 'Write and delete many documents as one revision, all or nothing',
      isWrite: true,
      body: { description: 'What is wanted', schema: applySchema, maxBytes: MAX_APPLY_BYTES },
      answer: OUTCOME,
      handle: (call) => answerApply(editor, call),
    },
    {
      method: 'POST',
      path: '/headgate/v1/diff',
      summary: 'Tell what an apply of these documents would change; viewers may ask, too',
      isWrite: false,
      body: { description: 'What is wanted', schema: CHANGES_BODY, maxBytes: MAX_APPLY_BYTES },
      answer: OUTCOME,
      handle: (call) => answerDiff(editor, call),
    },
    {
      method: 'POST',
      path: '/headgate/v1/rollback',
      summary: 'Make all documents again what they were at an earlier revision, as a new one',
      isWrite: true,
      body: {
        description: 'The revision to go back to',
        schema: {
          type: 'object',
          required: ['revision'],
          properties: { revision: { type: 'integer', minimum: 0 }, dryRun, message },
          additionalProperties: false,
        },
      },
      answer: OUTCOME,
      handle: (call) => answerRollback(control, editor, call),
    },
  ]
}

interface Wish {
  readonly wanted: readonly WantedChange[]
  readonly hasValues: boolean
  readonly body: JsonObject
}

function readWish(call: OwnCall, fields: readonly string[]): Wish | Answer {
  const parsed = readJson(call)
  if (isAnswer(parsed)) return parsed
  const body = parsed.value
  if (!isJsonObject(body)) return problem('BAD_BODY', 'the body must be an object')
  const unknown = Object.keys(body).find((key) => !fields.includes(key))
  if (unknown !== undefined)
    return problem('BAD_BODY', `${unknown} is unknown; there are: ${fields.join(', ')}`)
  const documents = body.documents ?? []
  const deletes = body.deletes ?? []
  if (!Array.isArray(documents)) return problem('BAD_BODY', 'documents must be a list')
  if (!Array.isArray(deletes)) return problem('BAD_BODY', 'deletes must be a list')
  if (documents.length + deletes.length > MAX_APPLY_DOCUMENTS) {
    const sum = documents.length + deletes.length
    return problem(
      'BAD_BODY',
      `${sum} documents, at most ${MAX_APPLY_DOCUMENTS} at once; send them in several parts`,
    )
  }
  const wanted: WantedChange[] = []
  for (const [place, item] of (documents as readonly JsonValue[]).entries()) {
    const change = readItem(item, 'put')
    if (typeof change === 'string') return problem('BAD_BODY', `documents[${place}]${change}`)
    wanted.push(change)
  }
  for (const [place, item] of (deletes as readonly JsonValue[]).entries()) {
    const change = readItem(item, 'delete')
    if (typeof change === 'string') return problem('BAD_BODY', `deletes[${place}]${change}`)
    wanted.push(change)
  }
  const hasValues = readBoolean(body, 'values', true)
  if (typeof hasValues !== 'boolean') return hasValues
  return { wanted, hasValues, body }
}

/** A wanted change, or what is wrong with it. */
function readItem(item: JsonValue, op: 'put' | 'delete'): WantedChange | string {
  if (!isJsonObject(item)) return ' must be an object'
  for (const key of Object.keys(item)) {
    if (!['dialect', 'kind', 'id'].includes(key) && !(op === 'put' && key === 'value'))
      return `.${key} is unknown`
  }
  const { dialect, kind, id, value } = item
  if (typeof dialect !== 'string') return '.dialect must be a text'
  if (typeof kind !== 'string') return '.kind must be a text'
  if (typeof id !== 'string') return '.id must be a text'
  const key = { dialect, kind, id }
  if (op === 'delete') return { op, key }
  return value === undefined ? '.value is missing' : { op, key, value }
}

function readBoolean(body: JsonObject, name: string, otherwise: boolean): boolean | Answer {
  const value = body[name]
  if (value === undefined) return otherwise
  return typeof value === 'boolean' ? value : problem('BAD_BODY', `${name} must be true or false`)
}

function readOptions(call: OwnCall, body: JsonObject): ChangeOptions | Answer {
  const { message } = body
  if (message !== undefined && message !== null && typeof message !== 'string') {
    return problem('BAD_BODY', 'message must be a text')
  }
  const note = readNote(call, typeof message === 'string' ? message : undefined)
  if (isAnswer(note)) return note
  const dryRun = readBoolean(body, 'dryRun', false)
  if (typeof dryRun !== 'boolean') return dryRun
  const force = readBoolean(body, 'force', false)
  if (typeof force !== 'boolean') return force
  return { note, dryRun, force }
}

async function answerApply(editor: DocumentEditor, call: OwnCall): Promise<Answer> {
  const wish = readWish(call, ['documents', 'deletes', 'values', 'dryRun', 'force', 'message'])
  if (isAnswer(wish)) return wish
  const options = readOptions(call, wish.body)
  if (isAnswer(options)) return options
  return answerOutcome(await editor.change(wish.wanted, options), options.dryRun, wish.hasValues)
}

async function answerDiff(editor: DocumentEditor, call: OwnCall): Promise<Answer> {
  const wish = readWish(call, ['documents', 'deletes', 'values'])
  if (isAnswer(wish)) return wish
  const options = { note: { author: '', message: null }, dryRun: true, force: false }
  return answerOutcome(await editor.change(wish.wanted, options), true, wish.hasValues)
}

function answerOutcome(
  outcome: Awaited<ReturnType<DocumentEditor['change']>>,
  dryRun: boolean,
  hasValues: boolean,
): Answer {
  if (outcome.kind === 'refused') return refuse(outcome)
  const counts = { created: 0, changed: 0, unchanged: 0, deleted: 0, absent: 0 }
  for (const { result } of outcome.results) counts[result]++
  return answerJson({
    revision: outcome.revision,
    dryRun,
    counts,
    documents: outcome.results.map((result) => viewChange(result, hasValues)),
    warnings: viewWarnings(outcome.warnings),
  })
}

async function answerRollback(control: AdminControl, editor: DocumentEditor, call: OwnCall): Promise<Answer> {
  const parsed = readJson(call)
  if (isAnswer(parsed)) return parsed
  const body = parsed.value
  if (!isJsonObject(body)) return problem('BAD_BODY', 'the body must be an object')
  const unknown = Object.keys(body).find((key) => !['revision', 'dryRun', 'message'].includes(key))
  if (unknown !== undefined)
    return problem('BAD_BODY', `${unknown} is unknown; there are: revision, dryRun, message`)
  const { revision } = body
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0) {
    return problem('BAD_BODY', 'revision must be a whole number from 0 on')
  }
  const options = readOptions(call, body)
  if (isAnswer(options)) return options
  const message = options.note.message ?? `rollback to revision ${revision}`
  const dialects = new Map(control.dialects.map((dialect) => [dialect.name, dialect]))
  const outcome = await editor.edit<Answer>(
    async () => {
      const current = control.documents.revision()
      if (revision > current) {
        return { stop: problem('BAD_BODY', `revision ${revision} is yet to come; the newest is ${current}`) }
      }
      const plan = await planRollback(revision, current, control.history, dialects)
      if (plan.kind === 'changes') return plan.wanted
      const detail = `what stood at revision ${revision} is no longer known; the earliest to go back to is ${plan.oldest}`
      return { stop: problem('REVISION_FORGOTTEN', detail) }
    },
    { ...options, note: { ...options.note, message } },
  )
  return outcome.kind === 'stopped' ? outcome.stop : answerOutcome(outcome, options.dryRun, true)
}
