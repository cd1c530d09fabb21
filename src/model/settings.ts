/** Start-up settings: everything that is not a routing document. Defaults, units and limits of each stand in defaults.ts. */
export interface Settings {
  /** `host:port` of each traffic listener. */
  readonly listen: readonly string[]
  /** `host:port` of each listener for HTTPS. */
  readonly listenTls: readonly string[]
  /** `host:port` of each listener for TCP streams; with `tls://` before it TLS ends here. */
  readonly listenTcp: readonly string[]
  /** `host:port` of each listener for UDP. */
  readonly listenUdp: readonly string[]
  /** Those of the listeners above, as written there, at which connections begin with a PROXY protocol header. Not for UDP. */
  readonly proxyProtocol: readonly string[]
  readonly tls: TlsSettings
  readonly admin: AdminSettings
  /** `host:port` of the keyless status listener, null = off. */
  readonly status: string | null
  /** `memory`, or the data directory of the embedded store. */
  readonly store: string
  /** File or directory of routing documents, watched; null: the store is the source. */
  readonly config: string | null
  /** Worker threads, 1-256. */
  readonly workers: number
  readonly accessLog: AccessLogSettings
  readonly requestId: RequestIdSettings
  readonly tracing: TracingSettings
  readonly metrics: MetricsSettings
  readonly profile: ProfileSettings
  /** Part of the network that the gateway is in, for upstreams that prefer endpoints of their own zone; null: not known. */
  readonly zone: string | null
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Order in which listeners search the dialects' sections. */
  readonly sections: readonly string[]
  /** Addresses and CIDR blocks whose forwarding fields count. */
  readonly trustedPeers: readonly string[]
  /** Whether gateway-made answers name their cause in X-Headgate-Error. */
  readonly errorField: boolean
  /** Whether answers tell in `X-Headgate-Attempts` how often the request was sent: to nobody, to `trustedPeers`, to everybody. */
  readonly attemptsField: 'off' | 'trusted' | 'always'
  /** Whether answers name the choices behind them in `X-Headgate-Explain`: to nobody, to `trustedPeers`, to everybody. */
  readonly explainField: 'off' | 'trusted' | 'always'
  /** Value of the Via field added on both sides; null = none. */
  readonly via: string | null
  readonly fieldsWithUnderscore: 'pass' | 'drop' | 'reject'
  readonly limits: Limits
  readonly drain: DrainSettings
  readonly dns: DnsSettings
  readonly apisix: ApisixSettings
  readonly tencent: TencentSettings
  readonly apinizer: ApinizerSettings
  readonly kuma: KumaSettings
}

/** TLS towards clients. */
export interface TlsSettings {
  /** Files (PEM) of the certificate, with its chain, and of its key for names that no document has a certificate for; null: such handshakes fail. */
  readonly certificate: string | null
  readonly key: string | null
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** In OpenSSL's form, for TLS 1.2 and before; null: Node's own. */
  readonly ciphers: string | null
  /** Whether clients may speak HTTP/2. */
  readonly http2: boolean
  /** How long a handshake may take. Milliseconds. */
  readonly handshakeTimeoutMs: number
  /** Resumption is offered by tickets; their keys are made anew so often, and the last ones are still taken. Seconds. */
  readonly ticketSeconds: number
}

export interface AdminSettings {
  /** `host:port`; null = off. */
  readonly listen: string | null
  /** null: made at first start and kept in the data directory. */
  readonly key: string | null
  readonly viewerKey: string | null
  readonly insecureKey: boolean
  /** Whether `listen` may be an address that other machines reach; the key then travels unencrypted. */
  readonly allowRemote: boolean
  readonly keySources: readonly ('header' | 'query' | 'cookie')[]
  /** Origins that get CORS fields. */
  readonly cors: readonly string[]
  /** Client addresses that may talk to it, CIDR blocks. */
  readonly allow: readonly string[]
  /** Names accepted in Host beside the address it listens on. */
  readonly hosts: readonly string[]
}

export interface AccessLogSettings {
  /** A file, `-` for standard output, null = off. */
  readonly path: string | null
  /** A preset (`json`, `combined`, `apisix`), or a template: a text that holds a `$`. */
  readonly format: string
  /** How values of a template are written: `text` as nginx does (`\xXX`, `-` for nothing), `json` for between JSON quotes. */
  readonly escape: 'text' | 'json'
  /** More fields for `json`: name to template. */
  readonly fields: Readonly<Record<string, string>>
  /** Only these: `404`, `5xx`, `500-503`; empty: all. */
  readonly statuses: readonly string[]
  /** Only requests that took so long. Milliseconds, 0 = all. */
  readonly minDurationMs: number
  /** Share of the successes (below 400, no error) that are written, 0-1; chosen by the request's id. */
  readonly sampleRatio: number
  /** Paths that leave no line; `*` at the end stands for any rest. */
  readonly skipPaths: readonly string[]
  /** Ids or names of routes that leave no line; `*` at the end stands for any rest. */
  readonly skipRoutes: readonly string[]
  /** Header fields whose values are hidden wherever a line would show them. */
  readonly redactHeaders: readonly string[]
  /** Names in a query whose values are hidden. */
  readonly redactQuery: readonly string[]
  /** Bytes that may wait in one worker; a line over it is dropped and counted. */
  readonly bufferBytes: number
  /** Longest time a line waits before it is written. */
  readonly flushMs: number
}

export interface RequestIdSettings {
  /** Field of the id. It is taken over from `trustedPeers` only. */
  readonly field: string
  /** Whether endpoints get it; the client's own field then never passes, unless a trusted peer sent it. */
  readonly toUpstream: boolean
  /** Whether every answer carries it. */
  readonly toClient: boolean
}

/** W3C Trace Context. */
export interface TracingSettings {
  /**
   * `pass`: valid fields go on as they came, others are dropped; `start`: also begins a trace where none came, and gives each attempt a span id
   * of its own; `off`: the fields are like any other.
   */
  readonly mode: 'pass' | 'start' | 'off'
  /** Whether fields of any client count; false: only those of `trustedPeers`, others are dropped. */
  readonly trustIncoming: boolean
  /** Share of the traces begun here that carry the sampled flag, 0-1. */
  readonly sampleRatio: number
}

/** What scrapers get. */
export interface MetricsSettings {
  /** Series of one metric in one scrape, and routes that are read for it. What is over it is summed up under `_other`. */
  readonly maxSeries: number
  /** `metric.label` each: series that differ only in these labels become one. */
  readonly dropLabels: readonly string[]
  /** Whether /apisix/prometheus/metrics is served. */
  readonly apisix: boolean
  /** What names there begin with; APISIX calls it `metric_prefix`. */
  readonly apisixPrefix: string
}

/** CPU profiles by SIGUSR2. */
export interface ProfileSettings {
  readonly seconds: number
  /** null: the data directory, or the temporary folder where nothing is kept. */
  readonly directory: string | null
}

/** Everything has a limit; its name stands in the error. Bytes, milliseconds, counts. */
export interface Limits {
  readonly maxTargetBytes: number
  readonly maxHeadBytes: number
  readonly maxFields: number
  readonly maxTrailerBytes: number
  readonly maxTrailerFields: number
  readonly maxResponseHeadBytes: number
  readonly maxResponseFields: number
  /** 0 = unlimited (streamed). */
  readonly maxBodyBytes: number
  /** Body kept for a predicate that reads it. */
  readonly maxInspectedBodyBytes: number
  /** Body kept for replay on a retry, per request and per process. */
  readonly replayBytes: number
  readonly replayTotalBytes: number
  /** Copies of requests for mirrors under way, of the process; over it they are not sent. 0: none is. */
  readonly mirrorRequests: number
  /** A request with a longer body is not copied. */
  readonly mirrorBodyBytes: number
  readonly headerTimeoutMs: number
  readonly keepAliveMs: number
  readonly maxRequestsPerConnection: number
  readonly bodyIdleMs: number
  /** Bytes per second after `bodyRateGraceMs`. */
  readonly minBodyRate: number
  readonly bodyRateGraceMs: number
  /** A client that reads nothing while bytes wait for it. */
  readonly writeStallMs: number
  /** Rest of a request body that is read and dropped after an early answer. */
  readonly drainBytes: number
  readonly drainMs: number
  /** Client connections of the process; 0 = 50 000 or 80 % of the descriptor limit, whichever is less. */
  readonly maxConnections: number
  /** Client connections of one address; 0 = off. */
  readonly maxConnectionsPerAddress: number
  /** Bytes waiting in one direction of one stream: above it reading stops, and goes on when all of them are with the system. */
  readonly bufferHighBytes: number
  readonly maxInterimAnswers: number
  /** WebSockets and other tunnels without a byte in either direction. */
  readonly tunnelIdleMs: number
  /** Streams of one HTTP/2 connection at once. */
  readonly maxStreams: number
  readonly maxObjects: number
  readonly maxPatternLength: number
  readonly maxJsonDepth: number
  /** Share of requests of the last 10 s that may be retried after bytes went out, plus so many per second. 0-1. */
  readonly retryBudgetRatio: number
  readonly retryBudgetPerSecond: number
  /** Share of a worker's memory from which answers end their connections, and from which new requests get 503. Percent, 0 = never. */
  readonly overloadHeapPercent: number
  readonly overloadRefusePercent: number
  /** A worker whose timers are so late, half a second long, refuses new requests. Milliseconds, 0 = never. */
  readonly overloadDelayMs: number
}

export interface DrainSettings {
  /** Keeps accepting for so long after SIGTERM while /readyz says no. */
  readonly delayMs: number
  readonly timeoutMs: number
}

/** How names of endpoints are looked up, on the main thread. The hosts file goes first. */
export interface DnsSettings {
  /** Addresses of name servers, each with a port where it is not 53 (`127.0.0.1:5353`); empty: those of resolv.conf. */
  readonly servers: readonly string[]
  /** Of one question to one server, which is put twice. */
  readonly timeoutMs: number
  /** Bounds on how long an answer is used, whatever its TTL says. */
  readonly minTtlSeconds: number
  readonly maxTtlSeconds: number
  /** How long the last good answer of a name stays when its servers say that there is no such name any more. */
  readonly graceSeconds: number
  /** Domains tried behind a name; null: those of resolv.conf. */
  readonly search: readonly string[] | null
  /** Kinds of addresses that are asked for; `auto`: IPv6 ones where this machine has one that reaches beyond its link, or a name has no others. */
  readonly families: 'auto' | 'both' | 'ipv4' | 'ipv6'
}

/** How the APISIX dialect behaves where the reference has a start-up setting. */
export interface ApisixSettings {
  /** Index order: host first (the reference's default), path first, or path first with `:params`. */
  readonly router: 'radixtree_host_uri' | 'radixtree_uri' | 'radixtree_uri_with_parameter'
  /** Timeout of inline upstreams in traffic-split that have none, seconds. 15 as its page says; 60 follows its code. */
  readonly inlineTimeout: number
  /** `Server: APISIX/<version>`, or `APISIX` when false. */
  readonly serverTokens: boolean
  readonly showUpstreamStatus: boolean
  /** Port in redirects to https; null: none is added. */
  readonly httpsPort: number | null
  /** Peers that may name the client in X-Real-IP. */
  readonly realIpFrom: readonly string[]
}

/** How the Tencent dialect behaves. Names are those of its specification, not ours. */
export interface TencentSettings {
  /** Services are addressed as `<ServiceId>.<domain>`. */
  readonly domain: string
  /** Retries of upstreams that name none. 5 as the console says; 3 follows the API reference. */
  readonly api_default_retries: number
  /** Whether services without an InstanceId may use upstreams: `dedicated`, they count as those with one; `enforce`, they may not. */
  readonly shared_instances: 'dedicated' | 'enforce'
  /** What is known of dedicated instances, by InstanceId. */
  readonly instances: Readonly<Record<string, TencentInstance>>
  /** Whether `header.NAME` of conditions takes the name in any case; the vendor takes it as it is sent. */
  readonly ignore_header_case: boolean
  /** Whether conditions may use documented operators only. */
  readonly strict_conditions: boolean
  /** Whether names of policies may have only the characters of the vendor's JSON reference: letters, digits and `%~_\-.{}?&=`. */
  readonly strict_names: boolean
  /** Where functions are called by HTTP: `namespace/name/qualifier` to `http://host[:port]`, and for those of type EVENT with the path that events are posted to (`/`). */
  readonly functions: Readonly<Record<string, string>>
  /** Where microservices are: `ClusterId/NamespaceId/MicroServiceName` to `host:port`; a name stands for all its addresses. */
  readonly microservices: Readonly<Record<string, string>>
  /** What requests call a namespace of microservices in X-NameSpace-Code, by NamespaceId; absent: its id. */
  readonly namespace_codes: Readonly<Record<string, string>>
  /** Who may sign calls of the vendor's API (TC3-HMAC-SHA256) in place of a key of the gateway, by SecretId; empty: signatures are not looked at. */
  readonly credentials: Readonly<Record<string, TencentCredential>>
  /** How the clusters of containers are read, by ClusterId. */
  readonly clusters: Readonly<Record<string, ClusterSettings>>
}

export interface TencentCredential {
  readonly SecretKey: string
  /** What it may do, as the admin and the viewer key; absent: admin. */
  readonly role?: 'admin' | 'viewer'
}

/** One of `directory`, `dns`, `kubeconfig`, `server` and `inCluster` says where the pods of a cluster are read. */
export interface ClusterSettings {
  /** Folder of YAML and JSON files with Services, EndpointSlices and Pods. */
  readonly directory?: string
  /**
   * Name of a headless Service in DNS, with `{service}` and `{namespace}` in it. Its addresses are pods, at the Service's port; of a name that begins with `_` SRV
   * records are asked for, which have ports of their own.
   */
  readonly dns?: string
  /** File with addresses and credentials, as kubectl has it. */
  readonly kubeconfig?: string
  /** In that file; absent: its current one. */
  readonly context?: string
  /** URL of the API server. */
  readonly server?: string
  /** Files: the token, read again when it changes, and the certificate of the authority. */
  readonly tokenFile?: string
  readonly caFile?: string
  /** The gateway itself runs in the cluster. */
  readonly inCluster?: boolean
}

/** How the Apinizer dialect behaves. Names are those of its specification. */
export interface ApinizerSettings {
  /** Taken off paths before routes are looked for: '' or `/apigateway`. */
  readonly root_context: string
  /** Where proxies are deployed, by name. */
  readonly environments: Readonly<Record<string, ApinizerEnvironment>>
}

export interface ApinizerEnvironment {
  /** What `${NAME}` in addresses stands for; absent: nothing. */
  readonly variables?: Readonly<Record<string, string>>
  /** Ports of the listeners that serve what is deployed there; absent or empty: all. */
  readonly ports?: readonly number[]
}

export interface TencentInstance {
  /** The network that it runs in. */
  readonly UniqVpcId: string
}

/** The mesh: its control plane, and the proxies that run in this process. */
export interface KumaSettings {
  /** `host:port` of the control plane's own API; null: there is none. */
  readonly listen: string | null
  /** Proxies that this process runs, each `name` or `mesh:name`; `all`: every one that has a document. */
  readonly dataplanes: readonly string[]
  /** Whether fields that mean nothing are refused; false: they bring a warning. */
  readonly strict: boolean
}
