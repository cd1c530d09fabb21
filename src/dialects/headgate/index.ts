import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { ENDPOINT_STATES, OWN_DIALECT, STATES } from '../../model/operator-states.ts'
import type { Surface } from '../../model/surface.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { Dialect, FileDocument, FileDocuments } from '../dialect.ts'

/** Entries of one document. */
const MAX_STATES = 10_000
const MAX_NOTE = 1000

/** It has no routes; this stands where sections ask for it all the same. */
const SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {},
  statuses: {},
  answersEmpty: false,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}

/**
 * What operators say while the gateway runs, kept as documents so that it has a history, travels and is exported as all others. It makes no objects of the
 * model: the states shape those of the upstreams they are about (gateway/circumstances.ts).
 */
export const own: Dialect = {
  name: OWN_DIALECT,
  kinds: [ENDPOINT_STATES],
  surface: () => SURFACE,
  validate: (_kind, value) => validateStates(value),
  translate: () => ({ objects: [], warnings: [] }),
  prepare: (_kind, id, value) => (Object.hasOwn(value, 'upstream') ? value : { upstream: id, ...value }),
  idOf: (_kind, value) => (typeof value.upstream === 'string' ? value.upstream : null),
  editable: (_kind, value) => value,
  normalize: (_kind, value) => value,
  references: () => [],
  splits: () => [],
  summarize: (_kind, value) => summarize(value),
  writeFile,
  recognize: (value) =>
    typeof value.upstream === 'string' && isJsonObject(value.states) ? [ENDPOINT_STATES] : [],
  readFile,
}

function validateStates(value: JsonValue): readonly Fault[] {
  const faults: Fault[] = []
  const add = (path: string, message: string): void => void faults.push({ path, message, hint: null })
  if (!isJsonObject(value)) return [{ path: '', message: 'must be an object', hint: null }]
  for (const key of Object.keys(value)) {
    if (key !== 'upstream' && key !== 'states') add(key, `unknown field; there are: upstream, states`)
  }
  if (typeof value.upstream !== 'string' || value.upstream === '') {
    add('upstream', 'must be the id of an upstream, such as apisix/upstreams/1')
  }
  const { states } = value
  if (!isJsonObject(states)) {
    add('states', 'must be an object: endpoint to what is said of it')
    return faults
  }
  const entries = Object.entries(states)
  if (entries.length > MAX_STATES) add('states', `must have at most ${MAX_STATES} entries`)
  for (const [label, entry] of entries) validateEntry(`states[${JSON.stringify(label)}]`, label, entry, add)
  return faults
}

const FIELDS: readonly string[] = ['state', 'since', 'by', 'note']

function validateEntry(
  path: string,
  label: string,
  entry: JsonValue,
  add: (path: string, message: string) => void,
): void {
  if (!/^(\[[0-9a-fA-F:.]+\]|[^\s:@]+):\d{1,5}(@[0-9a-fA-F:.]+)?$/.test(label)) {
    add(path, 'the key must be host:port, or name:port@address')
  }
  if (!isJsonObject(entry)) return add(path, 'must be an object with the field state')
  for (const key of Object.keys(entry)) {
    if (!FIELDS.includes(key)) add(`${path}.${key}`, `unknown field; there are: ${FIELDS.join(', ')}`)
  }
  if (!(STATES as readonly unknown[]).includes(entry.state)) {
    add(`${path}.state`, `must be ${STATES.join(', ')}, got ${JSON.stringify(entry.state) ?? 'nothing'}`)
  }
  const { since, by, note } = entry
  if (since !== undefined && (typeof since !== 'string' || Number.isNaN(Date.parse(since)))) {
    add(`${path}.since`, 'must be a time such as 2026-11-26T17:00:00Z')
  }
  if (by !== undefined && typeof by !== 'string') add(`${path}.by`, 'must be a text')
  if (note !== undefined && (typeof note !== 'string' || note.length > MAX_NOTE)) {
    add(`${path}.note`, `must be a text of at most ${MAX_NOTE} characters`)
  }
}

function summarize({ states }: JsonObject): string {
  if (!isJsonObject(states)) return ''
  return Object.entries(states)
    .map(([label, entry]) => `${label} ${isJsonObject(entry) ? String(entry.state) : ''}`)
    .join(', ')
}

function writeFile(documents: readonly FileDocument[]): string {
  return toYaml({ [ENDPOINT_STATES]: documents.map(({ id, value }) => ({ upstream: id, ...value })) })
}

/** A file (or one YAML document in it) is ours by its one key. */
function readFile(root: JsonValue): FileDocuments | null {
  if (!isJsonObject(root) || !Object.hasOwn(root, ENDPOINT_STATES)) return null
  const faults: Fault[] = []
  for (const key of Object.keys(root)) {
    if (key === ENDPOINT_STATES) continue
    const hint = 'put a line --- between the two'
    faults.push({ path: key, message: `may not stand beside ${ENDPOINT_STATES} in one YAML document`, hint })
  }
  const list = root[ENDPOINT_STATES]
  const documents: FileDocuments['documents'][number][] = []
  if (!Array.isArray(list)) {
    if (list !== null) faults.push({ path: ENDPOINT_STATES, message: 'must be a list', hint: null })
    return { documents, faults }
  }
  const seen = new Map<string, string>()
  for (const [index, value] of (list as readonly JsonValue[]).entries()) {
    const path = `${ENDPOINT_STATES}[${index}]`
    if (!isJsonObject(value) || typeof value.upstream !== 'string' || value.upstream === '') {
      faults.push({ path, message: 'needs upstream, the id of one such as apisix/upstreams/1', hint: null })
      continue
    }
    const first = seen.get(value.upstream)
    if (first !== undefined) {
      faults.push({ path, message: `${value.upstream} stands in ${first} already`, hint: null })
      continue
    }
    seen.set(value.upstream, path)
    documents.push({ kind: ENDPOINT_STATES, id: value.upstream, value, path })
  }
  return { documents, faults }
}
