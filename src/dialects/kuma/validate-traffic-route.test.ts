import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { routeWith, SITE_TO_CART, violations, yaml } from './testing.ts'
import { validate } from './validate.ts'

/** A conf, or a whole route, and the paths of all its violations. */
type Row = readonly [text: string, ...paths: readonly string[]]

const TO = 'destination: {kuma.io/service: cart}'
const rule = (text: string): string => `{${TO}, http: [{${TO}, ${text}}]}`
const match = (text: string): string => rule(`match: ${text}`)
const modify = (text: string, path = '{prefix: /a}'): string =>
  rule(`match: {path: ${path}}, modify: ${text}`)
const balancer = (text: string): string => `{${TO}, loadBalancer: ${text}}`
const split = (...legs: readonly string[]): string => `{split: [${legs.join(', ')}]}`
const leg = (weight: number | string, more = ''): string =>
  `{weight: ${weight}, destination: {kuma.io/service: cart${more}}}`

function hold(rows: readonly Row[]): void {
  for (const [text, ...paths] of rows) {
    assert.deepEqual(violations('traffic-routes', routeWith(text)), [...paths].sort(), text)
  }
}

/** Selectors in place of those of the route. */
function holdSelectors(rows: readonly Row[]): void {
  const lines = SITE_TO_CART.split('\n').filter((line) => !/^(?:sources|destinations)/.test(line))
  for (const [text, ...paths] of rows) {
    const value = yaml(`${lines.join('\n')}\n${text}\nconf: {${TO}}`)
    assert.deepEqual(violations('traffic-routes', value), [...paths].sort(), text)
  }
}

test('selectors need the service, and destinations may have nothing else', () => {
  const site = 'sources: [{match: {kuma.io/service: site}}]'
  const cart = 'destinations: [{match: {kuma.io/service: cart}}]'
  const sources = (tags: string): string => `sources: [{match: ${tags}}]\n${cart}`
  const destinations = (tags: string): string => `${site}\ndestinations: [{match: ${tags}}]`
  holdSelectors([
    [`${site}\n${cart}`],
    ['', 'sources', 'destinations'],
    ['sources: []\ndestinations: []', 'sources', 'destinations'],
    [sources('{}'), 'sources[0].match', 'sources[0].match'],
    [`sources: [{}]\n${cart}`, 'sources[0].match', 'sources[0].match'],
    [sources('{version: "1"}'), 'sources[0].match'],
    [sources('{kuma.io/service: site, version: "1", a/b:c_d.e-f: "*"}')],
    [sources('{kuma.io/service: site}}, {match: {version: v}'), 'sources[1].match'],
    [destinations('{}'), 'destinations[0].match', 'destinations[0].match'],
    [destinations('{kuma.io/service: "*"}')],
    [
      destinations('{version: "1"}'),
      'destinations[0].match',
      'destinations[0].match',
      'destinations[0].match["version"]',
    ],
    [
      destinations('{kuma.io/service: cart, version: "1"}'),
      'destinations[0].match',
      'destinations[0].match["version"]',
    ],
    [
      destinations('{kuma.io/service: a, "": b}'),
      'destinations[0].match',
      'destinations[0].match',
      'destinations[0].match[""]',
    ],
    [sources('{kuma.io/service: ""}'), 'sources[0].match["kuma.io/service"]'],
    [sources('{kuma.io/service: null}'), 'sources[0].match["kuma.io/service"]'],
    [sources('{kuma.io/service: "v*"}'), 'sources[0].match["kuma.io/service"]'],
    [sources('{kuma.io/service: "a/b:c_d.e-f"}')],
    [sources('{kuma.io/service: "a b"}'), 'sources[0].match["kuma.io/service"]'],
    [sources('{kuma.io/service: a, "b c": d}'), 'sources[0].match["b c"]'],
    [sources('{kuma.io/service: a, "": d}'), 'sources[0].match'],
    [sources(`{kuma.io/service: a, 'x"y': d}`), 'sources[0].match["x\\"y"]'],
  ])
})

test('traffic goes to a split or to a destination', () => {
  hold([
    [`{${TO}}`],
    ['null', 'conf'],
    ['{}', 'conf'],
    ['{split: []}', 'conf'],
    [`{split: [], ${TO}}`],
    [`{${TO}, split: [${leg(1)}]}`, 'conf'],
    [`{${TO}, http: [{match: {method: {exact: GET}}}]}`, 'conf.http[0]'],
    [`{${TO}, http: [{match: {method: {exact: GET}}, ${TO}, split: [${leg(1)}]}]}`, 'conf.http[0]'],
    ['{destination: {}}', 'conf.destination', 'conf.destination'],
    ['{destination: {version: "1"}}', 'conf.destination'],
    ['{destination: {kuma.io/service: "*", version: "*"}}'],
    ['{destination: {kuma.io/service: cart, version: "1*"}}', 'conf.destination["version"]'],
    [split(leg(90), leg(10, ', version: "2.0"'))],
    [split(leg(0), leg(1))],
    [split(leg(0), leg(0)), 'conf.split'],
    [split(leg('null'), leg(1)), 'conf.split[0].weight'],
    [split(leg(4_294_967_295))],
    [split(leg(4_294_967_295), leg(1)), 'conf.split'],
    ['{split: [{weight: 1}]}', 'conf.split[0].destination', 'conf.split[0].destination'],
    ['{split: [{weight: 1, destination: {version: v}}]}', 'conf.split[0].destination'],
    [split(leg(1, ', "": v')), 'conf.split[0].destination'],
    [
      `{${TO}, http: [{match: {method: {exact: GET}}, split: [{weight: 0, destination: {kuma.io/service: ""}}]}]}`,
      'conf.http[0].split',
      'conf.http[0].split[0].destination["kuma.io/service"]',
    ],
    [`{split: [${Array.from({ length: 100 }, () => leg(1)).join(', ')}]}`],
  ])
})

test('a rule matches by something, and matchers have what they compare with', () => {
  hold([
    [rule('modify: {}'), 'conf.http[0].match'],
    [match('{}'), 'conf.http[0].match'],
    [match('null'), 'conf.http[0].match'],
    [match('{method: {exact: GET}}')],
    [match('{method: {}}'), 'conf.http[0].match.method'],
    [match('{path: {}}'), 'conf.http[0].match.path'],
    [match('{path: {prefix: null}}'), 'conf.http[0].match.path'],
    [match('{path: {exact: ""}}')],
    [match('{path: {prefix: ""}}'), 'conf.http[0].match.path.prefix'],
    [match('{path: {regex: ""}}'), 'conf.http[0].match.path.regex'],
    [match('{method: {prefix: ""}}'), 'conf.http[0].match.method.prefix'],
    [match('{method: {regex: "(?=a)"}}'), 'conf.http[0].match.method.regex'],
    [match('{path: {regex: "(a)\\\\1"}}'), 'conf.http[0].match.path.regex'],
    [match('{path: {regex: "["}}'), 'conf.http[0].match.path.regex'],
    [match('{path: {prefix: /a, regex: /a}}'), 'conf.http[0].match.path'],
    [match('{headers: {}}'), 'conf.http[0].match.headers'],
    [match('{headers: {x-a: {}}}'), 'conf.http[0].match.headers["x-a"]'],
    [match('{headers: {"": {exact: a}}}'), 'conf.http[0].match.headers[""]'],
    [match('{headers: {x-a: {prefix: ""}}}'), 'conf.http[0].match.headers["x-a"].prefix'],
    [
      match('{headers: {x-a: {regex: "", exact: a}}}'),
      'conf.http[0].match.headers["x-a"]',
      'conf.http[0].match.headers["x-a"].regex',
    ],
    [match('{headers: {":authority": {exact: ""}}}')],
    [match('{queryParameters: {v: {exact: ""}}}')],
    [match('{queryParameters: {}}'), 'conf.http[0].match.queryParameters'],
    [match('{queryParameters: {"": {exact: a}}}'), 'conf.http[0].match.queryParameters[""]'],
    [match('{queryParameters: {v: {}}}'), 'conf.http[0].match.queryParameters["v"]'],
    [match('{queryParameters: {v: {regex: "("}}}'), 'conf.http[0].match.queryParameters["v"].regex'],
  ])
})

test('a pattern that is too long or unfolds to too much is refused', () => {
  const most = DEFAULT_SETTINGS.limits.maxPatternLength
  hold([
    [match(`{path: {regex: ${'a'.repeat(most)}}}`)],
    [match(`{path: {regex: ${'a'.repeat(most + 1)}}}`), 'conf.http[0].match.path.regex'],
    // 1100 steps, and those of the ends
    [match('{path: {regex: "a{900}"}}')],
    [match('{path: {regex: "a{549}a{549}"}}'), 'conf.http[0].match.path.regex'],
    [modify('{path: {rewritePrefix: /b}}', `{prefix: /${'a'.repeat(999)}}`)],
    [
      modify('{path: {rewritePrefix: /b}}', `{prefix: /${'a'.repeat(1000)}}`),
      'conf.http[0].modify.path.rewritePrefix',
    ],
  ])
})

test('changes of path and host are whole', () => {
  const path = 'conf.http[0].modify.path'
  const host = 'conf.http[0].modify.host'
  hold([
    [modify('{}')],
    [modify('{path: {}}'), path],
    [modify('{host: {}}'), host],
    [modify('{path: {rewritePrefix: /b}}')],
    [modify('{path: {rewritePrefix: ""}}'), `${path}.rewritePrefix`],
    [modify('{path: {rewritePrefix: "/a b"}}'), `${path}.rewritePrefix`],
    [modify('{path: {rewritePrefix: /b}}', '{exact: /a}'), `${path}.rewritePrefix`],
    [modify('{path: {rewritePrefix: ""}}', '{exact: /a}'), `${path}.rewritePrefix`],
    [rule('match: {method: {exact: GET}}, modify: {path: {rewritePrefix: /b}}'), `${path}.rewritePrefix`],
    [modify('{path: {regex: {pattern: "^/a/(.*)", substitution: "/\\\\1"}}}')],
    [modify('{path: {regex: {}}}'), `${path}.regex.pattern`, `${path}.regex.substitution`],
    [
      modify('{path: {regex: {pattern: "", substitution: ""}}}'),
      `${path}.regex.pattern`,
      `${path}.regex.substitution`,
    ],
    [modify('{path: {regex: {pattern: "(?!a)", substitution: b}}}'), `${path}.regex.pattern`],
    [modify('{path: {regex: {pattern: "(a)", substitution: "\\\\2"}}}'), `${path}.regex.substitution`],
    [modify('{path: {regex: {pattern: "(a)", substitution: "\\\\0\\\\1\\\\\\\\"}}}')],
    [modify('{path: {regex: {pattern: "(a)", substitution: "\\\\x"}}}'), `${path}.regex.substitution`],
    [modify('{path: {regex: {pattern: "(a)", substitution: "a b"}}}'), `${path}.regex.substitution`],
    [modify('{path: {rewritePrefix: /b, regex: {pattern: a, substitution: b}}}'), path],
    [modify('{host: {value: gold.internal:80}}')],
    [modify('{host: {value: ""}}'), `${host}.value`],
    [modify('{host: {value: "a b"}}'), `${host}.value`],
    [modify('{host: {fromPath: {}}}'), `${host}.fromPath.pattern`, `${host}.fromPath.substitution`],
    [modify('{host: {fromPath: {pattern: "(", substitution: a}}}'), `${host}.fromPath.pattern`],
    [modify('{host: {fromPath: {pattern: a, substitution: "\\\\1"}}}'), `${host}.fromPath.substitution`],
    [modify('{host: {value: a, fromPath: {pattern: a, substitution: b}}}'), host],
  ])
})

test('headers that are changed have names that may be changed', () => {
  for (const headers of ['requestHeaders', 'responseHeaders']) {
    const place = `conf.http[0].modify.${headers}`
    const rows: Row[] = [
      [`{${headers}: {add: [{name: a, value: b, append: true}], remove: [{name: c}]}}`],
      [`{${headers}: {}}`],
      [`{${headers}: {add: [{name: "", value: b}]}}`, `${place}.add[0].name`],
      [`{${headers}: {add: [{}]}}`, `${place}.add[0].name`, `${place}.add[0].value`],
      [`{${headers}: {add: [{name: a, value: ""}]}}`, `${place}.add[0].value`],
      [`{${headers}: {add: [{name: a, value: "b\\nc"}]}}`, `${place}.add[0].value`],
      [`{${headers}: {add: [{name: a, value: b}, {name: ":path", value: b}]}}`, `${place}.add[1].name`],
      [`{${headers}: {add: [{name: host, value: b}]}}`, `${place}.add[0].name`],
      [`{${headers}: {remove: [{name: HOST}]}}`, `${place}.remove[0].name`],
      [
        `{${headers}: {remove: [{name: Host}, {}, {name: ":a"}]}}`,
        `${place}.remove[0].name`,
        `${place}.remove[1].name`,
        `${place}.remove[2].name`,
      ],
      [`{${headers}: {remove: [{name: "a b"}]}}`, `${place}.remove[0].name`],
    ]
    hold(rows.map(([text, ...paths]): Row => [modify(text), ...paths]))
  }
})

test('balancers have parameters that they can work with', () => {
  const path = 'conf.loadBalancer'
  hold([
    [balancer('{}')],
    [balancer('{roundRobin: {}}')],
    [balancer('{random: {}, maglev: {}}'), path],
    [balancer('{round_robin: {}, ringHash: {}}'), path],
    [balancer('{leastRequest: {choiceCount: 1}}'), `${path}.leastRequest.choiceCount`],
    [balancer('{leastRequest: {choice_count: "1"}}'), `${path}.leastRequest.choiceCount`],
    [balancer('{leastRequest: {choiceCount: 0}}')],
    [balancer('{ringHash: {}}')],
    [balancer('{ringHash: {hashFunction: xx_hash}}'), `${path}.ringHash.hashFunction`],
    [balancer('{ringHash: {hashFunction: MURMUR_HASH_2, minRingSize: 128, maxRingSize: 4096}}')],
    [balancer('{ringHash: {minRingSize: 8388609}}'), `${path}.ringHash.minRingSize`],
    [balancer('{ringHash: {maxRingSize: "8388609"}}'), `${path}.ringHash.maxRingSize`],
    [balancer('{ringHash: {minRingSize: 8388608}}')],
    [balancer('{ringHash: {minRingSize: 10, maxRingSize: 9}}'), `${path}.ringHash.minRingSize`],
    [balancer('{ringHash: {maxRingSize: 1023}}'), `${path}.ringHash.maxRingSize`],
  ])
})

test('hash policies say what is hashed', () => {
  for (const kind of ['ringHash', 'maglev']) {
    const path = `conf.loadBalancer.${kind}.hashPolicies[0]`
    const rows: Row[] = [
      ['{type: Header, header: {name: x-user}, terminal: true}'],
      ['{type: SourceIP}'],
      ['{type: Connection, connection: {sourceIP: true}}'],
      ['{type: QueryParameter, queryParameter: {name: "a b"}}'],
      ['{type: Cookie, cookie: {name: c, ttl: 0s, path: /a}}'],
      ['{}', `${path}.type`],
      ['{type: header, header: {name: a}}', `${path}.type`],
      ['{type: constructor}', `${path}.type`],
      ['{type: Header}', `${path}.header.name`],
      ['{type: Header, header: {name: ""}}', `${path}.header.name`],
      ['{type: Header, header: {name: "a b"}}', `${path}.header.name`],
      ['{type: Header, header: {name: a}, cookie: {name: b}}', `${path}.cookie`],
      ['{type: SourceIP, connection: {sourceIP: true}}', `${path}.connection`],
      ['{type: Connection}', `${path}.connection.sourceIP`],
      ['{type: Connection, connection: {sourceIP: false}}', `${path}.connection.sourceIP`],
      ['{type: QueryParameter, queryParameter: {}}', `${path}.queryParameter.name`],
      ['{type: Cookie, cookie: {}}', `${path}.cookie.name`],
      [
        '{type: Cookie, cookie: {name: "a=b", ttl: -1s, path: a}}',
        `${path}.cookie.name`,
        `${path}.cookie.path`,
        `${path}.cookie.ttl`,
      ],
      [
        '{type: Cookie, cookie: {name: a, ttl: 25h, path: "/a; HttpOnly"}}',
        `${path}.cookie.path`,
        `${path}.cookie.ttl`,
      ],
    ]
    hold(rows.map(([text, ...paths]): Row => [balancer(`{${kind}: {hashPolicies: [${text}]}}`), ...paths]))
  }
})

test('copies, timeouts and retries of a route are within their ranges', () => {
  const mirror = (text: string): string => rule(`match: {method: {exact: GET}}, mirror: ${text}`)
  const timeout = (text: string): string => `{${TO}, timeout: ${text}}`
  const retry = (text: string): string => `{${TO}, retry: ${text}}`
  hold([
    [mirror(`{percentage: "0.5", ${TO}}`)],
    [mirror(`{percentage: 0, ${TO}}`)],
    [mirror(`{percentage: 101, ${TO}}`), 'conf.http[0].mirror.percentage'],
    [mirror(`{percentage: -1, ${TO}}`), 'conf.http[0].mirror.percentage'],
    [mirror('{}'), 'conf.http[0].mirror.destination', 'conf.http[0].mirror.destination'],
    [mirror('{destination: {kuma.io/service: "a b"}}'), 'conf.http[0].mirror.destination["kuma.io/service"]'],
    [timeout('{}')],
    [timeout('{connectTimeout: 5s, idleTimeout: 0s, http: {requestTimeout: 24h}}')],
    [timeout('{connectTimeout: 0s}'), 'conf.timeout.connectTimeout'],
    [timeout('{idleTimeout: -1s}'), 'conf.timeout.idleTimeout'],
    [timeout('{http: {requestTimeout: 24h1ms}}'), 'conf.timeout.http.requestTimeout'],
    [retry('{}')],
    [retry('{numRetries: 100, perTryTimeout: 1ms, retriableStatusCodes: [400, 599]}')],
    [retry('{numRetries: 101}'), 'conf.retry.numRetries'],
    [retry('{perTryTimeout: 0s}'), 'conf.retry.perTryTimeout'],
    [
      retry('{retriableStatusCodes: [399, 503, 600]}'),
      'conf.retry.retriableStatusCodes[0]',
      'conf.retry.retriableStatusCodes[2]',
    ],
  ])
})

test('name, mesh and type are looked at when the spec is clean', () => {
  const named = (head: string, conf = `{${TO}}`): readonly string[] =>
    violations(
      'traffic-routes',
      yaml(`${SITE_TO_CART.split('\n').slice(4).join('\n')}${head}\nconf: ${conf}`),
    )
  assert.deepEqual(named('name: a.b-1\nmesh: my_mesh\ntype: TrafficRoute'), [])
  assert.deepEqual(named('name: a'), [])
  assert.deepEqual(named('name: A\nmesh: M\ntype: Mesh'), ['mesh', 'name', 'type'])
  assert.deepEqual(named('name: A\nmesh: M\ntype: Mesh', '{}'), ['conf'])
  for (const name of ['""', 'É'.repeat(254), 'a_b', '-a', 'a-', 'a..b', 'a.-b', 'é', 'a'.repeat(254)])
    assert.deepEqual(named(`name: ${name}`), ['name'], name)
  assert.deepEqual(named(`name: ${'a'.repeat(253)}`), [])
  assert.deepEqual(named('mesh: default'), ['name'])
})

test('a violation says what to do', () => {
  const shown = (conf: string): readonly string[] =>
    validate('traffic-routes', routeWith(conf), DEFAULT_SETTINGS).map(
      ({ path, message, hint }) => `${path}: ${message}${hint === null ? '' : ` (${hint})`}`,
    )
  assert.deepEqual(shown('{destination: {version: "1"}}'), [
    'conf.destination: the tag kuma.io/service is missing (write kuma.io/service: and the name of the service)',
  ])
  assert.deepEqual(shown(modify('{path: {regex: {pattern: a, substitution: "\\\\1"}}}')), [
    'conf.http[0].modify.path.regex.substitution: there is no group 1: the pattern has 0 (put round brackets around it)',
  ])
  assert.deepEqual(shown('{destination: {kuma.io/service: "v*"}}'), [
    'conf.destination["kuma.io/service"]: v*: a * stands for any value, and only by itself',
  ])
})
