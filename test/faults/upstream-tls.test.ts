import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Nginx, startNginx } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findFreePorts, findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'

/** Who the endpoint is, and who we are: certificates on both sides, against nginx. */

const skip = skipWithout('openssl', 'nginx')
const folder = mkdtempSync(join(tmpdir(), 'headgate-upstream-tls-'))
let gateway: GatewayProcess
let nginx: Nginx
let ports: readonly number[] = []

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await runTool(findTool('openssl') as string, args)
  assert.equal(code, 0, stderr)
}

const at = (name: string): string => join(folder, name)
const pem = (name: string): string => readFileSync(at(name), 'utf8')

/** A key and a certificate of ours, signed by the authority; `days` may be over. */
async function issue(
  name: string,
  subject: string,
  dates: readonly string[] = ['-days', '2'],
): Promise<void> {
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${subject}`,
    '-keyout',
    at(`${name}.key`),
    '-out',
    at(`${name}.csr`),
  )
  writeFileSync(at(`${name}.ext`), `subjectAltName=DNS:${subject}\n`)
  await openssl(
    'x509',
    '-req',
    '-in',
    at(`${name}.csr`),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-extfile',
    at(`${name}.ext`),
    '-out',
    at(`${name}.pem`),
    ...dates,
  )
}

before(async () => {
  if (skip !== false) return
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=our authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  await issue('good', 'app.internal')
  await issue('expired', 'app.internal', ['-days', '-1'])
  await issue('client', 'gateway.internal')
  ports = await findFreePorts(3)
  const server = (port: number | undefined, name: string, more = ''): string => `
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;
    ssl_certificate ${at(`${name}.pem`)};
    ssl_certificate_key ${at(`${name}.key`)};
    ${more}
    location / { return 200 "$ssl_session_reused $ssl_client_s_dn\\n"; }
  }`
  nginx = await startNginx([{}], {
    http: [
      server(ports[0], 'good'),
      server(ports[1], 'expired'),
      server(ports[2], 'good', `ssl_client_certificate ${at('ca.pem')}; ssl_verify_client on;`),
    ].join('\n'),
  })
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway?.stop()
  await nginx?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function ask(place: number, upstream: object) {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: {
      scheme: 'https',
      nodes: { [`127.0.0.1:${ports[place]}`]: 1 },
      pass_host: 'rewrite',
      upstream_host: 'app.internal',
      retries: 0,
      ...upstream,
    },
  })
  assert.ok(answer.status < 300, answer.text)
  return requestOnce(gateway.port, '/')
}

test('a certificate of an authority that is given is trusted, and only for its name', { skip }, async () => {
  const trusted = { tls: { verify: true }, headgate: { tls: { ca: pem('ca.pem') } } }
  assert.equal((await ask(0, trusted)).status, 200)
  const other = await ask(0, { ...trusted, upstream_host: 'other.internal' })
  assert.equal(other.status, 502)
  assert.equal(other.field('x-headgate-error'), 'UPSTREAM_TLS_FAILED')
  const named = {
    tls: { verify: true },
    headgate: { tls: { ca: pem('ca.pem'), server_name: 'app.internal' } },
  }
  assert.equal((await ask(0, { ...named, upstream_host: 'other.internal' })).status, 200)
})

test('an unknown authority and a certificate that is over are refused where they are looked at', {
  skip,
}, async () => {
  const unknown = await ask(0, { tls: { verify: true } })
  assert.equal(unknown.field('x-headgate-error'), 'UPSTREAM_TLS_FAILED')
  const expired = await ask(1, { tls: { verify: true }, headgate: { tls: { ca: pem('ca.pem') } } })
  assert.equal(expired.field('x-headgate-error'), 'UPSTREAM_TLS_FAILED')
  // the log comes by way of the main thread, so it may come behind the answer
  await waitFor('the log of it', () => (gateway.stderr().includes('CERT_HAS_EXPIRED') ? true : undefined))
  assert.equal((await ask(1, {})).status, 200, 'APISIX looks at nothing unless it is told to')
})

test('the gateway shows its certificate where it is asked for one', { skip }, async () => {
  assert.equal((await ask(2, {})).status, 400, 'nginx wants a certificate')
  const shown = await ask(2, { tls: { client_cert: pem('client.pem'), client_key: pem('client.key') } })
  assert.equal(shown.status, 200)
  assert.match(shown.body, /CN=gateway.internal/)
})

test('a key that is not that of the certificate is refused when it is written', { skip }, async () => {
  const answer = await gateway.admin('PUT', '/apisix/admin/upstreams/1', {
    nodes: { '127.0.0.1:1': 1 },
    scheme: 'https',
    tls: { client_cert: pem('client.pem'), client_key: pem('good.key') },
  })
  assert.equal(answer.status, 400)
  assert.match(answer.text, /the private key does not belong to the certificate/)
})

test('a second connection resumes the session of the first', { skip }, async () => {
  const upstream = { keepalive_pool: { idle_timeout: 0 } }
  await ask(0, upstream)
  const again = await requestOnce(gateway.port, '/')
  assert.match(again.body, /^r /, again.body)
})
