import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { skipWithout } from '../../../test/support/tools.ts'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import { violations, yaml } from './testing.ts'
import { fieldWarnings, nameFaults, validate } from './validate.ts'

type Row = readonly [text: string, ...paths: readonly string[]]

const TAGS = 'tags: {kuma.io/service: site}'

/** A `networking` and the paths of all violations of a dataplane that has it. */
function holdDataplanes(rows: readonly Row[]): void {
  for (const [text, ...paths] of rows) {
    const value = yaml(`{type: Dataplane, name: d, mesh: default, networking: ${text}}`)
    assert.deepEqual(violations('dataplanes', value), [...paths].sort(), text)
  }
}

test('a dataplane has an address and something to do', () => {
  const inbound = `inbound: [{port: 9000, servicePort: 8080, ${TAGS}}]`
  const address = (text: string): string => `{address: ${text}, ${inbound}}`
  holdDataplanes([
    [address('10.1.0.7')],
    [address('"fd00::7"')],
    [address('site-1.example.internal')],
    ['null', 'networking'],
    ['{address: 10.1.0.7}', 'networking'],
    [`{address: 10.1.0.7, outbound: [{port: 1, ${TAGS}}]}`, 'networking'],
    [`{address: 10.1.0.7, gateway: {${TAGS}}}`],
    [`{${inbound}}`, 'networking.address'],
    [address('""'), 'networking.address'],
    [address('0.0.0.0'), 'networking.address'],
    [address('"::"'), 'networking.address'],
    [address('10.1.0.256'), 'networking.address'],
    [address('a..b'), 'networking.address'],
    [address('http://a'), 'networking.address'],
    [`{address: 10.1.0.7, advertisedAddress: 203.0.113.9, ${inbound}}`],
    [`{address: 10.1.0.7, advertisedAddress: 0.0.0.0, ${inbound}}`, 'networking.advertisedAddress'],
    [`{address: 10.1.0.7, advertisedAddress: "a b", ${inbound}}`, 'networking.advertisedAddress'],
  ])
})

test('inbounds have ports, addresses and the tags of a service, and do not dial themselves', () => {
  const place = 'networking.inbound[0]'
  const inbound = (text: string): string => `{address: 10.1.0.7, inbound: [{${text}}]}`
  holdDataplanes([
    [inbound(`port: 1, servicePort: 65535, ${TAGS}`)],
    [inbound(`servicePort: 8080, ${TAGS}`), `${place}.port`],
    [inbound(`port: 0, servicePort: 8080, ${TAGS}`), `${place}.port`],
    [inbound(`port: 65536, servicePort: 8080, ${TAGS}`), `${place}.port`],
    [inbound(`port: 9000, servicePort: 65536, ${TAGS}`), `${place}.servicePort`],
    [inbound(`port: 9000, ${TAGS}`), `${place}.servicePort`],
    [inbound(`port: 9000, servicePort: 9000, ${TAGS}`), `${place}.servicePort`],
    [inbound(`port: 9000, serviceAddress: 10.1.0.7, ${TAGS}`), `${place}.serviceAddress`],
    [
      inbound(`port: 9000, address: 10.1.0.8, serviceAddress: 10.1.0.8, servicePort: 9000, ${TAGS}`),
      `${place}.serviceAddress`,
    ],
    [inbound(`port: 9000, address: 10.1.0.8, serviceAddress: 10.1.0.7, ${TAGS}`)],
    [inbound(`port: 9000, serviceAddress: 127.0.0.1, ${TAGS}`)],
    [inbound(`port: 9000, address: site, servicePort: 1, ${TAGS}`), `${place}.address`],
    [inbound(`port: 9000, serviceAddress: localhost, ${TAGS}`), `${place}.serviceAddress`],
    [inbound('port: 9000, servicePort: 1'), `${place}.tags["kuma.io/service"]`],
    [inbound('port: 9000, servicePort: 1, tags: {version: v1}'), `${place}.tags["kuma.io/service"]`],
    [
      inbound(
        'port: 9000, servicePort: 1, tags: {kuma.io/service: a, version: "", b: "*", c: x/y, "d e": f, "": g}',
      ),
      `${place}.tags`,
      `${place}.tags["b"]`,
      `${place}.tags["c"]`,
      `${place}.tags["d e"]`,
      `${place}.tags["version"]`,
    ],
    [inbound('port: 9000, servicePort: 1, tags: {kuma.io/service: a-b_c.d:e, kuma.io/protocol: HTTP2}')],
    [
      inbound('port: 9000, servicePort: 1, tags: {kuma.io/service: a, kuma.io/protocol: udp}'),
      `${place}.tags["kuma.io/protocol"]`,
    ],
    [
      inbound(
        `port: 9000, servicePort: 1, ${TAGS}, serviceProbe: {interval: 1s, timeout: 2s, healthyThreshold: 1, unhealthyThreshold: 1, tcp: {}}`,
      ),
    ],
    [
      inbound(
        `port: 9000, servicePort: 1, ${TAGS}, serviceProbe: {interval: 0s, timeout: -1s, healthyThreshold: 0, unhealthyThreshold: 0}`,
      ),
      `${place}.serviceProbe.healthyThreshold`,
      `${place}.serviceProbe.interval`,
      `${place}.serviceProbe.timeout`,
      `${place}.serviceProbe.unhealthyThreshold`,
    ],
  ])
})

test('outbounds have ports, addresses and the tags of a service', () => {
  const place = 'networking.outbound[0]'
  const outbound = (text: string): string => `{address: 10.1.0.7, gateway: {${TAGS}}, outbound: [{${text}}]}`
  holdDataplanes([
    [outbound(`port: 10001, ${TAGS}`)],
    [outbound(`port: 10001, address: 127.0.0.2, ${TAGS}`)],
    [outbound(TAGS), `${place}.port`],
    [outbound(`port: 65536, ${TAGS}`), `${place}.port`],
    [outbound(`port: 10001, address: cart, ${TAGS}`), `${place}.address`],
    [outbound('port: 10001'), `${place}.tags`],
    [outbound('port: 10001, tags: {version: v}'), `${place}.tags`],
    [outbound('port: 10001, tags: {kuma.io/service: "*"}'), `${place}.tags["kuma.io/service"]`],
  ])
})

test('a gateway stands alone, and its admin port is free', () => {
  const inbound = `inbound: [{port: 9000, servicePort: 8080, ${TAGS}}]`
  const outbound = `outbound: [{port: 10001, ${TAGS}}]`
  const admin = 'networking.admin.port'
  holdDataplanes([
    [`{address: a, gateway: {${TAGS}}, ${outbound}}`],
    [`{address: a, gateway: {${TAGS}}, ${inbound}}`, 'networking.inbound'],
    ['{address: a, gateway: {}}', 'networking.gateway.tags'],
    ['{address: a, gateway: {tags: {kuma.io/service: e, kuma.io/protocol: tcp}}}'],
    [
      '{address: a, gateway: {tags: {kuma.io/service: e, kuma.io/protocol: http}}}',
      'networking.gateway.tags["kuma.io/protocol"]',
    ],
    [`{address: a, gateway: {type: BUILTIN, ${TAGS}}}`],
    [
      '{address: a, gateway: {type: BUILTIN, tags: {kuma.io/service: e, kuma.io/protocol: http}}}',
      'networking.gateway.tags["kuma.io/protocol"]',
    ],
    [
      `{address: 127.0.0.1, admin: {port: 9000}, ${inbound}, outbound: [{port: 9000, ${TAGS}}, {port: 9000, ${TAGS}}]}`,
      admin,
      admin,
    ],
    [
      `{address: a, gateway: {type: 1, ${TAGS}}, ${inbound}, ${outbound}}`,
      'networking.inbound',
      'networking.outbound',
    ],
    [`{address: a, admin: {port: 9901}, ${inbound}}`],
    [`{address: 127.0.0.1, admin: {port: 9000}, ${inbound}}`, admin],
    [`{address: 10.1.0.7, admin: {port: 9000}, ${inbound}}`],
    [`{address: 10.1.0.7, admin: {port: 10001}, ${inbound}, ${outbound}}`, admin],
    [`{address: 10.1.0.7, admin: {port: 70000}, ${inbound}}`, admin],
    [`{address: 10.1.0.7, admin: {port: 0}, ${inbound}}`],
  ])
  const probes = yaml(
    `{type: Dataplane, name: d, probes: {port: 1}, networking: {address: a, gateway: {type: BUILTIN, ${TAGS}}}}`,
  )
  assert.deepEqual(violations('dataplanes', probes), ['probes'])
})

test('an external service has an address and tags', () => {
  const service = (networking: string, tags = '{kuma.io/service: e}'): JsonObject =>
    yaml(`{type: ExternalService, name: e, tags: ${tags}, networking: ${networking}}`)
  const hold = (rows: readonly Row[]): void => {
    for (const [text, ...paths] of rows)
      assert.deepEqual(violations('external-services', service(text)), [...paths].sort(), text)
  }
  const address = 'networking.address'
  hold([
    ['{address: "httpbin.org:80"}'],
    ['{address: "192.0.2.1:443"}'],
    ['{address: "[2001:db8::1]:443"}'],
    ['null', 'networking'],
    ['{}', address],
    ['{address: httpbin.org}', address],
    ['{address: "http://httpbin.org:80"}', address],
    ['{address: "2001:db8::1:443"}', address],
    ['{address: "a b:80"}', address],
    ['{address: ":80"}', address],
    ['{address: "a:0"}', address],
    ['{address: "a:65536"}', address],
    ['{address: "a:http"}', address],
    ['{address: "1.2.3:x"}', address, address],
    ['{address: "a:80", tls: {}}'],
    ['{address: "a:80", tls: {enabled: true, serverName: b, skipHostnameVerification: true}}'],
    ['{address: "a:80", tls: {serverName: ""}}', 'networking.tls.serverName'],
    ['{address: "a:80", tls: {caCert: {}}}', 'networking.tls.caCert'],
    [
      '{address: "a:80", tls: {caCert: {inline: YQ==, inlineString: a}}}',
      'networking.tls.caCert',
      'networking.tls.caCert',
    ],
    ['{address: "a:80", tls: {caCert: {inline: "*"}}}', 'networking.tls.caCert.inline'],
    ['{address: "a:80", tls: {caCert: {inlineString: ""}}}', 'networking.tls.caCert.inlineString'],
    ['{address: "a:80", tls: {caCert: {inlineString: no certificate}}}', 'networking.tls.caCert'],
    ['{address: "a:80", tls: {caCert: {secret: ca}}}', 'networking.tls.caCert.secret'],
    [
      '{address: "a:80", tls: {clientCert: {file: /a}, clientKey: {secret: k}}}',
      'networking.tls.clientCert.file',
      'networking.tls.clientKey.secret',
    ],
    ['{address: "a:80", tls: {clientKey: {inlineString: k}}}', 'networking.tls.clientCert'],
    ['{address: "a:80", tls: {clientCert: {inlineString: c}}}', 'networking.tls.clientKey'],
    [
      '{address: "a:80", tls: {clientCert: {inlineString: c}, clientKey: {inlineString: k}}}',
      'networking.tls.clientCert',
    ],
  ])
  const tagged: readonly Row[] = [
    ['{}', 'tags'],
    ['{kuma.io/service: e, kuma.io/protocol: http, kuma.io/zone: z}'],
    ['{kuma.io/service: e, kuma.io/protocol: ftp, v: "*"}', 'tags["kuma.io/protocol"]', 'tags["v"]'],
  ]
  for (const [tags, ...paths] of tagged)
    assert.deepEqual(violations('external-services', service('{address: "a:80"}', tags)), paths, tags)
})

test('the certificate and the key of an external service are a pair', {
  skip: skipWithout('openssl'),
}, (t) => {
  const [one, other] = [makeCertificate(t, ['a']), makeCertificate(t, ['b'])]
  const found = (certificate: string, key: string, ca: string): readonly string[] =>
    violations('external-services', {
      type: 'ExternalService',
      name: 'e',
      tags: { 'kuma.io/service': 'e' },
      networking: {
        address: 'a:443',
        tls: {
          enabled: true,
          caCert: { inline: Buffer.from(ca).toString('base64') },
          clientCert: { inlineString: certificate },
          clientKey: { inlineString: key },
        },
      },
    })
  assert.deepEqual(found(one.cert, one.key, other.cert), [])
  assert.deepEqual(found(one.cert, other.key, one.cert), ['networking.tls.clientKey'])
  assert.deepEqual(found(one.cert, one.key, 'none'), ['networking.tls.caCert'])
})

test('a mesh that asks for what is not served is refused by name, or its author is warned', () => {
  const mesh = (text: string): JsonObject => yaml(`{type: Mesh, name: m, ${text}}`)
  const rows: readonly Row[] = [
    ['routing: {localityAwareLoadBalancing: true, zoneEgress: false}'],
    ['skipCreatingInitialPolicies: ["*"]'],
    ['mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}', 'mtls.enabledBackend'],
    ['mtls: {enabledBackend: ""}'],
    ['mtls: {backends: [{name: ca-1, type: builtin}]}'],
    ['routing: {zoneEgress: true}', 'routing.zoneEgress'],
    [
      'constraints: {dataplaneProxy: {requirements: [{tags: {a: b}}]}}',
      'constraints.dataplaneProxy.requirements',
    ],
    [
      'constraints: {dataplaneProxy: {requirements: [], restrictions: [{}]}}',
      'constraints.dataplaneProxy.restrictions',
    ],
    ['networking: {outbound: {passthrough: false}}'],
  ]
  for (const [text, ...paths] of rows) assert.deepEqual(violations('meshes', mesh(text)), paths, text)
  const warned = (text: string): readonly string[] =>
    fieldWarnings('meshes', mesh(text)).map(({ path }) => path)
  assert.deepEqual(warned('networking: {outbound: {passthrough: false}}'), [
    'networking.outbound.passthrough',
  ])
  assert.deepEqual(warned('mtls: {backends: [{name: ca-1}]}, tracing: {}, logging: {}, metrics: {}'), [
    'mtls.backends',
    'tracing',
    'logging',
    'metrics',
  ])
  assert.deepEqual(warned('mtls: {enabledBackend: "", backends: [], skipValidation: false}'), [])
})

test('names of meshes may have an underscore, and so may those of resources that are there already', () => {
  const mesh = (name: string): readonly string[] => violations('meshes', { type: 'Mesh', name })
  assert.deepEqual(mesh('my_mesh'), [])
  for (const name of ['', 'My', 'a:b', 'a/b', '.', '..', 'a'.repeat(254)])
    assert.deepEqual(mesh(name), ['name'], name)
  const old = { type: 'TrafficRoute', name: 'old_name' }
  assert.equal(nameFaults('traffic-routes', old).length, 1)
  assert.deepEqual(nameFaults('traffic-routes', old, true), [])
})

test('what is no resource is refused as a whole', () => {
  assert.match(validate('traffic-logs', {}, DEFAULT_SETTINGS)[0]?.message ?? '', /there is no kind/)
  assert.match(validate('meshes', [], DEFAULT_SETTINGS)[0]?.message ?? '', /must be an object/)
})

test('what a dataplane has and nobody serves is told', () => {
  const warned = (networking: string, more = ''): readonly string[] =>
    fieldWarnings('dataplanes', yaml(`{networking: ${networking}${more}}`)).map(({ path }) => path)
  assert.deepEqual(
    warned(
      '{transparent_proxying: {redirectPortInbound: 15006}}',
      ', probes: {port: 9}, metrics: {type: prometheus}',
    ),
    ['networking.transparentProxying', 'probes', 'metrics'],
  )
  assert.deepEqual(warned('{gateway: {type: BUILTIN}}'), ['networking.gateway.type'])
  assert.deepEqual(warned('{gateway: {type: DELEGATED}}'), [])
})
