import type { Dialect, Lookup } from '../../dialects/dialect.ts'
import type {
  ChangeOptions,
  ChangeOutcome,
  DocumentEditor,
  WantedChange,
} from '../../gateway/change-documents.ts'
import { type DocumentUser, findUsers } from '../../gateway/document-references.ts'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject } from '../../model/json.ts'
import { mergePatch } from '../../model/merge-patch.ts'
import { checkValue } from '../../model/safe-json.ts'
import type { AdminControl } from '../admin-control.ts'
import {
  checkConditions,
  DRY_RUN_PARAMETER,
  isAnswer,
  MESSAGE_PARAMETER,
  missing,
  type NamedDocument,
  readFlag,
  readJson,
  readKey,
  readNote,
  refuse,
  tagOf,
} from '../document-calls.ts'
import {
  CHANGE_SCHEMA,
  DOCUMENT_SCHEMA,
  viewChange,
  viewDocument,
  viewWarnings,
  WARNING_SCHEMA,
} from '../document-view.ts'
import { answerJson, type OwnCall, type OwnEndpoint } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

const PATH = '/headgate/v1/documents/:dialect/:kind/:id'

const FORCE_PARAMETER = {
  name: 'force',
  description: 'Delete it though others name it',
  schema: { type: 'boolean', default: false },
} as const

const CONDITIONS = [
  {
    name: 'If-Match',
    description: 'Only if the document is at this revision: the ETag of a read',
    schema: { type: 'string' },
  },
  {
    name: 'If-None-Match',
    description: '`*`: only if there is no such document',
    schema: { type: 'string' },
  },
] as const

/** One document of any dialect: read, replace, patch and delete. */
export function documentEndpoints(control: AdminControl, editor: DocumentEditor): readonly OwnEndpoint[] {
  const written = {
    type: 'object',
    required: ['revision', 'change', 'warnings'],
    properties: {
      revision: { type: 'integer' },
      dryRun: { type: 'boolean' },
      change: CHANGE_SCHEMA,
      warnings: { type: 'array', items: WARNING_SCHEMA },
    },
  } as const
  return [
    {
      method: 'GET',
      path: PATH,
      summary: 'Read a document, with its state; its ETag is for If-Match',
      isWrite: false,
      query: [
        {
          name: 'usedBy',
          description: 'List the documents that name it, too',
          schema: { type: 'boolean', default: false },
        },
      ],
      answer: DOCUMENT_SCHEMA,
      handle: (call) => answerOne(control, call),
    },
    {
      method: 'GET',
      path: `${PATH}/splits`,
      summary: 'List the splits that stand in a document, with their shares',
      isWrite: false,
      answer: {
        type: 'object',
        required: ['splits'],
        properties: { splits: { type: 'array', items: { type: 'object' } } },
      },
      handle: (call) => answerSplits(control, call),
    },
    {
      method: 'PUT',
      path: PATH,
      summary: 'Write a document (If-Match: only over that revision; If-None-Match: * only a new one)',
      isWrite: true,
      fields: CONDITIONS,
      also: { 201: 'It is new.' },
      query: [DRY_RUN_PARAMETER, MESSAGE_PARAMETER],
      body: {
        description: 'The document in the words of its dialect',
        schema: { type: 'object' },
        maxBytes: MAX_DOCUMENT_BYTES,
      },
      answer: written,
      handle: (call) => answerPut(control, editor, call),
    },
    {
      method: 'PATCH',
      path: PATH,
      summary: 'Change a document by a JSON Merge Patch (RFC 7396)',
      isWrite: true,
      fields: CONDITIONS,
      query: [DRY_RUN_PARAMETER, MESSAGE_PARAMETER],
      body: {
        description: 'What is different; null deletes a field',
        schema: { type: 'object' },
        maxBytes: MAX_DOCUMENT_BYTES,
      },
      answer: written,
      handle: (call) => answerPatch(control, editor, call),
    },
    {
      method: 'DELETE',
      path: PATH,
      summary: 'Delete a document that no other one names',
      isWrite: true,
      fields: CONDITIONS,
      query: [DRY_RUN_PARAMETER, MESSAGE_PARAMETER, FORCE_PARAMETER],
      answer: written,
      handle: (call) => answerDelete(control, editor, call),
    },
  ]
}

/** Bytes of one document: 8 MiB. */
const MAX_DOCUMENT_BYTES = 8_388_608

async function answerOne(control: AdminControl, call: OwnCall): Promise<Answer> {
  const named = readKey(control, call)
  if (isAnswer(named)) return named
  const hasUsers = readFlag(call, 'usedBy')
  if (typeof hasUsers !== 'boolean') return hasUsers
  const document = await control.documents.get(named.key)
  if (document === undefined) return missing(named)
  const view = viewDocument(control, named.dialect, document, true)
  const users = hasUsers ? { usedBy: await listUsers(control, named) } : {}
  const answer = answerJson({ ...view, ...users })
  return { ...answer, headers: { ...answer.headers, etag: tagOf(document) } }
}

async function listUsers(control: AdminControl, { key, dialect }: NamedDocument): Promise<object[]> {
  const name = `${key.dialect}/${key.kind}/${key.id}`
  const found = await findUsers(new Set([name]), control.documents, new Map([[dialect.name, dialect]]))
  return (found.get(name) ?? []).map((user: DocumentUser) => ({ ...user.key, path: user.path }))
}

async function answerSplits(control: AdminControl, call: OwnCall): Promise<Answer> {
  const named = readKey(control, call)
  if (isAnswer(named)) return named
  const document = await control.documents.get(named.key)
  if (document === undefined) return missing(named)
  const splits = named.dialect.splits(document, await lookupFor(control, named.dialect, document))
  const shown = splits.map(({ path, condition, targets }) => {
    const sum = targets.reduce((total, { weight }) => total + weight, 0)
    return {
      path,
      condition,
      targets: targets.map((target) => ({ ...target, share: sum === 0 ? 0 : target.weight / sum })),
    }
  })
  const answer = answerJson({ splits: shown })
  return { ...answer, headers: { ...answer.headers, etag: tagOf(document) } }
}

/** The documents that this one names and those that they name: enough to tell what its targets are called. */
async function lookupFor(control: AdminControl, dialect: Dialect, document: StoredDocument): Promise<Lookup> {
  const found = new Map<string, StoredDocument>()
  let waiting: StoredDocument[] = [document]
  for (let depth = 0; depth < 3 && waiting.length > 0; depth++) {
    const next: StoredDocument[] = []
    for (const { key, value } of waiting) {
      for (const { kind, id } of dialect.references(key.kind, value)) {
        if (found.has(`${kind}/${id}`)) continue
        const named = await control.documents.get({ dialect: dialect.name, kind, id })
        if (named === undefined) continue
        found.set(`${kind}/${id}`, named)
        next.push(named)
      }
    }
    waiting = next
  }
  return (kind, id) => found.get(`${kind}/${id}`)
}

type Work = (named: NamedDocument, stored: StoredDocument | undefined) => WantedChange | Answer

/** What PUT, PATCH and DELETE have in common: `work` says what is wanted of the document that stands. */
async function write(
  control: AdminControl,
  editor: DocumentEditor,
  call: OwnCall,
  work: Work,
): Promise<Answer> {
  const named = readKey(control, call)
  if (isAnswer(named)) return named
  const options = readOptions(call)
  if (isAnswer(options)) return options
  const outcome = await editor.edit<Answer>(async () => {
    const stored = await control.documents.get(named.key)
    const stale = checkConditions(call, stored)
    if (stale !== null) return { stop: stale }
    const wanted = work(named, stored)
    return isAnswer(wanted) ? { stop: wanted } : [wanted]
  }, options)
  if (outcome.kind === 'stopped') return outcome.stop
  if (outcome.kind === 'refused') return refuse(outcome)
  return answerWritten(control, named, outcome, options)
}

function readOptions(call: OwnCall): ChangeOptions | Answer {
  const note = readNote(call, call.query.get('message'))
  if (isAnswer(note)) return note
  const dryRun = readFlag(call, 'dryRun')
  if (typeof dryRun !== 'boolean') return dryRun
  const force = readFlag(call, 'force')
  if (typeof force !== 'boolean') return force
  return { note, dryRun, force }
}

async function answerWritten(
  control: AdminControl,
  { key }: NamedDocument,
  outcome: ChangeOutcome & { readonly kind: 'done' },
  { dryRun }: ChangeOptions,
): Promise<Answer> {
  const [result] = outcome.results
  if (result === undefined) return problem('INTERNAL')
  const { revision, warnings } = outcome
  const body = { revision, dryRun, change: viewChange(result, true), warnings: viewWarnings(warnings) }
  const answer = answerJson(body, result.result === 'created' && !dryRun ? 201 : 200)
  const stored = await control.documents.get(key)
  return stored === undefined ? answer : { ...answer, headers: { ...answer.headers, etag: tagOf(stored) } }
}

function answerPut(control: AdminControl, editor: DocumentEditor, call: OwnCall): Promise<Answer> | Answer {
  const body = readJson(call)
  if (isAnswer(body)) return body
  return write(control, editor, call, ({ key }) => ({ op: 'put', key, value: body.value }))
}

function answerPatch(control: AdminControl, editor: DocumentEditor, call: OwnCall): Promise<Answer> | Answer {
  const body = readJson(call)
  if (isAnswer(body)) return body
  const patch = body.value
  if (!isJsonObject(patch)) return problem('BAD_BODY', 'a merge patch for a document is an object')
  const unsafe = checkValue(patch, control.settings.limits.maxJsonDepth)
  if (unsafe !== null) return problem('BAD_BODY', unsafe)
  return write(control, editor, call, (named, stored) => {
    if (stored === undefined) return missing(named)
    const { key, dialect } = named
    return { op: 'put', key, value: mergePatch(dialect.editable(key.kind, stored.value), patch) }
  })
}

function answerDelete(control: AdminControl, editor: DocumentEditor, call: OwnCall): Promise<Answer> {
  return write(control, editor, call, (named, stored) =>
    stored === undefined ? missing(named) : { op: 'delete', key: named.key },
  )
}
