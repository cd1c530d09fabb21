import type { JsonValue } from '../../model/json.ts'
import { checkCondition } from './check-condition.ts'
import { METHODS } from './client-route.ts'
import { PROXY_HOST, readPlace } from './forward-proxy.ts'
import { NAME, NAME_WORDS } from './kinds.ts'
import { choice, flag, integer, list, number, object, refused, type Shape, text } from './shape.ts'

/** The fields of documents with their ranges (spec/apinizer.md 3 to 10). What depends on several of them is in validate.ts. */

const SECONDS = integer(1, 3600, ' seconds')
const MILLISECONDS = integer(0, 600_000, ' ms')
const name = text({ form: NAME, words: NAME_WORDS })
const field = text({ form: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, words: 'the name of a header field' })

const condition: Shape = (value, path, faults) => checkCondition(value, path, faults)
const answerCondition: Shape = (value, path, faults) => checkCondition(value, path, faults, 'answer')

const ADDRESS = object(
  'an address',
  {
    address: text({ most: 2048 }),
    description: text({ most: 4096 }),
    weight: integer(1, 1_000_000),
    addressType: choice('PRIMARY', 'FAILOVER_ONLY', 'FAILOVER', 'CANARY', 'MIRROR'),
    healthCheckPath: text({ most: 2048 }),
    healthMonitoringEnabled: flag,
    condition,
    enabled: flag,
    pathRewrite: text({ most: 2048 }),
  },
  ['address'],
)

const RETRY = {
  retryCount: integer(0, 100),
  retryDelayType: choice('NO_DELAY', 'FIXED_DELAY', 'FIXED', 'EXPONENTIAL_BACKOFF'),
  retryFixedDelay: MILLISECONDS,
  retryFixedDelayMs: MILLISECONDS,
  retryInitialDelay: MILLISECONDS,
  retryInitialDelayMs: MILLISECONDS,
  retryBackoffMultiplier: number(1, 100),
  retryMaxDelay: MILLISECONDS,
  retryMaxDelayMs: MILLISECONDS,
} as const

const ERROR_STATUSES = list(integer(100, 599), 500)

const ERRORS = {
  errorHandlingType: choice('DEFAULT', 'STATUS_CODE_LIST', 'ADVANCED'),
  statusCodeList: ERROR_STATUSES,
  errorStatusCodeList: ERROR_STATUSES,
  errorCondition: answerCondition,
  ignoreRoutingError: flag,
  customizeErrorMessageEnabled: flag,
  errorMessageList: list(
    object('an entry of errorMessageList', {
      httpStatusCode: integer(400, 599),
      customizedHttpStatusCode: integer(200, 598),
      customizedErrorCode: text({ most: 200 }),
      customizedMessage: text({ most: 4096 }),
      statusCode: integer(400, 599),
      newStatusCode: integer(200, 598),
      errorCode: text({ most: 200 }),
      errorMessage: text({ most: 4096 }),
    }),
    200,
  ),
} as const

export const BALANCERS = [
  'ROUND_ROBIN',
  'WEIGHTED',
  'WEIGHTED_ROUND_ROBIN',
  'LRU',
  'RANDOM',
  'LEAST_CONNECTIONS',
  'IP_HASH',
  'URL_HASH',
  'PICK_FIRST',
] as const

const ROUTING = object('routingInfo', {
  routingAddressList: list(ADDRESS, 1000),
  loadBalanceAlgorithm: choice(...BALANCERS),
  loadBalancingType: (value, path, faults) => {
    if (value === 'DISTRIBUTED')
      return faults.add(
        path,
        'loadBalancingType DISTRIBUTED needs a store that several gateways share, and there is none yet',
      )
    choice('SIMPLE', 'DISTRIBUTED')(value, path, faults)
  },
  connectTimeout: SECONDS,
  readTimeout: SECONDS,
  ...RETRY,
  failoverOnlyEnabled: flag,
  failoverMode: choice('any'),
  failoverRetryCount: integer(0, 100),
  ...ERRORS,
  routingEnabled: flag,
  echoEnabled: flag,
  mirrorEnabled: flag,
  stickySession: object(
    'stickySession',
    {
      type: choice('IP_HASH', 'COOKIE_ONLY', 'HYBRID'),
      cookieName: text({ form: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, words: 'the name of a cookie' }),
      cookieTtl: integer(0, 86_400, ' seconds'),
      httpOnly: flag,
      secure: flag,
      hashSecret: text({ form: /^.{16,1024}$/, words: 'of 16 characters at least' }),
    },
    ['type'],
  ),
  healthCheck: object('healthCheck', {
    interval: integer(5, 3600, ' seconds'),
    timeout: integer(1, 60, ' seconds'),
    failThreshold: integer(1, 20),
    passThreshold: integer(1, 20),
  }),
  canary: object('canary', { percentage: integer(0, 100), cooldown: integer(1, 86_400, ' seconds') }),
  mirror: object('mirror', { percentage: integer(0, 100) }),
})

const CONNECTION = object('connection', {
  connectTimeout: SECONDS,
  readTimeout: SECONDS,
  connectionRequestTimeout: integer(1, 300, ' seconds'),
  validateAfterInactivity: integer(0, 600_000, ' ms'),
  idleConnectionTimeout: integer(1, 3600, ' seconds'),
  connectionPoolManagementType: choice('GENERAL', 'CUSTOM', 'NONE'),
  customConnectionPoolSize: integer(1, 100_000),
  redirectsEnabled: flag,
  maxRedirects: integer(0, 100),
  relativeRedirectsAllowed: flag,
  enableStreaming: flag,
  queryEncodingMode: choice('STANDARD', 'RFC3986', 'PASSTHROUGH'),
  httpVersion: choice('HTTP/1.1', 'HTTP/2 by ALPN', 'h2c prior knowledge'),
  hopByHopHeaders: list(field, 100),
  sendUserAgentToBackend: flag,
  userAgentValue: text({ form: /^[ -~]{1,1024}$/, words: 'up to 1024 printable characters' }),
  doNotRouteZeroValueContentLength: flag,
  connectionSettingsEnabled: refused('leave the settings out, or set the field to null', true),
  // bodies go on as they come, compressed or not
  disableContentCompression: flag,
  enableDownload: refused('answers are passed on piece by piece in any case', false),
  useByteArrayForCompressedResponse: refused('compressed answers are not unpacked', false),
})

const BREAKER = object('circuitBreaker', {
  circuitBreakerEnabled: flag,
  errorWindow: integer(1, 3600, ' seconds'),
  errorThresholdValue: integer(1, 1_000_000),
  enumErrorThresholdType: choice('COUNT', 'PERCENT'),
  sleepWindow: integer(1, 3600, ' seconds'),
  halfOpenEnabled: flag,
})

const MTLS = object('mtls', {
  mtlsEnabled: flag,
  keyStoreId: name,
  trustStoreId: name,
  supportedProtocolList: list((value, path, faults) => {
    if (value === 'SSL_3_0' || value === 'TLS_1_0' || value === 'TLS_1_1')
      return faults.add(path, `${value} is not supported: it is not safe`)
    choice('TLS_1_3', 'TLS_1_2')(value, path, faults)
  }, 10),
  hostnameVerifierType: choice('NOOP', 'DEFAULT', 'BROWSER_COMPAT', 'STRICT'),
  disableSslValidation: flag,
})

const GRPC = object('grpc', {
  maxInboundMessageSize: integer(1, 2_147_483_647, ' bytes'),
  maxInboundMetadataSize: integer(1, 1_048_576, ' bytes'),
  keepAliveTime: integer(1, 86_400, ' seconds'),
  keepAliveTimeout: integer(1, 3600, ' seconds'),
  keepAliveWithoutCalls: flag,
  channelIdleTimeout: integer(1, 86_400, ' seconds'),
  perRpcBufferLimit: integer(0, 1_073_741_824, ' bytes'),
  maxRetryAttempts: integer(0, 100),
  maxHedgedAttempts: refused('a call that goes to several addresses at once may run more than once', 0, 1),
  maxTraceEvents: refused('no events of channels are kept: the access log and tracing tell of calls', 0),
})

const NO_RECONNECT = 'the gateway does not reconnect behind an open client'

const WEBSOCKET = object('websocket', {
  connectTimeout: SECONDS,
  maxRetries: integer(0, 100),
  retryDelay: MILLISECONDS,
  autoReconnect: refused('reconnecting behind an open client loses frames', false),
  autoReconnectMaxRetries: refused(NO_RECONNECT),
  autoReconnectRetryDelay: refused(NO_RECONNECT),
  connectionLostTimeout: refused(
    'pings are those of client and backend; limits.tunnelIdleMs ends what is silent',
    0,
  ),
  reuseAddr: refused('the system chooses the local address of a connection', false),
})

const PROXY_SERVER = object('proxyServer', {
  proxyEnabled: flag,
  proxyFromHeaderEnabled: flag,
  proxyHost: text({ form: PROXY_HOST, words: 'a name or an address, without a port' }),
  proxyPort: integer(1, 65_535),
  proxyAuthorizationNeeded: flag,
  proxyUsername: text({ form: /^[^:\0-\x1f\x7f]{1,256}$/, words: 'up to 256 characters without a colon' }),
  proxyPassword: text({ form: /^[^\0-\x1f\x7f]{0,1024}$/, words: 'up to 1024 characters of one line' }),
  allowedProxyList: list((value, path, faults) => {
    if (typeof value !== 'string' || readPlace(value) === null)
      faults.add(path, 'a proxy that may be named is written host:port')
  }, 20),
})

const ENDPOINT = object(
  'an endpoint',
  {
    name: text({ most: 1024 }),
    httpMethod: choice(...METHODS),
    backendResourceUrl: text({ most: 2048 }),
    backendHttpMethod: choice(...METHODS),
    enabled: flag,
    sampleResponse: object('sampleResponse', {
      contentType: text({ most: 200 }),
      body: text({ most: 1_048_576 }),
    }),
  },
  ['name', 'httpMethod', 'backendResourceUrl'],
)

/** The settings of a proxy by the name of their call; the client route has rules of its own. */
export const GROUPS: Readonly<Record<string, Shape>> = {
  routingInfo: ROUTING,
  connection: CONNECTION,
  circuitBreaker: BREAKER,
  errorHandling: object('errorHandling', ERRORS),
  mtls: MTLS,
  proxyServer: PROXY_SERVER,
  ntlmSettings: refused('NTLM is a handshake of each connection for one user, and not planned'),
  grpc: GRPC,
  websocket: WEBSOCKET,
}

export const CREATION_TYPES = ['REVERSE_PROXY', 'EMPTY_API'] as const

export function proxyShape(clientRoute: Shape): Shape {
  return object(
    'a proxy',
    {
      projectName: name,
      apiProxyName: name,
      apiProxyDescription: text({ most: 4096 }),
      apiProxyCreationType: (value, path, faults) => {
        if (value === 'OPEN_API' || value === 'SWAGGER' || value === 'WSDL')
          return faults.add(path, `${value} is not read here: write the endpoints of an EMPTY_API`)
        choice(...CREATION_TYPES)(value, path, faults)
      },
      clientRoute,
      endpoints: list(ENDPOINT, 10_000),
      ...GROUPS,
    },
    ['apiProxyName', 'clientRoute', 'routingInfo'],
  )
}

const anything = (_value: JsonValue): void => {
  // what stands in it is checked by itself
}

export const DEPLOYMENT = object(
  'a deployment',
  { projectName: name, apiProxyName: name, environmentName: name, Proxy: anything },
  ['projectName', 'apiProxyName', 'environmentName', 'Proxy'],
)

export const KEY_STORE = object('a key store', { name, certificate: text(), key: text() }, [
  'name',
  'certificate',
  'key',
])
export const TRUST_STORE = object('a trust store', { name, ca: text() }, ['name', 'ca'])
