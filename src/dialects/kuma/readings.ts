/**
 * Every place where this dialect decides something that the reference leaves open or does otherwise. `Q`: a peculiarity of Kuma 2.5, and what becomes of it here; `R`: our
 * decision; `X`: an addition of ours. docs/dialects/kuma.md shows the list, and a test holds it to that.
 */
export interface Reading {
  readonly mark: 'Q' | 'R' | 'X'
  /** Of spec/kuma.md. */
  readonly section: string
  readonly text: string
}

const reading = (mark: Reading['mark'], section: string, text: string): Reading => ({ mark, section, text })

export const READINGS: readonly Reading[] = [
  reading(
    'R',
    '1',
    'Both forms are taken in files and calls; what is stored and shown is the Universal one. The mesh `default` is made with the first resource in it.',
  ),
  reading(
    'Q',
    '1',
    'Unknown fields have no effect, as in Kuma (the published example writes `requestHeader`); each brings a warning with its path. `--strict` refuses them.',
  ),
  reading(
    'R',
    '1',
    'Of two members of one choice (`prefix` and `regex`, two balancers) none wins: it is a violation. In Kuma the last one declared does.',
  ),
  reading('R', '1', '`minringsize` and `maxringsize`, as the page writes them, are taken, with a warning.'),
  reading('R', '1', 'A tag whose value is a number is refused as in Kuma, with the quoted form in the hint.'),
  reading(
    'Q',
    '3',
    '`ringHash` without `hashFunction`, which Kuma refuses although its schema has a default, gets that default (XX_HASH).',
  ),
  reading(
    'R',
    '3',
    'Patterns are compiled when a route is written; what RE2 does not know is refused there, and not found out by a proxy.',
  ),
  reading('R', '3', 'Header names are compared without case, so that `HOST` is refused like `host`.'),
  reading(
    'R',
    '3',
    '`minRingSize` above `maxRingSize`, sizes above 8388608 and weights whose sum is above 2^32 - 1 are refused.',
  ),
  reading(
    'Q',
    '4',
    'Of routes of equal rank the one that was created later wins, and not the one that was changed later, which is what the page says. The route made beside a mesh counts as the oldest; routes of files, which have no time, as created at one moment, so that among them the first name wins.',
  ),
  reading(
    'R',
    '4',
    'The timeouts, retries and limits that Kuma makes as policies beside a mesh are built in: connect 5 s, request 15 s, streams idle 1 h, 5 retries of 16 s each, 1 024 connections, requests and waiting ones, 3 retries at once. There are no TrafficPermissions.',
  ),
  reading(
    'R',
    '4',
    'A request timeout bounds the time between two parts of an answer and the time in which attempts begin; a long download is not cut. 0 is none.',
  ),
  reading(
    'R',
    '4',
    'Retries are made for what may be sent again: safe methods, or before a byte went out, and within the retry budget. There is no back-off between endpoints.',
  ),
  reading(
    'R',
    '4',
    'An outbound without a route accepts connections and closes them; requests on connections from before get 404. It is a warning of the Dataplane.',
  ),
  reading(
    'Q',
    '5',
    'Tags of the outbound are inherited by every leg that does not name them, also by one that leads to another service.',
  ),
  reading(
    'R',
    '5',
    'Weights are an exact rotation for each rule, over all workers; Kuma draws at random. 90:10 gives 9 and 1 of every 10.',
  ),
  reading(
    'Q',
    '5',
    'Only the legs of `conf` count for streams. In Kuma those of the `http` rules leak into the weights.',
  ),
  reading(
    'Q',
    '5',
    'Legs of the same tags share one upstream within a route. In Kuma they do over all routes of a proxy, so that two balancers collide.',
  ),
  reading(
    'R',
    '5',
    'One protocol is decided for an outbound, and all endpoints are spoken to alike. Where it changes, connections that are open go on as they began.',
  ),
  reading(
    'R',
    '5',
    'External services are filtered by their tags, and the balancer of the route applies to them. Kuma does neither.',
  ),
  reading(
    'R',
    '5',
    'The Host for an external service is its name without the port, as Envoy writes it, where no rule sets another.',
  ),
  reading(
    'R',
    '5',
    'A leg has one set of TLS settings, those of its first instance; external services with others are left out with a warning. Certificates are verified only by `caCert`, as in Kuma.',
  ),
  reading(
    'R',
    '6',
    'Paths are matched as they are resolved: percent-decoded, without dot segments and double slashes. Without a rewrite the target goes on as it came.',
  ),
  reading(
    'Q',
    '6',
    'Values of headers are literal. In Kuma Envoy formats them, and a percent sign has to be doubled.',
  ),
  reading(
    'R',
    '6',
    'Where `host.fromPath` makes what is no host (a slash in it, as of a pattern without a hit) the request is answered with 500; Envoy sends it.',
  ),
  reading('R', '6', '`OPTIONS *` is answered by the proxy, with 204; in Kuma it is 404.'),
  reading(
    'R',
    '6',
    '`x-envoy-original-path` and `x-kuma-tags` are not sent. Both proxies on the way of a request write X-Forwarded-For, X-Real-IP and their kin, as everywhere in Headgate.',
  ),
  reading(
    'R',
    '6',
    'What cannot be served is answered as Envoy does: 503 without an instance or a connection, 504 when the time is over; the bodies are ours.',
  ),
  reading(
    'R',
    '7',
    'A connection is tried at up to 5 instances of its leg, or `conf.retry.numRetries` more than one; when none is left it is closed.',
  ),
  reading(
    'R',
    '8',
    'The application of an inbound must not be at the address where the inbound listens: there is no transparent proxying.',
  ),
  reading(
    'R',
    '8',
    'Of two listeners of a proxy at one address the first of its document is served, inbounds before outbounds; of several proxies in one process the first by name. Whoever has to stand back is told.',
  ),
  reading(
    'R',
    '8',
    'The zone of a proxy is that of its own tags; without one, localities play no part for it.',
  ),
  reading(
    'Q',
    '11',
    'Without `hashPolicies` ringHash and maglev choose by chance for requests, as in Kuma; streams are kept by the address of their client.',
  ),
  reading('Q', '11', 'Ring sizes of 0, or none, are the defaults. Envoy gets an empty ring of them.'),
  reading('R', '11', '`roundRobin` takes turns over all workers of a proxy, and not in each for itself.'),
  reading(
    'X',
    '12',
    '`conf.http[].match.queryParameters`: names to matchers, as `headers`. A name that comes several times is compared by its first value.',
  ),
  reading(
    'X',
    '12',
    '`hashPolicies` of ringHash and maglev: `Header`, `Cookie`, `SourceIP` (also `Connection`), `QueryParameter`, each with `terminal`. A cookie with a `ttl` is made where the request has none, of the addresses of its connection (Envoy’s way); `0s` is a cookie of the session. For streams only the address counts.',
  ),
  reading(
    'X',
    '12',
    '`conf.http[].mirror` {percentage, destination}: a copy goes there, of every n-th request that the percentage makes due, counted by each worker; its answer is dropped.',
  ),
  reading(
    'X',
    '12',
    '`conf.timeout` {connectTimeout, idleTimeout, http.requestTimeout} and `conf.retry` {numRetries, perTryTimeout, retriableStatusCodes} in place of the built-in values. Who writes a request timeout and no perTryTimeout has no bound of an attempt.',
  ),
]
