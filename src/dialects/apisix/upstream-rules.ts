import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { checkCertificates, checkKeyPair } from '../../model/pem.ts'
import { listField, numberField, objectField, textField } from './fields.ts'
import { checkSchema, joinPath, type LuaSchema } from './lua-schema.ts'
import { splitAddress } from './nodes.ts'
import { addedTo } from './translate-added.ts'

/**
 * What an upstream must keep beside its schema: spec/apisix.md 4.2 and 4.4, and what this version does not do yet. The same rules hold for
 * inline upstreams in routes, services and traffic-split (the reference leaves the last out).
 */

/** The first fault as the reference words it, null if there is none. Works on whatever the schema let through, and on more. */
export function checkUpstreamRules(upstream: JsonObject): string | null {
  return collectUpstreamFaults(upstream, '')[0]?.message ?? null
}

/** All faults, with paths below `path`. */
export function collectUpstreamFaults(upstream: JsonObject, path: string): readonly Fault[] {
  const faults: Fault[] = []
  const add = (field: string, message: string, hint: string | null = null): void => {
    faults.push({ path: joinPath(path, field), message, hint })
  }
  if (textField(upstream, 'pass_host') === 'rewrite' && textField(upstream, 'upstream_host') === null) {
    add('pass_host', "`upstream_host` can't be empty when `pass_host` is `rewrite`")
  }
  const upstreamHost = textField(upstream, 'upstream_host')
  if (upstreamHost !== null && !HOST_AND_PORT.test(upstreamHost)) {
    add('upstream_host', `invalid configuration: invalid upstream_host ${upstreamHost}`, 'host or host:port')
  }
  collectNodeFaults(upstream.nodes, joinPath(path, 'nodes'), faults)
  const keyFault = checkHashKey(upstream)
  if (keyFault !== null) add('key', keyFault)
  collectCheckFaults(upstream, add)
  collectTlsFaults(upstream, add)
  collectAddedFaults(upstream, add)
  collectUnsupported(upstream, add)
  return faults
}

function collectNodeFaults(nodes: JsonValue | undefined, path: string, faults: Fault[]): void {
  const add = (place: string, message: string, hint: string | null = null): void => {
    faults.push({ path: place, message, hint })
  }
  if (Array.isArray(nodes)) {
    for (const [index, node] of (nodes as readonly JsonValue[]).entries()) {
      const host = isJsonObject(node) ? textField(node, 'host') : null
      if (host === null) continue
      const place = joinPath(joinPath(path, index), 'host')
      if (isBareIpv6(host)) add(place, IPV6_BRACKETS, `write [${host}]`)
      else if (host.includes(':') && !host.startsWith('[')) {
        add(place, `invalid configuration: invalid host ${host}`, 'the port stands in port')
      } else if (host.includes('*')) add(place, `invalid configuration: invalid host ${host}`)
    }
    return
  }
  if (!isJsonObject(nodes)) return
  for (const address of Object.keys(nodes)) {
    const place = joinPath(path, address)
    const { host, port } = splitAddress(address)
    if (isBareIpv6(address)) add(place, IPV6_BRACKETS, `write [${address}]`)
    else if (Number.isNaN(port)) add(place, `invalid port ${address.slice(address.lastIndexOf(':') + 1)}`)
    else if (!NODE_NAME.test(host)) add(place, `invalid configuration: invalid node address ${address}`)
  }
}

const IPV6_BRACKETS = "invalid configuration: IPv6 address must be enclosed with '[' and ']'"

/** What may go into a connection and a Host field; the schema does not look at the keys of a map. */
const NODE_NAME = /^[0-9a-zA-Z\-._:]+$/

/** What may go out as Host; the schema's pattern is that of route hosts, wildcards included. */
const HOST_AND_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z\-._]+)(?::[0-9]{1,5})?$/

function isBareIpv6(host: string): boolean {
  return !host.startsWith('[') && host.indexOf(':') !== host.lastIndexOf(':')
}

const VARS_KEY: LuaSchema = {
  pattern:
    '^((uri|server_name|server_addr|request_uri|remote_port|remote_addr|query_string|host|hostname|mqtt_client_id)|arg_[0-9a-zA-z_-]+)$',
}
const FIELD_KEY: LuaSchema = { pattern: '^[a-zA-Z0-9-_]+$' }

/** `key` belongs to chash alone (4.4); other types may hold anything there. */
export function checkHashKey(upstream: JsonObject): string | null {
  if (textField(upstream, 'type') !== 'chash') return null
  const hashOn = textField(upstream, 'hash_on')
  if (hashOn === 'consumer') return null
  const key = textField(upstream, 'key')
  if (key === null) return 'missing key'
  if (hashOn === 'vars_combinations') return null
  const fault = checkSchema(hashOn === 'header' || hashOn === 'cookie' ? FIELD_KEY : VARS_KEY, key)
  return fault === null ? null : `invalid configuration: ${fault}`
}

type AddFault = (field: string, message: string, hint?: string | null) => void

/** Probes that could not be sent as they are written. */
function collectCheckFaults(upstream: JsonObject, add: AddFault): void {
  const checks = objectField(upstream, 'checks')
  const active = checks === null ? null : objectField(checks, 'active')
  if (active === null) return
  for (const [index, line] of (listField(active, 'req_headers') ?? []).entries()) {
    if (typeof line === 'string' && !HEADER_LINE.test(line))
      add(
        `checks.active.req_headers[${index}]`,
        `invalid configuration: invalid header ${line}`,
        'Name: value',
      )
  }
  const path = textField(active, 'http_path')
  if (path !== null && !/^\/[!-~]*$/.test(path))
    add('checks.active.http_path', `invalid configuration: invalid http_path ${path}`, 'a path begins with /')
  if (textField(active, 'type') !== 'grpc' && Object.hasOwn(active, 'grpc_service'))
    add('checks.active.grpc_service', 'grpc_service is for checks of type grpc', null)
}

const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*$/

/** Certificates and keys that are none. */
function collectTlsFaults(upstream: JsonObject, add: AddFault): void {
  const tls = objectField(upstream, 'tls')
  if (tls !== null) {
    const certificate = textField(tls, 'client_cert')
    const key = textField(tls, 'client_key')
    if ((certificate === null) !== (key === null))
      add('tls', 'client_cert and client_key need each other', 'give both or none')
    else if (certificate !== null && key !== null) {
      if (Object.hasOwn(tls, 'client_cert_id'))
        add('tls.client_cert_id', 'client_cert_id excludes client_cert and client_key')
      const fault = checkKeyPair(certificate, key)
      if (fault !== null) add('tls', `failed to validate the client certificate: ${fault}`)
    }
  }
  const added = objectField(addedTo(upstream), 'tls')
  const ca = added === null ? null : textField(added, 'ca')
  const fault = ca === null ? null : checkCertificates(ca)
  if (fault !== null) add('headgate.tls.ca', `invalid ca: ${fault}`)
}

/** What the added fields must keep among themselves. */
function collectAddedFaults(upstream: JsonObject, add: AddFault): void {
  const outlier = objectField(addedTo(upstream), 'outlier')
  if (outlier === null) return
  if (Object.hasOwn(outlier, 'error_ratio') && Object.hasOwn(outlier, 'error_count'))
    add('headgate.outlier', 'only one of error_ratio or error_count is allowed')
  const base = numberField(outlier, 'base_ejection')
  const most = numberField(outlier, 'max_ejection')
  if (base !== null && most !== null && base > most)
    add('headgate.outlier.max_ejection', `max_ejection ${most} is less than base_ejection ${base}`)
}

/** Fields that later versions bring. A silent omission would be worse than a refusal. */
function collectUnsupported(upstream: JsonObject, add: AddFault): void {
  const scheme = textField(upstream, 'scheme')
  if (scheme !== null && !SCHEMES.has(scheme)) {
    add('scheme', `scheme ${scheme} is ${NOT_YET}`, `use one of ${[...SCHEMES].join(', ')}`)
  }
}

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'grpc', 'grpcs', 'tcp', 'tls', 'udp'])

/** What this version cannot do yet, in every message that says so. */
export const NOT_YET = 'not supported by this version yet'

/** The same for a route or a service itself. */
export function collectUnsupportedFields(value: JsonObject): readonly Fault[] {
  const faults: Fault[] = []
  for (const field of ['filter_func', 'script', 'script_id']) {
    if (Object.hasOwn(value, field)) {
      faults.push({ path: field, message: `${field} is not supported: it runs Lua code`, hint: null })
    }
  }
  return faults
}
