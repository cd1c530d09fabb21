import type { DocumentEditor } from '../../gateway/change-documents.ts'
import { type EndpointState, hostPort } from '../../model/endpoint.ts'
import { ENDPOINT_CONDITIONS, type EndpointView } from '../../model/endpoint-view.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { STATES, stateIn, statesKey } from '../../model/operator-states.ts'
import { suggest } from '../../model/suggest.ts'
import type { AdminControl } from '../admin-control.ts'
import { MAX_MESSAGE, readJson, readNote, refuse } from '../document-calls.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
/** Longest wait of one call for requests under way; whoever wants more asks again. Seconds. */
export const MAX_WAIT_SECONDS = 20
const POLL_MS = 50
/** Ids that are looked through for the one that was meant. */
const SEARCHED = 5000

export const ENDPOINT_SCHEMA: JsonObject = {
  type: 'object',
  description: 'How an endpoint stands; times are milliseconds since the epoch',
  required: ['label', 'host', 'port', 'address', 'state', 'reason', 'sinceMs', 'weight', 'effectiveWeight'],
  properties: {
    upstreamId: { type: 'string' },
    label: { type: 'string', description: 'host:port; addresses of a name: name:port@address' },
    host: { type: 'string' },
    port: { type: 'integer' },
    address: { type: ['string', 'null'], description: 'Where connections go; null: host itself, or nothing' },
    priority: { type: 'integer' },
    zone: { type: ['string', 'null'] },
    service: {
      type: ['string', 'null'],
      description: 'Service of a cluster that it is a pod of: cluster/namespace/name:port',
    },
    state: { type: 'string', enum: [...ENDPOINT_CONDITIONS] },
    reason: { type: 'string', description: 'Why it is not up; "" else' },
    openedBy: {
      enum: ['breaker', 'health', null],
      description: 'What keeps it out or on trial: live traffic (breaker) or checks (health)',
    },
    sinceMs: { type: 'number' },
    lastProbe: {
      type: ['object', 'null'],
      properties: {
        atMs: { type: 'number' },
        isSuccess: { type: 'boolean' },
        result: { type: 'string' },
        tookMs: { type: 'number' },
      },
    },
    nextProbeMs: { type: ['number', 'null'] },
    weight: { type: 'integer', description: 'Configured; of the addresses of a name: its part' },
    effectiveWeight: { type: 'number', description: 'What slow start leaves of it; 0 while it is out' },
    inFlight: { type: 'integer' },
    requests: { type: 'integer', description: 'Attempts since the start' },
    failures: { type: 'integer' },
    ejections: { type: 'integer' },
    counter: { type: 'object', description: 'Of checks, since the last change of state' },
    consecutivePasses: { type: 'integer', description: 'Probes in a row that passed' },
    consecutiveFailures: { type: 'integer', description: 'Probes in a row that failed' },
    windowErrors: {
      type: 'integer',
      description: 'Failures in the window that outlier detection counts now',
    },
    windowTotal: { type: 'integer', description: 'Requests in that window' },
    returnsAtMs: { type: ['number', 'null'], description: 'When an ejected one comes back' },
  },
}

const STATE_BODY: JsonObject = {
  type: 'object',
  required: ['state'],
  additionalProperties: false,
  properties: {
    state: {
      type: 'string',
      enum: [...STATES],
      description: 'drain: no new requests; maint: not probed either; ready: as the checks say',
    },
    note: { type: 'string', maxLength: MAX_MESSAGE, description: 'Why; it stands in the history too' },
  },
}

/** Upstreams as they serve, their endpoints, and what operators say of those. */
export function upstreamEndpoints(control: AdminControl, editor: DocumentEditor): readonly OwnEndpoint[] {
  const id = '/headgate/v1/upstreams/:id'
  return [
    {
      method: 'GET',
      path: '/headgate/v1/upstreams',
      summary: 'List the upstreams in force with the states of their endpoints',
      isWrite: false,
      query: [
        {
          name: 'limit',
          description: 'Upstreams at most',
          schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
        },
        { name: 'after', description: '`next` of the page before', schema: { type: 'string' } },
      ],
      answer: {
        type: 'object',
        required: ['list', 'next'],
        properties: {
          list: {
            type: 'array',
            items: {
              type: 'object',
              required: ['id', 'name', 'balancer', 'endpoints', 'states'],
              properties: {
                id: { type: 'string' },
                name: { type: 'string' },
                scheme: { type: 'string' },
                balancer: { type: 'string' },
                endpoints: { type: 'integer' },
                states: { type: 'object', description: 'Number of endpoints by state' },
              },
            },
          },
          next: { type: ['string', 'null'] },
        },
      },
      handle: (call) => listUpstreams(control, call),
    },
    {
      method: 'GET',
      path: `${id}/endpoints`,
      summary: 'Show how the endpoints of an upstream stand',
      isWrite: false,
      answer: {
        type: 'object',
        required: ['upstream', 'name', 'endpoints'],
        properties: {
          upstream: { type: 'string' },
          name: { type: 'string' },
          endpoints: { type: 'array', items: ENDPOINT_SCHEMA },
        },
      },
      handle: (call) => {
        const found = findUpstream(control, call)
        if ('status' in found) return found
        return answerJson({
          upstream: found.id,
          name: found.name,
          endpoints: control.endpoints(found.id) ?? [],
        })
      },
    },
    {
      method: 'PUT',
      path: `${id}/endpoints/:label/state`,
      summary: 'Take an endpoint out of service, or back: no request is sent to it once this is answered',
      isWrite: true,
      query: [
        {
          name: 'wait',
          description: 'Seconds to wait until no request to it is under way',
          schema: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS, default: 0 },
        },
      ],
      body: { description: 'What the endpoint is to be', schema: STATE_BODY },
      answer: {
        type: 'object',
        required: ['upstream', 'endpoint', 'state', 'revision', 'isChanged', 'inFlight', 'connections'],
        properties: {
          upstream: { type: 'string' },
          endpoint: { type: 'string' },
          state: { type: 'string', enum: [...STATES] },
          revision: { type: 'integer' },
          isChanged: { type: 'boolean' },
          inFlight: { type: 'integer', description: 'Requests still under way to it' },
          connections: { type: 'integer', description: 'Connections still open to it' },
          warnings: { type: 'array', items: { type: 'string' } },
        },
      },
      handle: (call) => putState(control, editor, call),
    },
  ]
}

function listUpstreams(control: AdminControl, { query }: OwnCall): Answer {
  const limit = readNumber(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIMIT}`)
  const after = query.get('after')
  const ids = [...control.objects.upstreams()].map((source) => source.id).sort()
  const first = after === undefined ? 0 : ids.findIndex((id) => id > after)
  const page = first < 0 ? [] : ids.slice(first, first + limit)
  const list = page.flatMap((id) => {
    const upstream = control.objects.upstream(id)
    if (upstream === undefined) return []
    const states: Record<string, number> = {}
    for (const { state } of control.endpoints(id) ?? []) states[state] = (states[state] ?? 0) + 1
    const { name, scheme, balancer, endpoints } = upstream
    return [{ id, name, scheme, balancer: balancer.kind, endpoints: endpoints.length, states }]
  })
  const isMore = first >= 0 && first + limit < ids.length
  return answerJson({ list, next: isMore ? (page.at(-1) ?? null) : null })
}

interface FoundUpstream {
  readonly id: string
  readonly name: string
}

/** By its id in the model, or by a shorter form that means one alone: `upstreams/1`, `upstream/1`, `1`. */
function findUpstream(control: AdminControl, { params }: OwnCall): FoundUpstream | Answer {
  const { id: word = '' } = params
  const found = idsFor(control, word).flatMap((id) => {
    const upstream = control.objects.upstream(id)
    return upstream === undefined ? [] : [{ id, name: upstream.name }]
  })
  const [only] = found
  if (only !== undefined && (found.length === 1 || only.id === word)) return only
  if (found.length > 1) {
    const ids = found.map((one) => one.id).join(' or ')
    return problem('NO_SUCH_UPSTREAM', `${word} may be several: say ${ids}`)
  }
  const known: string[] = []
  for (const { id } of control.objects.upstreams()) if (known.push(id) >= SEARCHED) break
  const near = suggest(word, known)
  const hint = near === null ? '' : `; did you mean ${near}?`
  return problem('NO_SUCH_UPSTREAM', `there is no upstream ${word}${hint}`)
}

function idsFor({ dialects }: AdminControl, word: string): readonly string[] {
  const slash = word.indexOf('/')
  const ids = [word]
  for (const { name, kinds } of dialects) {
    if (slash < 0) ids.push(`${name}/upstreams/${word}`)
    for (const kind of kinds) {
      const isKind = slash > 0 && (word.slice(0, slash) === kind || `${word.slice(0, slash)}s` === kind)
      if (isKind) ids.push(`${name}/${kind}/${word.slice(slash + 1)}`)
      // `apisix/upstream/1`
      if (word.startsWith(`${name}/${kind.slice(0, -1)}/`)) {
        ids.push(`${name}/${kind}/${word.slice(name.length + kind.length + 1)}`)
      }
    }
  }
  return [...new Set(ids)]
}

interface WantedState {
  readonly state: EndpointState
  readonly note: string | null
}

function readWanted(call: OwnCall): WantedState | Answer {
  const json = readJson(call)
  if ('status' in json) return json
  const { value } = json
  if (!isJsonObject(value)) return problem('BAD_BODY', 'the body must be an object with state')
  for (const key of Object.keys(value)) {
    if (key !== 'state' && key !== 'note')
      return problem('BAD_BODY', `${key}: unknown field; there are: state, note`)
  }
  const state = STATES.find((known) => known === value.state)
  if (state === undefined) return problem('BAD_BODY', `state must be one of ${STATES.join(', ')}`)
  const { note = null } = value
  if (note !== null && typeof note !== 'string') return problem('BAD_BODY', 'note must be a text')
  return { state, note: note === '' ? null : note }
}

async function putState(control: AdminControl, editor: DocumentEditor, call: OwnCall): Promise<Answer> {
  const found = findUpstream(control, call)
  if ('status' in found) return found
  const wanted = readWanted(call)
  if (!('state' in wanted)) return wanted
  const waitSeconds = readNumber(call.query, 'wait', 0, MAX_WAIT_SECONDS) ?? 0
  if (waitSeconds === 'bad') return problem('BAD_QUERY', `wait must be 0 to ${MAX_WAIT_SECONDS} seconds`)
  const note = readNote(call, wanted.note ?? undefined)
  if ('status' in note) return note
  const { label = '' } = call.params
  const known = control.objects.upstream(found.id)?.endpoints ?? []
  const meant = endpointsOf(control, found.id, label)
  if (meant.length === 0) {
    const labels = (control.endpoints(found.id) ?? []).map((endpoint) => endpoint.label)
    const near =
      suggest(label, labels) ?? (labels.length > 0 ? labels.slice(0, 10).join(', ') : 'it has none')
    return problem('NO_SUCH_ENDPOINT', `${found.id} has no endpoint ${label}; there are: ${near}`)
  }
  const key = statesKey(found.id)
  const message = note.message ?? `${label} ${wanted.state}`
  const outcome = await editor.edit(
    async () => {
      const before = (await control.documents.get(key))?.value
      const isSame = known
        .filter((endpoint) => meant.some((view) => isOf(view, endpoint)))
        .every(
          (endpoint) =>
            (before === undefined ? 'ready' : (stateIn(before, endpoint)?.state ?? 'ready')) === wanted.state,
        )
      if (isSame) return []
      const value = withState(found.id, before, label, wanted, note.author)
      return value === null ? [{ op: 'delete' as const, key }] : [{ op: 'put' as const, key, value }]
    },
    { dryRun: false, force: false, note: { author: note.author, message } },
  )
  if (outcome.kind === 'refused') return refuse(outcome)
  if (outcome.kind === 'stopped') return problem('INTERNAL')
  if (waitSeconds > 0) await waitUntilIdle(control, found.id, label, waitSeconds * 1000)
  return answerJson({
    upstream: found.id,
    endpoint: label,
    state: wanted.state,
    revision: outcome.revision,
    isChanged: outcome.results.length > 0,
    ...underWay(control, found.id, label),
    warnings: outcome.warnings.map((warning) => warning.message),
  })
}

function isOf(view: EndpointView, endpoint: { host: string; port: number; address: string | null }): boolean {
  return view.host === endpoint.host && view.port === endpoint.port && view.address === endpoint.address
}

/** By its label, or all addresses of a name by `host:port`. */
function endpointsOf(control: AdminControl, upstreamId: string, label: string): readonly EndpointView[] {
  return (control.endpoints(upstreamId) ?? []).filter(
    (view) => view.label === label || hostPort(view) === label,
  )
}

/** The document with one thing said; null: nothing is said any more. */
function withState(
  upstream: string,
  before: JsonObject | undefined,
  label: string,
  { state, note }: WantedState,
  by: string,
): JsonObject | null {
  const states: Record<string, JsonObject[string]> = isJsonObject(before?.states) ? { ...before.states } : {}
  // what is said of a name holds for all its addresses
  for (const other of Object.keys(states)) if (other.startsWith(`${label}@`)) delete states[other]
  delete states[label]
  const name = label.includes('@') ? label.slice(0, label.lastIndexOf('@')) : null
  // an address of a name that is out as a whole comes back by being said to be ready
  if (state !== 'ready' || (name !== null && Object.hasOwn(states, name))) {
    const since = new Date().toISOString()
    states[label] = { state, since, by, ...(note === null ? {} : { note }) }
  }
  return Object.keys(states).length === 0 ? null : { upstream, states }
}

function underWay(control: AdminControl, upstreamId: string, label: string) {
  const sum = { inFlight: 0, connections: 0 }
  for (const view of endpointsOf(control, upstreamId, label)) {
    const { inFlight, connections } = control.endpointLoad(upstreamId, view)
    sum.inFlight += inFlight
    sum.connections += connections
  }
  return sum
}

async function waitUntilIdle(
  control: AdminControl,
  upstreamId: string,
  label: string,
  mostMs: number,
): Promise<void> {
  const until = performance.now() + mostMs
  while (underWay(control, upstreamId, label).inFlight > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
