import type { HeaderValue, RequestFilter } from '../../model/filter.ts'
import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Origin } from '../../model/origin.ts'
import type { RespondTarget, Target, UpstreamTarget } from '../../model/split.ts'
import type { DialectSettings, Lookup } from '../dialect.ts'
import type { ApiPath } from './api-path.ts'
import { type Backend, readBackend, readUrl } from './backend.ts'
import { combinePath, stripBase } from './combine-path.ts'
import { modelId } from './kinds.ts'
import { NO_EFFECTS, type ParameterEffects } from './parameters.ts'
import { NETWORK } from './references.ts'
import { translateUpstream, upstreamOfMicroservice, upstreamOfUrl } from './translate-upstream.ts'

/** What all backends of one released API share. */
export interface BackendContext {
  /** Of the released API. */
  readonly id: string
  readonly front: ApiPath
  readonly service: JsonObject | null
  readonly effects: ParameterEffects
  readonly settings: DialectSettings
  readonly lookup: Lookup
  readonly warn: (path: string, message: string) => void
}

/** A backend ready to be put into the targets of each way to address the API. */
export interface PreparedBackend {
  /** Upstreams that are written in place. */
  readonly objects: readonly ModelObject[]
  target(base: string): Target
}

/**
 * `part`: what sets its upstream apart from others of the API. `path`: of the backend in its document, `name`: what metrics and logs call it.
 */
export function prepareBackend(
  body: JsonObject,
  { part, path, name, origin }: { part: string; path: string; name: string; origin: Origin },
  context: BackendContext,
): PreparedBackend {
  const backend = readBackend(body)
  if (backend === null) return refusing('the backend is not complete', { path, name, origin }, context)
  if (backend.kind === 'mock') return always(mockTarget(backend.message, name, origin))
  const found = findUpstream(backend, { part, name, origin }, context)
  if ('error' in found) return refusing(found.error, { path, name, origin }, context)
  const { upstreamId, objects } = found
  const { effects, front } = context
  // parameters are mapped and constants added for HTTP backends only
  const used = backend.kind === 'function' ? NO_EFFECTS : effects
  const method = backend.kind === 'function' ? null : backend.method
  const headers: readonly HeaderValue[] = used.headers
  return {
    objects,
    target: (base): UpstreamTarget => {
      // a function gets the path as callers write it
      const rewrite =
        backend.kind === 'function'
          ? stripBase(base)
          : combinePath({ front, base, backend: backend.path, mapped: used.mapped, query: used.query })
      const requestFilters: RequestFilter[] = [...used.defaults]
      const added = used.arguments
      if (rewrite !== null || method !== null || headers.length + added.length > 0) {
        requestFilters.push({
          kind: 'rewriteRequest',
          origin,
          when: null,
          path: rewrite ?? (added.length === 0 ? null : { kind: 'keep', source: 'target' }),
          ...(added.length === 0 ? {} : { arguments: added }),
          method,
          host: null,
          headers: headers.length === 0 ? null : { add: [], set: headers, remove: [] },
        })
      }
      return {
        kind: 'upstream',
        weight: 1,
        variant: name,
        origin,
        requestFilters,
        responseFilters: [],
        upstreamId,
      }
    },
  }
}

type Found =
  | { readonly upstreamId: string; readonly objects: readonly ModelObject[] }
  | { readonly error: string }

function findUpstream(
  backend: Exclude<Backend, { kind: 'mock' }>,
  { part, name, origin }: { part: string; name: string; origin: Origin },
  context: BackendContext,
): Found {
  const { effects, settings } = context
  const id = modelId('released_apis', context.id, part)
  switch (backend.kind) {
    case 'http': {
      const place = { id, origin, name, host: effects.host }
      const upstream = upstreamOfUrl(backend.url, place, backend.product === null)
      return { upstreamId: id, objects: [upstream] }
    }
    case 'function': {
      const url = Object.hasOwn(settings.tencent.functions, backend.name)
        ? readUrl(settings.tencent.functions[backend.name] ?? '', 'HTTP')
        : null
      if (url === null || 'error' in url)
        return { error: `the setting tencent.functions does not say where ${backend.name} is called` }
      const upstream = upstreamOfUrl(url, { id, origin, name, host: null }, true)
      return { upstreamId: id, objects: [upstream] }
    }
    case 'microservice': {
      const address = Object.hasOwn(settings.tencent.microservices, backend.name)
        ? settings.tencent.microservices[backend.name]
        : undefined
      if (address === undefined)
        return { error: `the setting tencent.microservices does not say where ${backend.name} is` }
      const place = { id, origin, name, host: effects.host }
      return { upstreamId: id, objects: [upstreamOfMicroservice(address, place, backend.breaker)] }
    }
    case 'upstream':
      return findStored(backend, { id, name, origin }, context)
  }
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
  { path, name, origin }: { path: string; name: string; origin: Origin },
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
  return { objects: [], target: () => target }
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
