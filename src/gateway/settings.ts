import { readFileSync } from 'node:fs'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import type { Settings } from '../model/settings.ts'
import { interpolate } from '../store/files/interpolate.ts'
import { readGatewaySettings } from '../store/files/read-files.ts'
import { yaml } from '../store/files/yaml.ts'
import { checkSettings } from './settings-schema.ts'

/** What the command line gives, each as text (or true); undefined where the flag was not given. */
export interface SettingFlags {
  readonly settings?: string | undefined
  readonly config?: string | undefined
  readonly listen?: string | readonly string[] | undefined
  readonly listenTls?: string | readonly string[] | undefined
  readonly listenTcp?: string | readonly string[] | undefined
  readonly listenUdp?: string | readonly string[] | undefined
  readonly proxyProtocol?: string | readonly string[] | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly admin?: string | undefined
  readonly adminKey?: string | undefined
  readonly insecureAdminKey?: boolean | string | undefined
  readonly adminRemote?: boolean | string | undefined
  readonly status?: string | undefined
  readonly store?: string | undefined
  readonly workers?: string | undefined
  readonly accessLog?: string | undefined
  readonly logLevel?: string | undefined
  readonly kuma?: string | undefined
  readonly dataplane?: string | readonly string[] | undefined
  readonly strict?: boolean | string | undefined
}

/** Every flag, and the environment variable of the same meaning. */
export const ENVIRONMENT: Readonly<Record<keyof SettingFlags, string>> = {
  settings: 'HEADGATE_SETTINGS',
  config: 'HEADGATE_CONFIG',
  listen: 'HEADGATE_LISTEN',
  listenTls: 'HEADGATE_LISTEN_TLS',
  listenTcp: 'HEADGATE_LISTEN_TCP',
  listenUdp: 'HEADGATE_LISTEN_UDP',
  proxyProtocol: 'HEADGATE_PROXY_PROTOCOL',
  tlsCert: 'HEADGATE_TLS_CERT',
  tlsKey: 'HEADGATE_TLS_KEY',
  admin: 'HEADGATE_ADMIN',
  adminKey: 'HEADGATE_ADMIN_KEY',
  insecureAdminKey: 'HEADGATE_INSECURE_ADMIN_KEY',
  adminRemote: 'HEADGATE_ADMIN_REMOTE',
  status: 'HEADGATE_STATUS',
  store: 'HEADGATE_STORE',
  workers: 'HEADGATE_WORKERS',
  accessLog: 'HEADGATE_ACCESS_LOG',
  logLevel: 'HEADGATE_LOG_LEVEL',
  kuma: 'HEADGATE_KUMA',
  dataplane: 'HEADGATE_DATAPLANE',
  strict: 'HEADGATE_STRICT',
}

/**
 * Settings from all sources: flag over environment over file over default; `--settings` over the `gateway:` key of `--config` files. Throws
 * BAD_SETTING with every fault, one a line. The result is frozen and complete.
 */
export function resolveSettings(flags: SettingFlags, env: NodeJS.ProcessEnv): Settings {
  const faults: string[] = []
  const layers: JsonObject[] = []
  const settingsFile = flags.settings ?? given(env[ENVIRONMENT.settings])
  const fromFile = settingsFile === undefined ? null : readSettingsFile(settingsFile, env, faults)
  const config = flags.config ?? given(env[ENVIRONMENT.config]) ?? textAt(fromFile, 'config')
  if (config !== undefined) {
    const value = readConfigSettings(config, faults)
    if (value !== null) layers.push(value)
  }
  if (fromFile !== null) layers.push(fromFile)
  layers.push(fromFlags(environmentFlags(env), (name) => ENVIRONMENT[name], faults))
  layers.push(fromFlags(flags, (name) => `--${kebab(name)}`, faults))
  if (faults.length > 0) throw new GatewayError('BAD_SETTING', faults.join('\n'))
  let merged: JsonObject = DEFAULT_SETTINGS as unknown as JsonObject
  for (const layer of layers) merged = mergeOver(merged, layer)
  const settings = merged as unknown as Settings
  return freeze(settings)
}

function environmentFlags(env: NodeJS.ProcessEnv): SettingFlags {
  const flags: Record<string, string> = {}
  for (const [name, variable] of Object.entries(ENVIRONMENT)) {
    const value = given(env[variable])
    if (value !== undefined) flags[name] = value
  }
  return flags
}

/** Flags or variables as a layer of settings; faults name the flag or variable, not the field. */
function fromFlags(
  flags: SettingFlags,
  nameOf: (flag: keyof SettingFlags) => string,
  faults: string[],
): JsonObject {
  const layer: Record<string, JsonValue> = {}
  const admin: Record<string, JsonValue> = {}
  const tls: Record<string, JsonValue> = {}
  const kuma: Record<string, JsonValue> = {}
  const put = (flag: keyof SettingFlags, field: string, value: JsonValue): void => {
    const [outer = '', inner] = field.split('.')
    const found = checkSettings(inner === undefined ? { [outer]: value } : { [outer]: { [inner]: value } })
    for (const fault of found) faults.push(`${nameOf(flag)}: ${fault.message}`)
    if (outer === 'admin' && inner !== undefined) admin[inner] = value
    else if (outer === 'tls' && inner !== undefined) tls[inner] = value
    else if (outer === 'kuma' && inner !== undefined) kuma[inner] = value
    else layer[outer] = inner === undefined ? value : { [inner]: value }
  }
  if (flags.config !== undefined) put('config', 'config', flags.config)
  for (const name of ['listen', 'listenTls', 'listenTcp', 'listenUdp', 'proxyProtocol'] as const) {
    const value = flags[name]
    if (value !== undefined) put(name, name, listOf(value).map(withHost))
  }
  if (flags.tlsCert !== undefined) put('tlsCert', 'tls.certificate', flags.tlsCert)
  if (flags.tlsKey !== undefined) put('tlsKey', 'tls.key', flags.tlsKey)
  if (flags.admin !== undefined) put('admin', 'admin.listen', orOff(flags.admin, withHost))
  if (flags.adminKey !== undefined) put('adminKey', 'admin.key', flags.adminKey)
  if (flags.adminRemote !== undefined) put('adminRemote', 'admin.allowRemote', asBoolean(flags.adminRemote))
  if (flags.insecureAdminKey !== undefined)
    put('insecureAdminKey', 'admin.insecureKey', asBoolean(flags.insecureAdminKey))
  if (flags.status !== undefined) put('status', 'status', orOff(flags.status, withHost))
  if (flags.store !== undefined) put('store', 'store', flags.store)
  if (flags.workers !== undefined)
    put('workers', 'workers', /^\d+$/.test(flags.workers) ? Number(flags.workers) : flags.workers)
  if (flags.accessLog !== undefined)
    put(
      'accessLog',
      'accessLog.path',
      orOff(flags.accessLog, (path) => path),
    )
  if (flags.logLevel !== undefined) put('logLevel', 'logLevel', flags.logLevel)
  if (flags.kuma !== undefined) put('kuma', 'kuma.listen', orOff(flags.kuma, withHost))
  if (flags.dataplane !== undefined) put('dataplane', 'kuma.dataplanes', listOf(flags.dataplane))
  if (flags.strict !== undefined) put('strict', 'kuma.strict', asBoolean(flags.strict))
  if (Object.keys(admin).length > 0) layer.admin = admin
  if (Object.keys(tls).length > 0) layer.tls = tls
  if (Object.keys(kuma).length > 0) layer.kuma = kuma
  return layer
}

function readSettingsFile(path: string, env: NodeJS.ProcessEnv, faults: string[]): JsonObject | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    faults.push(
      `--settings ${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    )
    return null
  }
  const document = yaml().parseDocument(text, { uniqueKeys: true })
  for (const error of document.errors) faults.push(`${path}: ${error.message.split('\n')[0]}`)
  if (document.errors.length > 0) return null
  const label = (place: string) => `${path}: ${place}`
  const before = faults.length
  const value = fillHoles(document.toJS({ maxAliasCount: 100 }) as JsonValue, '', { env, label, faults })
  if (faults.length > before) return null
  if (value === null) return {}
  return checkFile(value, label, faults)
}

/** `${{NAME}}` in texts, filled in from the environment as in files of documents. */
function fillHoles(
  value: JsonValue,
  place: string,
  to: {
    readonly env: NodeJS.ProcessEnv
    readonly label: (path: string) => string
    readonly faults: string[]
  },
): JsonValue {
  if (typeof value === 'string') {
    const filled = interpolate(value, to.env)
    if (filled.kind === 'same') return value
    if (filled.kind === 'value') return filled.value
    to.faults.push(`${to.label(place)}: the environment variable ${filled.names.join(', ')} is not set`)
    return value
  }
  if (Array.isArray(value)) {
    const entries = value as readonly JsonValue[]
    return entries.map((entry, i) => fillHoles(entry, `${place}[${i}]`, to))
  }
  if (!isJsonObject(value)) return value
  const filled = Object.entries(value).map(([name, inner]): [string, JsonValue] => [
    name,
    fillHoles(inner, place === '' ? name : `${place}.${name}`, to),
  ])
  return Object.fromEntries(filled)
}

function readConfigSettings(target: string, faults: string[]): JsonObject | null {
  try {
    // faults of the documents themselves are the store's to report; only settings matter here
    const { value, locate } = readGatewaySettings(target)
    if (value === null) return null
    return checkFile(
      value,
      (place) => {
        const { file, line, column } = locate(place)
        return `${file}:${line}:${column}: gateway.${place}`
      },
      faults,
    )
  } catch (error) {
    faults.push(
      `--config ${target}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    )
    return null
  }
}

function checkFile(value: JsonValue, label: (path: string) => string, faults: string[]): JsonObject | null {
  if (!isJsonObject(value)) {
    faults.push(`${label('')} must be an object`)
    return null
  }
  const found = checkSettings(value)
  for (const fault of found) faults.push(`${label(fault.path)}: ${fault.message}`)
  return found.length > 0 ? null : value
}

/** Objects merge field by field; everything else, lists too, replaces. */
function mergeOver(base: JsonObject, over: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...base }
  for (const [name, value] of Object.entries(over)) {
    const below = base[name]
    result[name] = isJsonObject(value) && isJsonObject(below) ? mergeOver(below, value) : value
  }
  return result
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}

/** A variable that is set but empty counts as not set. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}

function textAt(value: JsonObject | null, name: string): string | undefined {
  const text = value?.[name]
  return typeof text === 'string' ? text : undefined
}

function listOf(value: string | readonly string[]): string[] {
  const list = typeof value === 'string' ? [value] : value
  return list.flatMap((text) => text.split(',').map((part) => part.trim()))
}

/** `:9080` and `9080` mean all addresses and loopback: the first is asked for in so many words, the second stays private. */
function withHost(text: string): string {
  if (text.startsWith('tls://')) return `tls://${withHost(text.slice(6))}`
  if (/^\d+$/.test(text)) return `127.0.0.1:${text}`
  return text.startsWith(':') ? `0.0.0.0${text}` : text
}

function orOff(text: string, otherwise: (text: string) => string): string | null {
  return text === 'off' ? null : otherwise(text)
}

function asBoolean(value: boolean | string): JsonValue {
  if (typeof value === 'boolean') return value
  if (['1', 'true', 'yes', 'on'].includes(value.toLowerCase())) return true
  return ['0', 'false', 'no', 'off'].includes(value.toLowerCase()) ? false : value
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
