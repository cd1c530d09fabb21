import type { RequestFilter } from '../../model/filter.ts'
import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Origin } from '../../model/origin.ts'
import { NEVER, type Predicate } from '../../model/predicate.ts'
import type { RespondTarget, Target, UpstreamTarget } from '../../model/split.ts'
import type { DialectSettings, Lookup } from '../dialect.ts'
import type { ApiPath } from './api-path.ts'
import {
  type Backend,
  type Microservice,
  NAMESPACE_CODE,
  readBackend,
  readFunctionAddress,
  SERVICE_NAME,
} from './backend.ts'
import { combinePath, stripBase } from './combine-path.ts'
import { type EventContext, eventOf } from './function-event.ts'
import { modelId } from './kinds.ts'
import { type DeclaredParameters, type ParameterEffects, type Position, sourceAt } from './parameters.ts'
import { NETWORK } from './references.ts'
import { translateUpstream, upstreamOfMicroservice, upstreamOfUrl } from './translate-upstream.ts'

/** What all backends of one released API share. */
export interface BackendContext extends EventContext {
  /** Of the released API. */
  readonly id: string
  readonly front: ApiPath
  readonly service: JsonObject | null
  readonly effects: ParameterEffects
  readonly declared: DeclaredParameters
  readonly settings: DialectSettings
  readonly lookup: Lookup
  readonly warn: (path: string, message: string) => void
}

/** A backend ready to be put into the rules of each way to address the API. */
export interface PreparedBackend {
  /** Upstreams that are written in place. */
  readonly objects: readonly ModelObject[]
  /** What it leads to, one at least. Exactly one of them is for a request. */
  branches(base: string): readonly Branch[]
}

export interface Branch {
  /** What sets it apart from the others; null: there are none. */
  readonly part: string | null
  /** Of the request; null: always. */
  readonly predicate: Predicate | null
  readonly target: Target
}

/** Where a backend stands. `part`: what sets its upstreams apart from others of the API. `path`: of the backend in its document, `name`: what metrics and logs call it. */
interface BackendPlace {
  readonly part: string
  readonly path: string
  readonly name: string
  readonly origin: Origin
}

export function prepareBackend(
  body: JsonObject,
  place: BackendPlace,
  context: BackendContext,
): PreparedBackend {
  const backend = readBackend(body)
  if (backend === null) return refusing('the backend is not complete', place, context)
  switch (backend.kind) {
    case 'mock':
      return always(mockTarget(backend.message, place.name, place.origin))
    case 'microservices':
      return prepareMicroservices(backend, place, context)
    case 'function':
      return prepareFunction(backend, place, context)
    default:
      return prepareHttp(backend, findUpstream(backend, place, context), place, context)
  }
}

type Found =
  | { readonly upstreamId: string; readonly objects: readonly ModelObject[] }
  | { readonly error: string }

/** A backend that gets requests as they are but for what paths are combined to, and parameters and constants. */
function prepareHttp(
  { path, method }: { readonly path: string; readonly method: string | null },
  found: Found,
  place: BackendPlace,
  context: BackendContext,
): PreparedBackend {
  if ('error' in found) return refusing(found.error, place, context)
  const { upstreamId, objects } = found
  const { effects, front } = context
  const { headers, mapped, query } = effects
  const branches = (base: string): readonly Branch[] => {
    const rewrite = combinePath({ front, base, backend: path, mapped, query })
    const requestFilters: RequestFilter[] = [...effects.defaults]
    const added = effects.arguments
    if (rewrite !== null || method !== null || headers.length + added.length > 0)
      requestFilters.push({
        kind: 'rewriteRequest',
        origin: place.origin,
        when: null,
        path: rewrite ?? (added.length === 0 ? null : { kind: 'keep', source: 'target' }),
        ...(added.length === 0 ? {} : { arguments: added }),
        method,
        host: null,
        headers: headers.length === 0 ? null : { add: [], set: headers, remove: [] },
      })
    return single({ ...upstreamTarget(upstreamId, place), requestFilters })
  }
  return { objects, branches }
}

function upstreamTarget(upstreamId: string, { name, origin }: BackendPlace): UpstreamTarget {
  return {
    kind: 'upstream',
    weight: 1,
    variant: name,
    origin,
    requestFilters: [],
    responseFilters: [],
    upstreamId,
  }
}

function findUpstream(
  backend: Extract<Backend, { kind: 'http' | 'upstream' }>,
  { part, name, origin }: BackendPlace,
  context: BackendContext,
): Found {
  const id = modelId('released_apis', context.id, part)
  if (backend.kind === 'upstream') return findStored(backend, { id, name, origin }, context)
  const place = { id, origin, name, host: context.effects.host }
  return { upstreamId: id, objects: [upstreamOfUrl(backend.url, place, backend.product === null)] }
}

/** Parameters are mapped and constants added for HTTP backends only: a function gets neither. */
function prepareFunction(
  { name: key, event }: Extract<Backend, { kind: 'function' }>,
  place: BackendPlace,
  context: BackendContext,
): PreparedBackend {
  const { functions } = context.settings.tencent
  const address = Object.hasOwn(functions, key) ? readFunctionAddress(functions[key] ?? '') : null
  if (address === null || 'error' in address)
    return refusing(`the setting tencent.functions does not say where ${key} is called`, place, context)
  const { url, path } = address
  if (event === null && path !== '/')
    return refusing(
      `the setting tencent.functions gives ${key} the path ${path}, but a function of type HTTP gets the path of the caller`,
      place,
      context,
    )
  const { name, origin } = place
  const id = modelId('released_apis', context.id, place.part)
  const branches = (base: string): readonly Branch[] => {
    const target = upstreamTarget(id, place)
    if (event !== null)
      return single({ ...target, event: { target: path, ...eventOf(event, context, base) } })
    // the path as callers write it
    const rewrite = stripBase(base)
    if (rewrite === null) return single(target)
    return single({
      ...target,
      requestFilters: [
        {
          kind: 'rewriteRequest',
          origin,
          when: null,
          path: rewrite,
          method: null,
          host: null,
          headers: null,
        },
      ],
    })
  }
  return { objects: [upstreamOfUrl(url, { id, origin, name, host: null }, true)], branches }
}

function prepareMicroservices(
  backend: Extract<Backend, { kind: 'microservices' }>,
  place: BackendPlace,
  context: BackendContext,
): PreparedBackend {
  if (backend.isUnbalanced)
    context.warn(place.path, 'IsLoadBalance: false changes nothing: instances of a service take turns')
  const { namespaceCode: written, services } = backend
  const [only] = services
  if (only !== undefined && services.length === 1) return prepareMicroservice(backend, only, place, context)
  if (written !== null && services.every(({ namespaceId }) => codeOf(namespaceId, context) !== written))
    context.warn(
      place.path,
      `no microservice is in a namespace of the code ${written} (setting tencent.namespace_codes): requests get 404`,
    )
  const prepared = services.map((service) => ({
    service,
    predicate: namesService(service, written, context),
    backend: prepareMicroservice(
      backend,
      service,
      {
        ...place,
        part: `${place.part}.${partOf(service)}`,
        name: `${place.name}.${service.name}`,
      },
      context,
    ),
  }))
  return {
    objects: prepared.flatMap(({ backend: { objects } }) => objects),
    branches: (base) => [
      ...prepared.flatMap(({ service, predicate, backend: { branches } }) =>
        branches(base).map(({ target }) => ({
          part: partOf(service),
          predicate,
          target,
        })),
      ),
      {
        part: 'none',
        predicate: { kind: 'not', of: { kind: 'any', of: prepared.map(({ predicate }) => predicate) } },
        target: {
          ...respondBase(place.name, place.origin),
          status: 404,
          headers: [],
          body: '',
          page: true,
          errorCode: 'MICROSERVICE_NOT_NAMED',
        },
      },
    ],
  }
}

/** What sets it apart from others of a backend. Both may have dots, and neither a slash. */
function partOf({ namespaceId, name }: Microservice): string {
  return `${namespaceId}/${name}`
}

function prepareMicroservice(
  backend: Extract<Backend, { kind: 'microservices' }>,
  { key }: Microservice,
  place: BackendPlace,
  context: BackendContext,
): PreparedBackend {
  const { microservices } = context.settings.tencent
  const address = Object.hasOwn(microservices, key) ? microservices[key] : undefined
  if (address === undefined)
    return refusing(`the setting tencent.microservices does not say where ${key} is`, place, context)
  const id = modelId('released_apis', context.id, place.part)
  const { name, origin } = place
  const upstream = upstreamOfMicroservice(address, { id, origin, name, host: context.effects.host }, backend)
  return prepareHttp(backend, { upstreamId: id, objects: [upstream] }, place, context)
}

/** What requests call a namespace. */
function codeOf(namespaceId: string, { settings }: BackendContext): string {
  const { namespace_codes } = settings.tencent
  return Object.hasOwn(namespace_codes, namespaceId)
    ? (namespace_codes[namespaceId] ?? namespaceId)
    : namespaceId
}

/** Whether the request, or the backend in its place, names the service (spec/tencent.md 4.4). */
function namesService(
  { namespaceId, name }: Microservice,
  written: string | null,
  context: BackendContext,
): Predicate {
  const { front, declared } = context
  const code = codeOf(namespaceId, context)
  const says = (parameter: string, value: string): Predicate => {
    const equals = (position: Position, to: string | null): Predicate => ({
      kind: 'test',
      variable: sourceAt(position, parameter),
      operator: 'equal',
      value: to,
    })
    const own = declared.get(parameter.toLowerCase())?.position
    const isInPath = front.tier === 'pattern' && front.pieces !== null && front.groups.has(parameter)
    const position = own ?? (isInPath ? 'path' : null)
    if (position !== null) return equals(position, value)
    const argument: Predicate = {
      kind: 'all',
      of: [equals('header', null), equals('query', value)],
    }
    return { kind: 'any', of: [equals('header', value), argument] }
  }
  if (written !== null) return written === code ? says(SERVICE_NAME, name) : NEVER
  return { kind: 'all', of: [says(NAMESPACE_CODE, code), says(SERVICE_NAME, name)] }
}

function findStored(
  { upstreamId, vpcId }: Backend & { readonly kind: 'upstream' },
  { id, name, origin }: { id: string; name: string; origin: Origin },
  { lookup, settings, service, effects, warn }: BackendContext,
): Found {
  const isShared = service !== null && textField(service, 'InstanceId') === null
  if (isShared && settings.tencent.shared_instances === 'enforce')
    return {
      error:
        'the service has no InstanceId, and shared instances may not use upstreams (tencent.shared_instances)',
    }
  // where the upstream serves as it is, its nodes are no business of the API's
  const stored = lookup('upstreams', upstreamId, effects.host === null ? NETWORK : undefined)
  if (stored === undefined) return { error: `there is no upstream ${upstreamId}` }
  const own = textField(stored.value, NETWORK)
  if (vpcId !== null && own !== null && vpcId !== own)
    return { error: `UniqVpcId is ${vpcId}, but the upstream ${upstreamId} is in ${own}` }
  warnOfNetworks(service, own, settings, (message) => warn(origin.path, message))
  if (effects.host === null) return { upstreamId: modelId('upstreams', upstreamId), objects: [] }
  // another Host towards the same nodes is another upstream
  const place = { id, origin, name, host: effects.host }
  const { upstream } = translateUpstream(stored.value, place, settings)
  return { upstreamId: id, objects: [upstream] }
}

/** Also told to who writes the API, before it is released. */
export function warnOfNetworks(
  service: JsonObject | null,
  network: string | null,
  settings: DialectSettings,
  warn: (message: string) => void,
): void {
  const instanceId = service === null ? null : textField(service, 'InstanceId')
  const { instances } = settings.tencent
  if (instanceId === null || !Object.hasOwn(instances, instanceId)) return
  const own = instances[instanceId]?.UniqVpcId
  if (own === undefined || own === network) return
  warn(
    `the instance ${instanceId} runs in ${own} and the upstream in ${network ?? '?'}: the two networks must be connected first (Cloud Connect Network)`,
  )
}

/** What is wrong is told when a request comes as well: 481, a configuration error found at request time. */
function refusing(
  message: string,
  { path, name, origin }: BackendPlace,
  { warn }: BackendContext,
): PreparedBackend {
  warn(path, `${message}: requests that need it get 481`)
  return always({
    ...respondBase(name, origin),
    status: 481,
    headers: [],
    body: '',
    page: true,
    errorCode: 'UPSTREAM_NOT_FOUND',
  })
}

function always(target: Target): PreparedBackend {
  return { objects: [], branches: () => single(target) }
}

function single(target: Target): readonly Branch[] {
  return [{ part: null, predicate: null, target }]
}

function mockTarget(message: string, name: string, origin: Origin): RespondTarget {
  return {
    ...respondBase(name, origin),
    status: 200,
    headers: [
      { name: 'Content-Type', value: isJson(message) ? 'application/json' : 'text/plain; charset=utf-8' },
    ],
    body: message,
    page: false,
    errorCode: null,
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function respondBase(variant: string, origin: Origin) {
  return { kind: 'respond', weight: 1, variant, origin, requestFilters: [], responseFilters: [] } as const
}
