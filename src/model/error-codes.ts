/**
 * Every error of the gateway, one row each. `status` is what a client sees where the dialect does not say otherwise; `source` says whose
 * fault it is; `retry` which requests another attempt may save (reliability.md section 6); `flag` is the short code in access logs.
 * docs/errors.md is held against this table by a test.
 */
export interface ErrorRow {
  readonly status: number
  readonly source: 'downstream' | 'upstream' | 'gateway' | 'config'
  readonly retry: 'never' | 'unsent' | 'safe'
  readonly flag: string
  readonly message: string
}

export const ERROR_CODES = {
  // what the client sent
  BAD_REQUEST: row(400, 'downstream', 'never', 'BR', 'the request breaks HTTP/1.1 framing or syntax'),
  BAD_HOST: row(400, 'downstream', 'never', 'BR', 'Host is missing, repeated or not host[:port]'),
  BAD_TARGET: row(400, 'downstream', 'never', 'BR', 'the request target is malformed or leaves the root'),
  BAD_LENGTH: row(
    400,
    'downstream',
    'never',
    'BR',
    'Content-Length is malformed or contradicts Transfer-Encoding',
  ),
  BAD_CHUNK: row(400, 'downstream', 'never', 'BR', 'the chunked body is malformed'),
  BAD_TRAILER: row(400, 'downstream', 'never', 'BR', 'the trailer section is malformed or over its limit'),
  REQUEST_TIMEOUT_HEAD: row(
    408,
    'downstream',
    'never',
    'DT',
    'the head did not arrive in time (headerTimeoutMs)',
  ),
  REQUEST_TIMEOUT_BODY: row(
    408,
    'downstream',
    'never',
    'DT',
    'the body stalled or came too slowly (bodyIdleMs, minBodyRate)',
  ),
  BODY_TOO_LARGE: row(413, 'downstream', 'never', 'BR', 'the body is over the limit (maxBodyBytes)'),
  TARGET_TOO_LONG: row(
    414,
    'downstream',
    'never',
    'BR',
    'the request target is over the limit (maxTargetBytes)',
  ),
  EXPECTATION_FAILED: row(417, 'downstream', 'never', 'BR', 'an Expect value other than 100-continue'),
  HEAD_TOO_LARGE: row(
    431,
    'downstream',
    'never',
    'BR',
    'the head is over the limit (maxHeadBytes, maxFields)',
  ),
  KEY_MISSING: row(401, 'downstream', 'never', 'UA', 'the route asks for a key, and the request shows none'),
  KEY_UNKNOWN: row(401, 'downstream', 'never', 'UA', "the key that the request shows is no consumer's"),
  CONSUMER_UNKNOWN: row(
    401,
    'config',
    'never',
    'UA',
    'the consumer that stands for requests without a good key does not exist',
  ),
  BAD_CLIENT_HELLO: row(
    400,
    'downstream',
    'never',
    'BR',
    'what a stream begins with looks like TLS and is malformed, or its ClientHello is over 16 KiB',
  ),
  CLIENT_CERTIFICATE: row(
    400,
    'downstream',
    'never',
    'UA',
    'the server name asks for a client certificate, and none or no good one was shown',
  ),
  BAD_UPGRADE: row(400, 'downstream', 'never', 'BR', 'the WebSocket handshake lacks a field or has a body'),
  UPGRADE_VERSION: row(426, 'downstream', 'never', 'BR', 'a version of WebSocket other than 13'),
  CLIENT_GONE: row(499, 'downstream', 'never', 'DC', 'the client went away before the answer was complete'),
  METHOD_NOT_IMPLEMENTED: row(501, 'downstream', 'never', 'BR', 'a method longer than 32 bytes, or CONNECT'),
  CODING_NOT_IMPLEMENTED: row(501, 'downstream', 'never', 'BR', 'a Transfer-Encoding other than chunked'),
  VERSION_NOT_SUPPORTED: row(505, 'downstream', 'never', 'BR', 'an HTTP version other than 1.0 and 1.1'),
  // the routing table
  ROUTE_NOT_FOUND: row(404, 'gateway', 'never', 'NR', 'no route matches the request'),
  SERVICE_NOT_FOUND: row(404, 'config', 'never', 'NC', 'the route names a service that does not exist'),
  UPSTREAM_NOT_FOUND: row(502, 'config', 'never', 'NC', 'the route names an upstream that does not exist'),
  SPLIT_UPSTREAM_NOT_FOUND: row(
    500,
    'config',
    'never',
    'NC',
    'a split names an upstream that does not exist',
  ),
  METHOD_NOT_TAKEN: row(
    405,
    'downstream',
    'never',
    'NR',
    'the API of this path does not take the method (Tencent)',
  ),
  PROTOCOL_NOT_ALLOWED: row(
    426,
    'downstream',
    'never',
    'NR',
    'the service is not offered over this scheme, http or https (Tencent)',
  ),
  PARAMETER_MISSING: row(
    403,
    'downstream',
    'never',
    'BR',
    'a parameter that the API requires is missing (Tencent)',
  ),
  NO_UPSTREAM: row(503, 'config', 'never', 'NC', 'nothing serves this route: no upstream is configured'),
  NO_TARGET: row(503, 'config', 'never', 'UH', 'all weights of the split are 0'),
  NO_ENDPOINT: row(503, 'upstream', 'never', 'UH', 'the upstream has no usable endpoint'),
  ENDPOINT_OUT: row(503, 'upstream', 'never', 'UH', 'the only endpoint of the upstream is out'),
  NO_CANDIDATE: row(
    404,
    'config',
    'never',
    'UH',
    'no address is there for this request: all are switched off, or their conditions do not hold (Apinizer)',
  ),
  OPERATION_NOT_FOUND: row(
    404,
    'gateway',
    'never',
    'NR',
    'the proxy has no endpoint for this method and path (Apinizer)',
  ),
  PATH_PARAMETERS: row(
    500,
    'config',
    'never',
    'NC',
    'the parameters of the endpoint and of its backend path are not the same (Apinizer)',
  ),
  CONDITION_VALUE: row(
    400,
    'downstream',
    'never',
    'BR',
    'what a condition compares is no number, or no date (Apinizer)',
  ),
  BAD_REWRITE: row(
    500,
    'config',
    'never',
    'NC',
    'a rewrite produced a target or field that may not go on the wire',
  ),
  // the way to the upstream
  UPSTREAM_CONNECT_FAILED: row(
    502,
    'upstream',
    'unsent',
    'UF',
    'the endpoint refused the connection or is unreachable',
  ),
  UPSTREAM_CONNECT_TIMEOUT: row(
    504,
    'upstream',
    'unsent',
    'UT',
    'the endpoint did not accept in time (timeout.connect)',
  ),
  UPSTREAM_TLS_FAILED: row(
    502,
    'upstream',
    'unsent',
    'UF',
    "the endpoint's certificate is not trusted, or the TLS handshake failed",
  ),
  UPSTREAM_NAME_UNRESOLVED: row(503, 'upstream', 'unsent', 'UH', 'no name of the upstream resolves'),
  UPSTREAM_STALE: row(
    502,
    'upstream',
    'safe',
    'UC',
    'a kept connection was closed by the endpoint before it answered',
  ),
  UPSTREAM_REFUSED: row(
    502,
    'upstream',
    'unsent',
    'UR',
    'the endpoint refused the stream, or closes its connection (HTTP/2)',
  ),
  UPSTREAM_CLOSED: row(
    502,
    'upstream',
    'safe',
    'UC',
    'the endpoint closed or reset the connection before it answered',
  ),
  UPSTREAM_SEND_TIMEOUT: row(
    504,
    'upstream',
    'safe',
    'UT',
    'the endpoint stopped reading the request (timeout.send)',
  ),
  UPSTREAM_HEAD_TIMEOUT: row(
    504,
    'upstream',
    'safe',
    'UT',
    'the endpoint did not answer in time (timeout.read)',
  ),
  CALL_TIMEOUT: row(504, 'upstream', 'never', 'UT', "the call was not over within its client's grpc-timeout"),
  MESSAGE_TOO_LARGE: row(
    502,
    'upstream',
    'never',
    'UP',
    'a message of an answer of gRPC is over the limit of its upstream',
  ),
  TUNNEL_IDLE: row(
    504,
    'gateway',
    'never',
    'SI',
    'a tunnel had no byte in either direction for too long (tunnelIdleMs)',
  ),
  UPSTREAM_BODY_TIMEOUT: row(
    504,
    'upstream',
    'never',
    'UT',
    'the endpoint stopped in the middle of its answer (timeout.read)',
  ),
  UPSTREAM_BAD_ANSWER: row(
    502,
    'upstream',
    'never',
    'UP',
    'the endpoint sent something that is no valid HTTP/1.1 answer',
  ),
  UPSTREAM_CUT: row(502, 'upstream', 'never', 'UC', 'the endpoint cut its answer short'),
  UPSTREAM_RETRIES_OVER: row(
    502,
    'upstream',
    'never',
    'URX',
    'every endpoint was tried, or retry_timeout is over',
  ),
  // the gateway itself
  POOL_EXHAUSTED: row(
    503,
    'gateway',
    'never',
    'UO',
    'the upstream is at one of its limits, which X-Headgate-Limit names',
  ),
  OUT_OF_DESCRIPTORS: row(
    503,
    'gateway',
    'unsent',
    'GF',
    'the process has no file descriptor left (EMFILE, ENFILE)',
  ),
  OUT_OF_PORTS: row(
    503,
    'gateway',
    'unsent',
    'GF',
    'no local port is left for this endpoint (EADDRNOTAVAIL)',
  ),
  OVERLOADED: row(503, 'gateway', 'never', 'GO', 'the gateway is over its memory or connection limit'),
  ADMIN_ADDRESS: row(
    502,
    'config',
    'never',
    'NC',
    'an endpoint resolves to an address that is not for traffic (admin, link-local)',
  ),
  INTERNAL: row(500, 'gateway', 'never', 'GI', 'an error of the gateway itself'),
  // the control side
  INVALID_DOCUMENT: row(400, 'config', 'never', '-', 'the document does not validate'),
  NOT_SUPPORTED: row(400, 'config', 'never', '-', 'the document asks for something that is not supported'),
  WRITE_CONFLICT: row(409, 'config', 'never', '-', 'the document was changed by another write'),
  READ_ONLY: row(
    409,
    'config',
    'never',
    '-',
    'the configuration comes from files; the Admin API is read-only',
  ),
  LIMIT_OBJECTS: row(400, 'config', 'never', '-', 'too many objects (maxObjects)'),
  STORE_UNAVAILABLE: row(503, 'gateway', 'never', '-', 'the store cannot write (disk full, damaged, locked)'),
  STORE_DAMAGED: row(503, 'gateway', 'never', '-', 'the store on disk is damaged'),
  UNAUTHORIZED: row(401, 'downstream', 'never', '-', 'the admin key is missing or wrong'),
  BAD_SETTING: row(400, 'config', 'never', '-', 'a flag, environment variable or setting is not valid'),
  PORT_IN_USE: row(500, 'gateway', 'never', '-', 'another program listens on this address'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERROR_CODES

function row(
  status: number,
  source: ErrorRow['source'],
  retry: ErrorRow['retry'],
  flag: string,
  message: string,
): ErrorRow {
  return { status, source, retry, flag, message }
}
