/**
 * The words by which conditions and templates name what they look at, and the variables behind them (expression/variables.ts). A condition says
 * `header: x-env`, a template `${header.x-env}`.
 */

interface Word {
  readonly variable: string
  /** For the schema and the reference. */
  readonly what: string
}

/** `request: <word>` in a condition, `${<word>}` in a template. */
export const REQUEST_PARTS = {
  path: { variable: 'uri', what: 'The path, decoded.' },
  target: {
    variable: 'real_request_uri',
    what: 'The target as the client sent it: path and query, not decoded.',
  },
  queryString: { variable: 'args', what: 'The whole query, not decoded, without `?`.' },
  host: { variable: 'host', what: 'The host in lower case, without port.' },
  method: { variable: 'request_method', what: 'The method.' },
  scheme: { variable: 'scheme', what: '`http` or `https`.' },
  protocol: { variable: 'server_protocol', what: '`HTTP/1.1` or `HTTP/1.0`.' },
  client: { variable: 'remote_addr', what: 'The address of the client, as trusted proxies name it.' },
  clientPort: { variable: 'remote_port', what: 'The port of the client.' },
  peer: { variable: 'realip_remote_addr', what: 'The address at the other end of the connection.' },
  localAddress: { variable: 'server_addr', what: 'The address that the connection came in at.' },
  localPort: { variable: 'server_port', what: 'The port that the connection came in at.' },
  requestId: { variable: 'request_id', what: 'The id of the request.' },
} as const satisfies Readonly<Record<string, Word>>

/** `response: <word>` in a condition, `${<word>}` in a template. */
export const RESPONSE_PARTS = {
  status: { variable: 'status', what: 'The status, a number.' },
  upstreamStatus: { variable: 'upstream_status', what: 'The statuses of all attempts, a text: `502, 200`.' },
} as const satisfies Readonly<Record<string, Word>>

/** What has names of its own: `header: x-env` in a condition, `${header.x-env}` in a template. */
export const NAMED_PARTS = {
  header: (name: string) => `http_${fieldKey(name)}`,
  query: (name: string) => `arg_${name}`,
  cookie: (name: string) => `cookie_${name}`,
  param: (name: string) => `uri_param_${name}`,
  form: (name: string) => `post_arg_${name}`,
  body: (path: string) => `post_arg.${path}`,
  responseHeader: (name: string) => `sent_http_${fieldKey(name)}`,
} as const satisfies Readonly<Record<string, (name: string) => string>>

export type NamedPart = keyof typeof NAMED_PARTS

function fieldKey(name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}
