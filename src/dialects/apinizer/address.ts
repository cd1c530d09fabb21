import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { UpstreamScheme } from '../../model/upstream.ts'

/** An address of a target, taken apart (spec/apinizer.md 3.1): protocol, host, port and backend path. */
export interface TargetAddress {
  readonly scheme: UpstreamScheme & ('http' | 'https' | 'grpc' | 'grpcs')
  /** As `Endpoint.host`. */
  readonly host: string
  readonly port: number
  /** Without a slash at its end; '' for none. */
  readonly path: string
  readonly isWebSocket: boolean
}

const SCHEMES = {
  http: { scheme: 'http', port: 80, isWebSocket: false },
  https: { scheme: 'https', port: 443, isWebSocket: false },
  ws: { scheme: 'http', port: 80, isWebSocket: true },
  wss: { scheme: 'https', port: 443, isWebSocket: true },
  grpc: { scheme: 'grpc', port: 80, isWebSocket: false },
  grpcs: { scheme: 'grpcs', port: 443, isWebSocket: false },
} as const

/** Reads an address whose variables are filled in. `host:port` alone is one of gRPC. */
export function readAddress(text: string): TargetAddress | { readonly error: string } {
  const match =
    /^(?:([A-Za-z]+):\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?(\/[!-"$->@-~]*)?$/.exec(text)
  if (match === null)
    return {
      error: `${text} is no address: write http://host:port/path, grpc://host:port or ws://host:port/path`,
    }
  const [, word, authority = '', digits, path = ''] = match
  if (word === undefined && (digits === undefined || path !== ''))
    return { error: `${text} names no protocol: write http://${text}, or host:port for gRPC` }
  const known = SCHEMES[(word?.toLowerCase() ?? 'grpc') as keyof typeof SCHEMES] as
    | (typeof SCHEMES)[keyof typeof SCHEMES]
    | undefined
  if (known === undefined)
    return { error: `${text}: the protocol must be one of ${Object.keys(SCHEMES).join(', ')}` }
  const port = digits === undefined ? known.port : Number(digits)
  if (port < 1 || port > 65_535) return { error: `${text}: ports are 1 to 65535` }
  const isGrpc = known.scheme === 'grpc' || known.scheme === 'grpcs'
  if (isGrpc && path !== '' && path !== '/') return { error: `${text}: an address of gRPC has no path` }
  if (isGrpc && digits === undefined) return { error: `${text}: an address of gRPC needs a port` }
  return {
    scheme: known.scheme,
    host: authority.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: isGrpc ? '' : path.replace(/\/+$/, ''),
    isWebSocket: known.isWebSocket,
  }
}

/** An address of a list in an environment. `text`: with its variables filled in. */
export type ResolvedAddress =
  | { readonly text: string; readonly target: TargetAddress }
  | { readonly text: string; readonly error: string }
  | { readonly missing: string }

/** What an entry of `routingAddressList` leads to, or the variable that the environment lacks, or why its text is no address. */
export function resolveAddress(
  entry: JsonObject,
  variables: Readonly<Record<string, string>>,
): ResolvedAddress {
  const filled = fillVariables(textField(entry, 'address') ?? '', variables)
  if ('missing' in filled) return filled
  const target = readAddress(filled.text)
  return 'error' in target ? { ...filled, ...target } : { ...filled, target }
}

/** `${NAME}` replaced; the name of the first that no variable has. */
export function fillVariables(
  text: string,
  variables: Readonly<Record<string, string>>,
): { readonly text: string } | { readonly missing: string } {
  let missing: string | null = null
  const filled = text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (Object.hasOwn(variables, name)) return variables[name] as string
    missing ??= name
    return ''
  })
  return missing === null ? { text: filled } : { missing }
}
