import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Origin } from '../../model/origin.ts'
import type { Lookup } from '../dialect.ts'
import { flagField, idField, objectField, textField } from './fields.ts'
import { type Holder, holderOf, modelId, originOf } from './holder.ts'
import { firstAddress } from './translate-upstream.ts'

/**
 * What a route becomes together with its service and plugin_config (spec/apisix.md section 9). The most specific one wins as a whole:
 * per plugin name, never inside a plugin's configuration; and the route's upstream replaces the service's whichever form each has.
 */

export interface EffectivePlugin {
  readonly name: string
  readonly config: JsonObject
  readonly holder: Holder
}

/** The upstream that serves where no split says otherwise, and what stands in its place when there is none. */
export type OwnUpstream =
  | { readonly kind: 'found'; readonly id: string; readonly name: string; readonly origin: Origin }
  | { readonly kind: 'missing'; readonly id: string; readonly origin: Origin }
  | { readonly kind: 'none'; readonly origin: Origin }

export interface Merged {
  readonly holder: Holder
  readonly service: StoredDocument | null
  /** Names that lead nowhere; each changes what the route answers. */
  readonly missingService: string | null
  readonly missingPluginConfig: string | null
  /** Switched-off plugins are left out. */
  readonly plugins: ReadonlyMap<string, EffectivePlugin>
  readonly upstream: OwnUpstream
  /** Whether requests may change the protocol: what the route says, else its service. */
  readonly allowsUpgrades: boolean
}

/** Looks up all that a route names, also what is not there, so that its appearance brings a new translation. */
export function mergeRoute(document: StoredDocument, lookup: Lookup): Merged {
  const route = document.value
  const holder = holderOf(document)
  const serviceId = idField(route, 'service_id')
  const service = serviceId === null ? undefined : lookup('services', serviceId)
  const pluginConfigId = idField(route, 'plugin_config_id')
  const pluginConfig = pluginConfigId === null ? undefined : lookup('plugin_configs', pluginConfigId)

  const plugins = new Map<string, EffectivePlugin>()
  // From the least specific to the most specific: the later one replaces.
  for (const source of [service, pluginConfig, document]) {
    if (source !== undefined) collectPlugins(source, plugins)
  }
  for (const [name, plugin] of plugins) {
    if (isSwitchedOff(plugin.config)) plugins.delete(name)
  }
  return {
    holder,
    service: service ?? null,
    missingService: serviceId !== null && service === undefined ? serviceId : null,
    missingPluginConfig: pluginConfigId !== null && pluginConfig === undefined ? pluginConfigId : null,
    plugins,
    allowsUpgrades:
      (flagField(route, 'enable_websocket') ??
        (service === undefined ? null : flagField(service.value, 'enable_websocket'))) === true,
    upstream: findUpstream(document, lookup) ??
      (service === undefined ? null : findUpstream(service, lookup)) ?? {
        kind: 'none',
        origin: originOf(holder, ''),
      },
  }
}

/** `_meta.disable`: the plugin does not run, and an inherited one of that name does not either. */
export function isSwitchedOff(config: JsonObject): boolean {
  const meta = objectField(config, '_meta')
  return meta !== null && meta.disable === true
}

function collectPlugins(source: StoredDocument, into: Map<string, EffectivePlugin>): void {
  const plugins = objectField(source.value, 'plugins')
  if (plugins === null) return
  const holder = holderOf(source)
  for (const [name, config] of Object.entries(plugins)) {
    if (isJsonObject(config)) into.set(name, { name, config, holder })
  }
}

/** The upstream that a route or service names or holds; the id wins over the inline form. */
function findUpstream(source: StoredDocument, lookup: Lookup): OwnUpstream | null {
  const holder = holderOf(source)
  const id = idField(source.value, 'upstream_id')
  if (id !== null) return findUpstreamById(id, originOf(holder, 'upstream_id'), lookup)
  const inline = objectField(source.value, 'upstream')
  if (inline === null) return null
  const own = modelId(holder, 'upstream')
  return {
    kind: 'found',
    id: own,
    name: textField(inline, 'name') ?? idField(inline, 'id') ?? firstAddress(inline) ?? own,
    origin: originOf(holder, 'upstream'),
  }
}

export function findUpstreamById(id: string, origin: Origin, lookup: Lookup): OwnUpstream {
  const document = lookup('upstreams', id)
  if (document === undefined) return { kind: 'missing', id, origin }
  return {
    kind: 'found',
    id: `apisix/upstreams/${id}`,
    name: textField(document.value, 'name') ?? id,
    origin,
  }
}
