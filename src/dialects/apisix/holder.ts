import type { StoredDocument, Warning } from '../../model/document.ts'
import type { Origin } from '../../model/origin.ts'

/** The object a piece of configuration stands in; inline upstreams belong to it, so routes that inherit them share one. */
export interface Holder {
  /** `routes`, `services`, `plugin_configs`. */
  readonly collection: string
  /** `route`, `service`, `plugin_config`. */
  readonly kind: string
  readonly id: string
}

export type TranslationWarning = Omit<Warning, 'key'>

const KINDS: Readonly<Record<string, string>> = {
  routes: 'route',
  services: 'service',
  plugin_configs: 'plugin_config',
  upstreams: 'upstream',
  ssls: 'ssl',
  consumers: 'consumer',
  stream_routes: 'stream_route',
}

export function holderOf(document: StoredDocument): Holder {
  const { kind, id } = document.key
  return { collection: kind, kind: KINDS[kind] ?? kind, id }
}

export function originOf(holder: Holder, path: string): Origin {
  return { dialect: 'apisix', kind: holder.kind, id: holder.id, path }
}

/** Id of a model object: `apisix/routes/1`, and for a part of it `apisix/routes/1#upstream`. */
export function modelId(holder: Holder, part: string | null): string {
  const id = `apisix/${holder.collection}/${holder.id}`
  return part === null ? id : `${id}#${part}`
}
