import type { JsonObject } from '../../model/json.ts'
import type { Origin } from '../../model/origin.ts'

/** Names and ids of what this dialect stores. */

export const TENCENT = 'tencent'

/** In load order: what others name comes first. */
export const KINDS = [
  'upstreams',
  'services',
  'apis',
  'plugins',
  'attachments',
  'releases',
  'released_apis',
] as const

export type Kind = (typeof KINDS)[number]

export function isKind(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind)
}

export const ENVIRONMENTS = ['release', 'prepub', 'test'] as const

/** Kinds with an id that the vendor makes: what it begins with, and the field that it stands in. */
export const ID_FIELDS = {
  upstreams: { prefix: 'upstream', field: 'UpstreamId' },
  services: { prefix: 'service', field: 'ServiceId' },
  apis: { prefix: 'api', field: 'ApiId' },
  plugins: { prefix: 'plugin', field: 'PluginId' },
} as const

export type IdPrefix = (typeof ID_FIELDS)[keyof typeof ID_FIELDS]['prefix']

export function isIdKind(kind: string): kind is keyof typeof ID_FIELDS {
  return Object.hasOwn(ID_FIELDS, kind)
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** A new id: `api-` and eight characters of a-z and 0-9. `random` gives numbers from 0 to 1, 1 not among them. */
export function makeId(prefix: IdPrefix, random: () => number = Math.random): string {
  let id = `${prefix}-`
  for (let i = 0; i < 8; i++) id += ALPHABET.charAt(Math.floor(random() * ALPHABET.length))
  return id
}

/** Whether a text is an id with that beginning. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return new RegExp(`^${prefix}-[A-Za-z0-9]{8}$`).test(text)
}

/** Plugins of this version are of one type, so attachments end with it. */
export const ROUTING = 'Routing'

export function releaseId(serviceId: string, environment: string): string {
  return `${serviceId}.${environment}`
}

export function releasedApiId(serviceId: string, environment: string, apiId: string): string {
  return `${serviceId}.${environment}.${apiId}`
}

export function attachmentId(
  serviceId: string,
  environment: string,
  apiId: string,
  pluginType: string = ROUTING,
): string {
  return `${serviceId}.${environment}.${apiId}.${pluginType.toLowerCase()}`
}

/** The id that stands in a value, made of several fields where the kind has no id of its own; null: a part of it is missing. */
export function idOf(kind: string, value: JsonObject): string | null {
  if (isIdKind(kind)) return textOf(value[ID_FIELDS[kind].field])
  const service = textOf(value.ServiceId)
  const environment = textOf(value.EnvironmentName)
  if (service === null || environment === null) return null
  if (kind === 'releases') return releaseId(service, environment)
  const api = textOf(value.ApiId)
  if (api === null) return null
  if (kind === 'released_apis') return releasedApiId(service, environment, api)
  return kind === 'attachments' ? attachmentId(service, environment, api) : null
}

/** The fields that an id stands for, in the order in which they are written. */
export function fieldsOfId(kind: string, id: string): Readonly<Record<string, string>> {
  if (isIdKind(kind)) return { [ID_FIELDS[kind].field]: id }
  const [ServiceId = '', EnvironmentName = '', ApiId = ''] = id.split('.')
  return kind === 'releases' ? { ServiceId, EnvironmentName } : { ServiceId, EnvironmentName, ApiId }
}

/** What origins call one document of a kind. */
const WORDS: Readonly<Record<Kind, string>> = {
  upstreams: 'upstream',
  services: 'service',
  apis: 'api',
  plugins: 'plugin',
  attachments: 'attachment',
  releases: 'release',
  released_apis: 'released_api',
}

export function originOf(kind: Kind, id: string, path = ''): Origin {
  return { dialect: TENCENT, kind: WORDS[kind], id, path }
}

/** Id in the model; `part` sets apart what one document becomes. */
export function modelId(kind: Kind, id: string, part: string | null = null): string {
  return part === null ? `${TENCENT}/${kind}/${id}` : `${TENCENT}/${kind}/${id}#${part}`
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
