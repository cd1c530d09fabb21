import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { Origin } from '../../model/origin.ts'

/** Names and ids of what this dialect stores. */

export const APINIZER = 'apinizer'

/** In load order: what others name comes first. */
export const KINDS = ['key_stores', 'trust_stores', 'proxies', 'deployments'] as const

export type Kind = (typeof KINDS)[number]

export function isKind(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind)
}

/** Where a file names no project. */
export const DEFAULT_PROJECT = 'default'

/** Names of projects, proxies and stores. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/
export const NAME_WORDS = 'up to 100 letters, digits, - and _, the first a letter or digit'

export function proxyId(project: string, name: string): string {
  return `${project}.${name}`
}

export function deploymentId(project: string, name: string, environment: string): string {
  return `${project}.${name}.${environment}`
}

/** The id that stands in a value; null: a part of it is missing. */
export function idOf(kind: string, value: JsonObject): string | null {
  if (kind === 'key_stores' || kind === 'trust_stores') return textField(value, 'name')
  const name = textField(value, 'apiProxyName')
  if (name === null) return null
  const project = textField(value, 'projectName') ?? DEFAULT_PROJECT
  if (kind === 'proxies') return proxyId(project, name)
  const environment = textField(value, 'environmentName')
  return kind === 'deployments' && environment !== null ? deploymentId(project, name, environment) : null
}

/** The fields that an id stands for, in the order in which they are written. */
export function fieldsOfId(kind: string, id: string): Readonly<Record<string, string>> {
  if (kind === 'key_stores' || kind === 'trust_stores') return { name: id }
  const [projectName = '', apiProxyName = '', environmentName = ''] = id.split('.')
  return kind === 'proxies' ? { projectName, apiProxyName } : { projectName, apiProxyName, environmentName }
}

/** What origins call one document of a kind. */
const WORDS: Readonly<Record<Kind, string>> = {
  key_stores: 'key_store',
  trust_stores: 'trust_store',
  proxies: 'proxy',
  deployments: 'deployment',
}

export function originOf(kind: Kind, id: string, path = ''): Origin {
  return { dialect: APINIZER, kind: WORDS[kind], id, path }
}

/** Id in the model; `part` sets apart what one document becomes. */
export function modelId(id: string, part: string | null = null): string {
  return part === null ? `${APINIZER}/deployments/${id}` : `${APINIZER}/deployments/${id}#${part}`
}
