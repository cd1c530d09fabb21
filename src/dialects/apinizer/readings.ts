/**
 * Every decision of this dialect that the vendor's documentation does not make. `I`: our reading where it is silent or vague; `X`: an addition or local name of
 * ours. docs/dialects/apinizer.md shows the list, and a test holds it to that.
 */
export interface Reading {
  readonly mark: 'I' | 'X'
  /** Of spec/apinizer.md. */
  readonly section: string
  readonly text: string
}

const reading = (mark: 'I' | 'X', section: string, text: string): Reading => ({ mark, section, text })

export const READINGS: readonly Reading[] = [
  reading(
    'X',
    '2.1',
    'The fields `protocol` and `port` of a client route are called so here; `grpc` is known by its content type, `ws` and `wss` by their Upgrade field.',
  ),
  reading('I', '2.1', 'A port that no listener has is a warning; the route is stored all the same.'),
  reading('I', '2.1', 'The port in the Host field plays no part.'),
  reading(
    'I',
    '2.1',
    'Bodies are never held back as a whole, whatever `bufferRequest` and `bufferResponse` say: there are no policies that would read them.',
  ),
  reading(
    'I',
    '2.2',
    'A path takes what lies below it at the border of a segment; a slash at the end says nothing.',
  ),
  reading(
    'I',
    '2.3',
    '`*.example.com` does not take `example.com`, nor `example.*` `www.example.com`; several labels may stand for the star.',
  ),
  reading('I', '2.3', 'An asterisk in the middle, as part of a label, or a second one is refused.'),
  reading(
    'I',
    '2.1',
    'Methods of the list may be written in any case; that of a request is compared as it was sent, since in HTTP the case of a method counts.',
  ),
  reading(
    'I',
    '2.4',
    'A route without paths comes last; of hosts exact ones, then `*.x`, then `x.*`, then none; among wildcards the longer; more headers before fewer; a list of methods before none or `ALL`.',
  ),
  reading('I', '2.4', 'A deeper path whose host, headers or method fail gives way to its parent.'),
  reading(
    'I',
    '2.4',
    'Of routes that are equal in all this the proxy that was created first goes first; of those made in one change (one file) the one with the lesser id.',
  ),
  reading('I', '2.6', 'Conflicts are reported, never refused.'),
  reading(
    'X',
    '2.6',
    'The report is `GET /apiops/projects/{project}/client-route-conflicts/`, the trace `POST /apiops/projects/{project}/route-trace/`. Each worker answers by the table that it serves; a route that passes every rule and still loses says `priority`. `port` names the listener, which also decides the protocol.',
  ),
  reading(
    'I',
    '3.1',
    'An address with a variable that its environment does not have gets nothing, with a warning.',
  ),
  reading(
    'I',
    '3.1',
    'A `healthCheckPath` that begins with a slash stands behind the address with its path.',
  ),
  reading('I', '3.1', 'A list without addresses is stored; its requests are answered with ERR-003.'),
  reading(
    'X',
    '3.1',
    '`pathRewrite` is a template of an address: `{rest}` is the remaining path, `{name}` a parameter of the relative path. A parameter of a relative path may not be called `rest`.',
  ),
  reading('I', '3.2', 'The order of selection: switched off, conditions, canary, sticky session, balancing.'),
  reading(
    'I',
    '3.2',
    'ERR-014 is for a proxy with a single address that is out, ERR-135 for one with several.',
  ),
  reading('I', '3.3', 'An address without a condition always takes part.'),
  reading(
    'X',
    '3.3',
    'A condition is written `{firstValue: {source, name}, type, operator, secondValue}`, a group `{operator: AND | OR | NOT, conditions: […]}`; sources are HEADER, QUERY, BODY_JSON (a JSONPath), BODY_XML (an XPath), CLIENT_IP, CONTEXT and ENVIRONMENT. `secondValue` is a text, a number, or another `{source, name}`.',
  ),
  reading(
    'I',
    '3.3',
    'ERR-020 is answered where a value that any condition compares as a number is there and is none, before an address is chosen; ERR-021 likewise for dates.',
  ),
  reading(
    'I',
    '3.3',
    'Values of bodies are read where the Content-Type says JSON (`application/json`, `+json`) or XML (`application/xml`, `text/xml`, `+xml`); numbers and true and false compare with texts as they are written. What a JSONPath leads to beside one single value (an object, a list, several) compares as its JSON; of several nodes of an XPath the first one of the document counts, and no node is an absent value.',
  ),
  reading(
    'I',
    '3.3',
    'Names in an XPath are compared as they are written in the document: `//s:Body` finds the elements with that prefix, and a default namespace plays no part.',
  ),
  reading(
    'X',
    '3.3',
    'XML is read up to 256 KiB, 10 000 elements, attributes and texts, and 128 elements inside each other, and never with a document type; an expression takes at most 100 000 steps over it. Beyond that its values are absent. Not in expressions: variables, the functions `id`, `lang` and `namespace-uri`, the axes `preceding`, `following` and `namespace`.',
  ),
  reading(
    'X',
    '3.3',
    'CONTEXT takes the vendor’s names of values that a request has here (address, port, host, method, scheme, protocol, path, query, content type and length, correlation id, root context, names of environment and proxy); REQUEST_REQUEST_URI is the path by which routes are found. The others (answers, credentials, endpoints, time, …) are refused by name.',
  ),
  reading(
    'I',
    '4.1',
    'Ties of LRU and least connections go by the order of the list; of more than 64 addresses least connections compares 64, drawn at random. URL_HASH hashes path and query.',
  ),
  reading(
    'X',
    '4.1',
    'Round robin is shared by all workers of a gateway; weighted and LRU are kept by each worker. DISTRIBUTED is refused until several gateways can share a store.',
  ),
  reading(
    'I',
    '4.2',
    'A sticky session takes the place of the balancing algorithm: a client without a good cookie goes by the hash of its address. The cookie holds the address and its signature in hexadecimal, and follows the primary address that answered; one for failover only and a canary, which is chosen before, leave it as it is.',
  ),
  reading(
    'X',
    '4.2',
    'A session with cookies needs a `hashSecret` of its own, of 16 characters at least; it is not shown again. Without `cookieTtl`, or with 0, the cookie ends with the browser.',
  ),
  reading(
    'I',
    '5.1',
    'Where the backend answers with an error, the client sees its status with the body of the template (ERR-070), unless `ignoreRoutingError` is true.',
  ),
  reading(
    'X',
    '5.1',
    'The statuses of STATUS_CODE_LIST stand in `statusCodeList` (or `errorStatusCodeList`); rows of `errorMessageList` are `{httpStatusCode, customizedHttpStatusCode, customizedErrorCode, customizedMessage}` (or `{statusCode, newStatusCode, errorCode, errorMessage}`). Both may stand in `routingInfo` too.',
  ),
  reading(
    'X',
    '5.1',
    'The condition of ADVANCED is `errorCondition`, written as one of an address; its sources are STATUS, BODY (the text), BODY_JSON (a JSONPath) and ENVIRONMENT. For the body the answer is held back until that is there, up to `limits.maxInspectedBodyBytes`; a longer one, that of events and that of a proxy with `enableStreaming` (with a warning) is absent. A body in gzip, deflate or br is looked at without its coding.',
  ),
  reading(
    'I',
    '5.1',
    'ERR-145 is answered where the condition compares as a number (a date) what is there and is none; the answer is not tried again.',
  ),
  reading('I', '5.1', 'An error whose own status is below 400 becomes 503 with the body of the template.'),
  reading('X', '5.1', 'Bodies of errors are `{"error": {"code": "ERR-069", "message": …}}`.'),
  reading(
    'X',
    '5.2',
    'Fields of the delays have the names of the vendor’s AI routing, with or without `Ms`.',
  ),
  reading(
    'I',
    '5.2',
    'Repeats are for the address of the first attempt; others get what 5.3 says. A request whose body is over the replay limit (`limits.replayBytes`) is not sent again. A `retryCount` or a failover that is written out repeats requests of any method; the failover that holds where nothing is written repeats only what may be sent twice. What is written out has a retry budget of its own: as many retries as requests.',
  ),
  reading(
    'I',
    '5.3',
    'A broken answer is one that breaks off in its head; what is no HTTP at all goes to the client as ERR-070 at once, since no such request may be sent again (reliability.md 6).',
  ),
  reading('I', '5.3', 'With failover enabled a `failoverRetryCount` of 0 counts as 1.'),
  reading(
    'I',
    '5.4',
    'The errors of a window count in fixed windows; PERCENT without requests never opens; while the one probe request is out the address counts as open.',
  ),
  reading('I', '5.4', 'What counts as an error of the breaker is what counts as one in 5.1.'),
  reading('I', '5.5', 'A check passes with 2xx or 3xx in time.'),
  reading(
    'I',
    '5.5',
    'An address that the breaker opened comes back by its sleep window, or before it by enough checks that pass; they call a half-open trial off too.',
  ),
  reading(
    'I',
    '6.1',
    'A canary that fails is out for the cooldown: at the first error as 5.1 has them (a failed connection and a time-out among them), or as the circuit breaker says where there is one, or when its checks fail. Checks that pass do not end the cooldown. The request itself goes on to the primary addresses where it may be sent again.',
  ),
  reading(
    'I',
    '6.1',
    'The counter of the canary begins anew with each deployment that changes something, and is shared by all workers, so that the share is exact over all of them.',
  ),
  reading(
    'X',
    '6.2',
    'Copies are bounded by `limits.mirrorRequests` and `limits.mirrorBodyBytes`; what is over them is dropped and counted. The counter is kept by each worker.',
  ),
  reading(
    'I',
    '6.3',
    'An echo leaves out fields of the hop and credentials (Authorization, Cookie), and takes bodies up to `limits.maxInspectedBodyBytes`.',
  ),
  reading(
    'I',
    '6.3',
    'The log names `apinizer://mirror.routing` (`apinizer://specresponse.routing`) with the path and query that a backend would have got.',
  ),
  reading('X', '6.3', 'The sample of an endpoint stands in it as `sampleResponse: {contentType, body}`.'),
  reading(
    'I',
    '7.1',
    'Escapes that a query came with stay as they are in all encoding modes; only what stands unescaped is encoded.',
  ),
  reading('X', '7.2', 'Fields of the hop, and those that Connection names, never go on.'),
  reading(
    'I',
    '7.2',
    'Bodies go on as they come, compressed or not: there are no policies that would read them. Who the client is says the setting `trustedPeers`, not a position in X-Forwarded-For.',
  ),
  reading(
    'I',
    '7.3',
    '`readTimeout` is 30 seconds where it is absent, the system setting, however the proxy was made (the create call names 60).',
  ),
  reading(
    'I',
    '7.3',
    'The shared pool keeps up to 1024 idle connections to an address and is no bound; `connectionRequestTimeout` or a CUSTOM pool make one.',
  ),
  reading(
    'I',
    '7.3',
    'Followed are 301, 302, 303, 307 and 308 to GET and HEAD without a body, and 303 to any request, by GET and without its body; every other redirect goes to the client. `relativeRedirectsAllowed` is true where it is absent. One more than `maxRedirects` is ERR-070; a Location that is no http or https address, or a relative one that may not be, ERR-068. What comes in the end is the answer of the address: its errors count for it.',
  ),
  reading(
    'X',
    '7.3',
    'To another place than that of the address a redirect is followed over HTTP/1.1, without Authorization and Cookie and without the certificate of `mtls`, and never to an address that is not for traffic (the admin listener, link-local).',
  ),
  reading(
    'I',
    '7.3',
    'Kept connections are watched all the time, so that each is as good as validated when it is used; `validateAfterInactivity` changes nothing, with a warning.',
  ),
  reading(
    'I',
    '7.3',
    'Bodies go on in the coding that client and target agree on, whatever `disableContentCompression` says: the gateway asks for none of its own and takes none off. `false` changes nothing, with a warning.',
  ),
  reading(
    'X',
    '7.4',
    'The version is `connection.httpVersion`: `HTTP/1.1`, `HTTP/2 by ALPN`, `h2c prior knowledge`.',
  ),
  reading(
    'X',
    '7.5',
    'Certificates of backends are verified against the names they are asked by (DEFAULT) and TLS is 1.2 or 1.3; NOOP leaves out the name alone, and BROWSER_COMPAT is DEFAULT.',
  ),
  reading(
    'X',
    '7.5',
    'A forward proxy has the names of the vendor’s call (`proxyEnabled`, `proxyHost`, `proxyPort`, `proxyAuthorizationNeeded`, `proxyUsername`, `proxyPassword`; the password is not shown again). http targets are asked for with their whole URL, https ones through CONNECT, both over HTTP/1.1; names of targets are left to the proxy. A 407 of it is ERR-072; any other refusal of CONNECT is a connection that failed. Redirects, checks, HTTP/2, gRPC, WebSocket and upgrades do not go through one.',
  ),
  reading(
    'X',
    '7.5',
    'With `proxyFromHeaderEnabled` a request names its proxy by X-Proxy-Host and X-Proxy-Port, which must be one of `allowedProxyList` (`host:port`, 20 at most; without a list it is refused); else it is ERR-071. Credentials are those of the document, never those of the request, and the fields do not go on.',
  ),
  reading(
    'X',
    '7.5',
    'Key and trust stores are documents of their own: `key_stores` {name, certificate, key} and `trust_stores` {name, ca}.',
  ),
  reading(
    'I',
    '8',
    'A call of gRPC keeps its whole path; a connection that cannot be made goes on to the next address, and nothing is repeated after the first byte, but for calls that a backend refuses to begin with. Addresses of gRPC are without TLS, and those of `grpcs` with it.',
  ),
  reading(
    'I',
    '8',
    'Sizes of gRPC are for what backends send: `maxInboundMessageSize` for a message, `maxInboundMetadataSize` for a head and for trailers. `perRpcBufferLimit` bounds what is kept of a call until its answer begins. A keep-alive asks while a call is under way unless `keepAliveWithoutCalls` is true.',
  ),
  reading(
    'I',
    '8',
    '`maxRetryAttempts` counts further addresses; where nothing is written each other one is asked once, at most 5. PINGs go half as often to a backend that complains of too many.',
  ),
  reading(
    'I',
    '8',
    '`maxRetries` of WebSocket says how often all addresses are asked again when none could be reached, each time after `retryDelay`, which is 500 ms where it is not written. The published defaults hold for addresses of WebSocket; handshakes at HTTP addresses are opened as other requests are, until the proxy has settings of `websocket`.',
  ),
  reading(
    'X',
    '8',
    'gRPC clients get UNIMPLEMENTED for no route and UNAVAILABLE for no backend. Hedging, events of channels, reconnecting behind an open client, pings of the gateway and `reuseAddr` are refused.',
  ),
  reading(
    'X',
    '9',
    'The fields of the vendor’s log are variables of the access log, and its metrics have the names of the gateway’s: the page of the dialect has both lists. A deployment is a route of metrics, an address a node.',
  ),
  reading(
    'X',
    '9',
    'Route health asks each worker what becomes of a request that is made up to meet the client route (its first path, host and method, and all its headers): active is what every worker that answers gives to this deployment.',
  ),
  reading(
    'X',
    '9',
    '`GET /admin/upstreams/{id}/targets` tells how targets stand; `{id}` is the name of a proxy, `project.proxy`, `project.proxy.environment`, or an upstream of any dialect. A name that stands for several addresses has a row for each.',
  ),
  reading(
    'I',
    '10',
    'Settings `addresses` and `client-route` replace, the others merge; a field that is null goes back to its default. `addresses` and `routing-status` take the other fields of `routingInfo` too, and `connection` those of retries and `ignoreRoutingError`.',
  ),
  reading(
    'I',
    '10',
    'What is not there (a proxy, an environment in the path, a group of settings) is 404, a key that may not do it 403; all else that is wrong with a call is 400.',
  ),
  reading(
    'I',
    '10',
    'Names of proxies are unique over all projects. Deleting a proxy takes its deployments with it.',
  ),
  reading(
    'X',
    '10',
    'Deploying over these calls is refused where an enabled address has a variable that the environment lacks, or is no address with its variables filled in; in files and documents of ours that is a warning.',
  ),
  reading(
    'X',
    '10',
    'Environments are those of the setting `apinizer.environments`; `ports` limits what is deployed there to some listeners, `variables` has what the variables of addresses stand for. The root context is `apinizer.root_context`.',
  ),
  reading(
    'X',
    '10',
    'Proxies in files are deployed to every environment, unless the file has a list `deployments`.',
  ),
  reading(
    'X',
    '10',
    'The short form is a deployed reverse proxy with the name that `name` gives it, or its path; several targets with weights are balanced by WEIGHTED.',
  ),
]
