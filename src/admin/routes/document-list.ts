import { type Dialect, shownValue } from '../../dialects/dialect.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { escapeHoles } from '../../model/literal-holes.ts'
import type { AdminControl } from '../admin-control.ts'
import { isAnswer, readFlag, unknownDialect, unknownKind } from '../document-calls.ts'
import { DOCUMENT_SCHEMA, labelsOf, nameOf, viewDocument } from '../document-view.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

const MAX_LIST = 5_000
const DEFAULT_LIST = 100
const STATES = ['accepted', 'degraded', 'rejected']

const DIALECT_PARAMETER = {
  name: 'dialect',
  description: 'Documents of this dialect',
  schema: { type: 'string' },
} as const

/** Documents of all dialects: lists, and all of them as files. */
export function documentListEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/headgate/v1/documents',
      summary: 'List documents of all dialects with their states, ordered by dialect, kind and id',
      isWrite: false,
      query: [
        DIALECT_PARAMETER,
        { name: 'kind', description: 'Documents of this kind (plural)', schema: { type: 'string' } },
        {
          name: 'label',
          description: 'Only with this label, or with this value of it: `team=web`; several with a comma',
          schema: { type: 'string' },
        },
        { name: 'name', description: 'Part of the name or id; case is ignored', schema: { type: 'string' } },
        { name: 'state', description: 'Only in this state', schema: { type: 'string', enum: STATES } },
        {
          name: 'values',
          description: 'false: without the documents themselves',
          schema: { type: 'boolean', default: true },
        },
        {
          name: 'limit',
          description: 'Documents at most',
          schema: { type: 'integer', minimum: 1, maximum: MAX_LIST, default: DEFAULT_LIST },
        },
        {
          name: 'after',
          description: 'Only what comes behind this one: `next` of the page before',
          schema: { type: 'string' },
        },
      ],
      answer: {
        type: 'object',
        required: ['list', 'total', 'next', 'revision'],
        properties: {
          list: { type: 'array', items: DOCUMENT_SCHEMA },
          total: { type: 'integer', description: 'How many there are, on all pages' },
          next: { type: ['string', 'null'], description: 'For `after`; null: this is the last page' },
          revision: { type: 'integer', description: 'Revision in force' },
        },
      },
      handle: (call) => answerList(control, call),
    },
    {
      method: 'GET',
      path: '/headgate/v1/export',
      summary: 'Export documents as files have them: apply reads them back to the same',
      isWrite: false,
      query: [DIALECT_PARAMETER],
      answerType: 'application/yaml',
      handle: (call) => answerExport(control, call),
    },
  ]
}

type Test = (document: StoredDocument, value: JsonObject) => boolean

async function answerList(control: AdminControl, call: OwnCall): Promise<Answer> {
  const { query } = call
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? DEFAULT_LIST
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  const hasValues = query.has('values') ? readFlag(call, 'values') : true
  if (typeof hasValues !== 'boolean') return hasValues
  const chosen = chooseDialects(control, query.get('dialect'))
  if (isAnswer(chosen)) return chosen
  const kind = query.get('kind')
  if (kind !== undefined && !chosen.some((dialect) => dialect.kinds.includes(kind))) {
    const [first] = chosen
    return first !== undefined && chosen.length === 1
      ? unknownKind(first, kind)
      : problem('BAD_QUERY', `no dialect has a kind ${kind}`)
  }
  const tests = readTests(control, query)
  if (isAnswer(tests)) return tests
  const after = readCursor(query.get('after'))
  if (after === 'bad') return problem('BAD_QUERY', 'after: take `next` of the page before')

  const list: object[] = []
  let total = 0
  let next: string | null = null
  let isBehind = after === null
  for (const dialect of chosen) {
    for (const each of dialect.kinds) {
      if (kind !== undefined && each !== kind) continue
      const isCursorHere = after !== null && after.dialect === dialect.name && after.kind === each
      for (const document of await control.documents.list(dialect.name, each)) {
        if (!tests.every((test) => test(document, document.value))) continue
        total++
        if (!isBehind && !(isCursorHere && document.key.id > after.id)) continue
        if (list.length === limit)
          next ??= cursorOf(list.at(-1) as { dialect: string; kind: string; id: string })
        else list.push(viewDocument(control, dialect, document, hasValues))
      }
      if (isCursorHere) isBehind = true
    }
  }
  return answerJson({ list, total, next, revision: control.documents.revision() })
}

function chooseDialects(control: AdminControl, name: string | undefined): readonly Dialect[] | Answer {
  if (name === undefined) return control.dialects
  const found = control.dialects.filter((dialect) => dialect.name === name)
  return found.length === 0 ? unknownDialect(control, name) : found
}

function readTests(control: AdminControl, query: ReadonlyMap<string, string>): readonly Test[] | Answer {
  const tests: Test[] = []
  for (const part of (query.get('label') ?? '').split(',').filter((text) => text !== '')) {
    const equals = part.indexOf('=')
    const label = equals < 0 ? part : part.slice(0, equals)
    if (label === '') return problem('BAD_QUERY', 'label: name=value, or a name alone')
    const wanted = equals < 0 ? null : part.slice(equals + 1)
    tests.push((_, value) => {
      const labels = labelsOf(value)
      return Object.hasOwn(labels, label) && (wanted === null || labels[label] === wanted)
    })
  }
  const name = query.get('name')?.toLowerCase()
  if (name !== undefined) {
    tests.push(
      ({ key }, value) =>
        key.id.toLowerCase().includes(name) || (nameOf(value) ?? '').toLowerCase().includes(name),
    )
  }
  const state = query.get('state')
  if (state !== undefined) {
    if (!STATES.includes(state)) return problem('BAD_QUERY', `state must be one of ${STATES.join(', ')}`)
    tests.push(({ key }) => (control.documentStatus(key)?.state ?? 'accepted') === state)
  }
  return tests
}

interface Cursor {
  readonly dialect: string
  readonly kind: string
  readonly id: string
}

function cursorOf({ dialect, kind, id }: Cursor): string {
  return `${dialect}/${kind}/${id}`
}

/** An id may hold slashes, the names before it hold none. */
function readCursor(text: string | undefined): Cursor | null | 'bad' {
  if (text === undefined) return null
  const parts = /^([^/]+)\/([^/]+)\/(.+)$/s.exec(text)
  if (parts === null) return 'bad'
  const [, dialect = '', kind = '', id = ''] = parts
  return { dialect, kind, id }
}

async function answerExport(control: AdminControl, call: OwnCall): Promise<Answer> {
  const chosen = chooseDialects(control, call.query.get('dialect'))
  if (isAnswer(chosen)) return chosen
  const texts: string[] = []
  for (const dialect of chosen) {
    const documents = []
    for (const kind of dialect.kinds) {
      for (const { key, value } of await control.documents.list(dialect.name, kind)) {
        documents.push({ kind, id: key.id, value: escapeHoles(shownValue(dialect, kind, value)) })
      }
    }
    // one dialect alone is always told of, so that "nothing" is a file, too
    if (documents.length > 0 || chosen.length === 1) texts.push(dialect.writeFile(documents))
  }
  const [first] = control.dialects
  const body = texts.length > 0 || first === undefined ? texts.join('---\n') : first.writeFile([])
  return { status: 200, headers: { 'content-type': 'application/yaml; charset=utf-8' }, body }
}
