/** What each start-up setting is for; `generate-docs.ts` puts type, unit and default beside it. A test asks for one for every setting. */
export const SETTING_DESCRIPTIONS: Readonly<Record<string, string>> = {
  listen: 'Addresses on which traffic comes in. Flag `--listen`.',
  listenTls: 'Addresses on which HTTPS comes in, see [tls.md](tls.md). Flag `--listen-tls`.',
  listenTcp:
    'Addresses on which TCP streams come in; with `tls://` before one TLS ends there. Flag `--listen-tcp`.',
  listenUdp: 'Addresses on which UDP comes in. Flag `--listen-udp`.',
  proxyProtocol:
    'Those of the addresses above, as written there, at which connections begin with a PROXY protocol header. Flag `--proxy-protocol`.',
  'tls.certificate':
    'File (PEM, with its chain) of the certificate for names that no document has one for. null: such handshakes fail. Flag `--tls-cert`.',
  'tls.key': 'File (PEM) of its private key. Flag `--tls-key`.',
  'tls.minVersion': 'Oldest version of TLS that clients may use; a certificate may say otherwise.',
  'tls.ciphers': "Ciphers up to TLS 1.2 in OpenSSL's form. null: Node's own.",
  'tls.http2': 'Whether clients are offered HTTP/2 in the handshake.',
  'tls.handshakeTimeoutMs': 'How long a handshake may take.',
  'tls.ticketSeconds':
    'How often the keys of session tickets are made anew; tickets of the last ones are still taken.',
  'admin.listen': 'Address of the Admin API. null: none. Flag `--admin`.',
  'admin.key':
    'Key of the Admin API. null: one is made at the first start and kept in `admin.key`. Flag `--admin-key`.',
  'admin.viewerKey': 'A second key that reads and never writes. null: none.',
  'admin.allowRemote':
    'Whether the admin listener may be an address that other machines reach. Flag `--admin-remote`.',
  'admin.insecureKey':
    'Whether a well-known or short key is taken, on loopback only. Flag `--insecure-admin-key`.',
  'admin.keySources': "Where a dialect's API takes the key from. Our own endpoints always read the header.",
  'admin.cors': 'Origins that get CORS fields and may write from a browser.',
  'admin.allow': 'Client addresses and networks that may talk to the Admin API.',
  'admin.hosts': 'Names accepted in Host, beside the address that the listener stands on.',
  status: 'Address of the keyless status listener. null: none. Flag `--status`.',
  store: '`memory`, or the data directory of the embedded store. Flag `--store`.',
  config: 'File or directory of routing documents; the Admin API is then read-only. Flag `--config`.',
  workers: 'Worker threads; 0: as many as there are processors. Flag `--workers`.',
  'accessLog.path': 'A file, `-` for standard output, null: no access log. Flag `--access-log`.',
  'accessLog.format': 'Form of a line, see [access-log.md](access-log.md).',
  'accessLog.escape': 'How a template writes values: `text` as nginx does, `json` for between JSON quotes.',
  'accessLog.fields': 'More fields for `json`: name to template, such as `tenant: $http_x_tenant`.',
  'accessLog.statuses': 'Only requests with these statuses leave a line. Empty: all.',
  'accessLog.minDurationMs': 'Only requests that took so long leave a line.',
  'accessLog.sampleRatio':
    'Share of the successes (status below 400, no error) that leave a line; the request id decides.',
  'accessLog.skipPaths': 'Paths that leave no line, health probes for example. A `*` at the end: any rest.',
  'accessLog.skipRoutes': 'Routes, by id or name, that leave no line. A `*` at the end: any rest.',
  'accessLog.redactHeaders': 'Header fields whose values are shown as `***`.',
  'accessLog.redactQuery': 'Names in a query (also that of the Referer) whose values are shown as `***`.',
  'accessLog.bufferBytes': 'Lines that may wait in each worker. What finds no room is dropped and counted.',
  'accessLog.flushMs': 'Longest time a line waits before it is written.',
  'requestId.field': 'Field of the request id; it is taken over from `trustedPeers` only.',
  'requestId.toUpstream':
    'Whether endpoints get the id. What other clients sent in the field is dropped then.',
  'requestId.toClient': 'Whether every answer carries the id.',
  'tracing.mode': 'What is done with W3C trace fields, see [tracing.md](tracing.md).',
  'tracing.trustIncoming': 'Whether trace fields of any client count. false: only those of `trustedPeers`.',
  'tracing.sampleRatio': 'Share of the traces begun here that carry the sampled flag.',
  'metrics.maxSeries':
    'Series of one metric in one scrape; what is over it is summed up under `_other`. Also the routes read for a scrape.',
  'metrics.dropLabels':
    'Labels to leave out, each as `metric.label`: series that then are the same are added up. See metrics.md.',
  'metrics.apisix': 'Whether `/apisix/prometheus/metrics` gives metrics in the names of APISIX.',
  'metrics.apisixPrefix': 'What those names begin with (`metric_prefix` in APISIX).',
  'profile.seconds': 'How long the CPU profile of SIGUSR2 runs.',
  'profile.directory': 'Where it is written. null: the data directory, or the temporary folder.',
  zone: 'The part of the network that the gateway is in, for upstreams that prefer endpoints of their own zone. null: not known.',
  attemptsField:
    'Whether answers tell in `X-Headgate-Attempts` how often the request was sent: to nobody, to `trustedPeers`, to everybody.',
  logLevel: 'How much the log on standard error tells. Flag `--log-level`.',
  sections:
    'The dialects a listener searches, in this order. What no route takes gets the 404 of the last one that has routes.',
  trustedPeers: 'Addresses and networks whose forwarding fields (X-Forwarded-*, Forwarded) count.',
  errorField: 'Whether answers made by the gateway name their cause in `X-Headgate-Error`.',
  explainField:
    'Whether answers name the choices behind them in `X-Headgate-Explain` ([explain.md](explain.md)): to nobody, to `trustedPeers`, to everybody. It tells names of your configuration.',
  via: 'Name of this gateway in the Via field of requests and answers. null: no Via.',
  fieldsWithUnderscore: 'What happens to request fields with `_` in their name.',
  'limits.maxTargetBytes': 'Longest request target. Over it: 414.',
  'limits.maxHeadBytes': 'Largest request head. Over it: 431.',
  'limits.maxFields': 'Most fields in a request. Over it: 431.',
  'limits.maxTrailerBytes': 'Largest trailer section, requests and answers.',
  'limits.maxTrailerFields': 'Most trailer fields, requests and answers.',
  'limits.maxResponseHeadBytes': 'Largest answer head of an endpoint. Over it: 502.',
  'limits.maxResponseFields': 'Most fields in an answer of an endpoint. Over it: 502.',
  'limits.maxBodyBytes': 'Largest request body. Over it: 413. 0: no bound, bodies are streamed.',
  'limits.maxInspectedBodyBytes':
    'How much of a body is read for conditions that look into it. Over it the body variables are absent.',
  'limits.replayBytes': 'How much of one body is kept so that another attempt can send it again.',
  'limits.replayTotalBytes': 'The same for all requests of the process together.',
  'limits.mirrorRequests':
    'Copies of requests for mirrors that may be under way at once. Over it they are not sent, and counted. 0: none is sent.',
  'limits.mirrorBodyBytes':
    'Longest body of a request that is copied; it is kept in memory until it is complete.',
  'limits.headerTimeoutMs': 'Time for a request head to arrive. Then: 408.',
  'limits.keepAliveMs': 'How long an idle client connection stays open.',
  'limits.maxRequestsPerConnection': 'Requests on one client connection; the last answer closes it.',
  'limits.bodyIdleMs': 'Longest silence inside a request body. Then: 408.',
  'limits.minBodyRate': 'Slowest rate of a request body, after `bodyRateGraceMs`. Below it: 408. 0: any.',
  'limits.bodyRateGraceMs': 'From when on the rate of a body counts.',
  'limits.writeStallMs': 'How long a client may read nothing while bytes wait for it.',
  'limits.drainBytes':
    'Rest of a request body that is read and dropped after an early answer; more closes the connection.',
  'limits.drainMs': 'The time for that.',
  'limits.maxConnections':
    'Client connections of the process. 0: 50 000 or 80 % of the descriptor limit, whichever is less.',
  'limits.maxConnectionsPerAddress': 'Client connections of one address. 0: no bound.',
  'limits.bufferHighBytes': 'Bytes that may wait in one direction of one stream; above it reading stops.',
  'limits.tunnelIdleMs':
    'A WebSocket or other tunnel without a byte in either direction for so long is closed.',
  'limits.maxStreams': 'Streams of one HTTP/2 connection at once.',
  'limits.maxInterimAnswers': 'Interim answers (1xx) before the final one. Over it: 502.',
  'limits.maxObjects': 'Documents in the store. Over it writes are refused.',
  'limits.maxPatternLength': 'Longest regular expression in a document.',
  'limits.maxJsonDepth': 'Deepest nesting in a document.',
  'limits.retryBudgetRatio':
    'Share of the requests of the last 10 s that may be retried after bytes went out, per upstream.',
  'limits.retryBudgetPerSecond': 'Such retries allowed per second whatever the share says.',
  'limits.overloadHeapPercent':
    'From so much of the memory that a worker may have, answers end their connections. 0: never.',
  'limits.overloadRefusePercent': 'From so much, new requests get 503 (OVERLOADED). 0: never.',
  'limits.overloadDelayMs':
    'A worker whose timers are so late for half a second refuses new requests. 0: never. One that is 2 s late is replaced.',
  'drain.delayMs': 'After SIGTERM: how long connections are still accepted while `/readyz` says no.',
  'drain.timeoutMs': 'How long requests may then run on. What is left is cut.',
  'dns.servers': 'Name servers, with a port where it is not 53. Empty: those of `/etc/resolv.conf`.',
  'dns.timeoutMs': 'How long one name server has for an answer. Each is asked twice.',
  'dns.minTtlSeconds': 'An answer is used at least so long, whatever its TTL says.',
  'dns.maxTtlSeconds': 'And at most so long.',
  'dns.graceSeconds':
    'How long addresses stay in use when a name server says that their name does not exist any more. When no name server answers, they stay.',
  'dns.search': 'Domains that are tried behind a name. null: those of `/etc/resolv.conf`.',
  'dns.families':
    'Which addresses are asked for. `auto`: IPv6 ones where this machine has one that reaches beyond its link, or a name has no others.',
  'apisix.router': 'Order of matching, as `apisix.router.http` in APISIX.',
  'apisix.inlineTimeout':
    'Timeouts of upstreams written inside traffic-split that have none. 15 as its page says; 60 as its code does.',
  'apisix.serverTokens': 'Whether the Server field shows a version.',
  'apisix.showUpstreamStatus':
    'Whether every answer of an upstream carries X-APISIX-Upstream-Status; otherwise those of 500 and above do.',
  'apisix.httpsPort': 'Port in redirects to https. null: none is written.',
  'apisix.realIpFrom': 'Addresses that may name the client in X-Real-IP.',
  'tencent.domain': 'Tencent services are addressed as `<ServiceId>.<domain>`.',
  'tencent.api_default_retries':
    'Retries of Tencent upstreams that name none. 5 as the console says; 3 follows the API reference.',
  'tencent.shared_instances':
    'Whether Tencent services without an InstanceId may use upstreams: `dedicated` counts them as services of a dedicated instance, `enforce` refuses.',
  'tencent.instances':
    'Dedicated instances by InstanceId, each with the network that it runs in: `{ins-1: {UniqVpcId: vpc-1}}`. Upstreams of another network bring a warning.',
  'tencent.ignore_header_case':
    'Whether `header.NAME` of conditions takes names of fields in any case. The vendor compares them as they are sent.',
  'tencent.strict_conditions': 'Whether conditions may use only operators that the vendor documents.',
  'tencent.strict_names':
    'Whether names of policies may have only what the vendor’s JSON reference allows: letters, digits and `% ~ _ \\ - . { } ? & =`; else any printable text.',
  'tencent.microservices':
    'Where microservices of TSF backends are: `{cls-1/namespace-1/billing: "billing.internal:8080"}`. A name stands for all its addresses.',
  'tencent.clusters':
    'Where the pods of upstreams of type K8S are read, by ClusterId: `{cls-1: {kubeconfig: /etc/headgate/cls-1.yaml}}`, `{cls-1: {server: "https://10.0.0.1:6443", tokenFile: /run/token, caFile: /run/ca.crt}}`, `{cls-1: {inCluster: true}}`, a folder of files `{cls-1: {directory: /etc/headgate/cls-1}}`, or headless Services in DNS `{cls-1: {dns: "{service}.{namespace}.svc.cluster.local"}}` (of a name that begins with `_`, SRV records). `context` chooses one of a kubeconfig. A token is sent over https only, or within the machine.',
  'apinizer.root_context': "What stands before every path of Apinizer's client routes: '' or `/apigateway`.",
  'apinizer.environments':
    'Where proxies of Apinizer are deployed: `{production: {variables: {HOST: "10.0.0.1"}, ports: [9080]}}`. Without `ports` an environment is served by all listeners.',
  'kuma.listen':
    'Address of the control plane of a mesh, its own API: `127.0.0.1:5681`. null: there is none.',
  'kuma.dataplanes':
    'Data plane proxies that run in this process, by `name` or `mesh:name`; `all` stands for every one that has a document.',
  'kuma.strict':
    'Whether fields of Kuma resources that mean nothing are refused. false: they are kept, as in the reference, and bring a warning.',
  'tencent.functions':
    'Where functions are called: `{default/resize/$LATEST: "http://127.0.0.1:9000"}`. Behind it may stand the path that events are posted to; functions of type HTTP get the path of the caller.',
  'tencent.namespace_codes':
    'What requests call a namespace of microservices in X-NameSpace-Code: `{namespace-dddd4444: prod}`. Without an entry it is called by its id.',
  'tencent.credentials': `Who may sign calls of \`/tencent\` (TC3-HMAC-SHA256) in place of a key, by SecretId: \`{AKID1: {SecretKey: "\${{TENCENT_SECRET_KEY}}", role: viewer}}\`. The role is \`admin\` without one.`,
}

/** Units of settings whose name does not end in one. */
export const SETTING_UNITS: Readonly<Record<string, string>> = {
  'limits.minBodyRate': 'bytes per second',
  'limits.maxPatternLength': 'characters',
  'limits.maxJsonDepth': 'levels',
  'limits.retryBudgetPerSecond': 'retries per second',
  'apisix.inlineTimeout': 'seconds',
}
