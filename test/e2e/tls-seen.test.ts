import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { writeSettings } from '../faults/support.ts'
import { answerText, startBackend } from '../support/backends.ts'
import { type CertificateFiles, makeCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { findFreePorts, skipWithout, waitFor } from '../support/tools.ts'

/** Certificates as native documents, what is seen of TLS from outside, and certificates of clients on every kind of listener. */

const skip = skipWithout('openssl')

async function setUp(t: TestContext, flags: readonly string[] = []) {
  const [port] = (await findFreePorts(1)) as [number]
  const gateway = await startGateway(['--workers', '2', '--listen-tls', `127.0.0.1:${port}`, ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const backend = await startBackend(() => answerText('hello'))
  t.after(() => backend.close())
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', path, value)
    assert.ok(answer.status < 300, answer.text)
  }
  await put('/apisix/admin/routes/1', { uri: '/*', upstream: { nodes: { [backend.node]: 1 } } })
  return { gateway, port, put }
}

interface Asked {
  readonly status: number
  readonly subject: string
}

/** One request on a connection of its own. `host`: the Host that is sent. */
function ask(
  port: number,
  servername: string,
  { host = servername, path = '/', ...options }: ConnectionOptions & { path?: string } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        port,
        host: '127.0.0.1',
        servername,
        path,
        headers: { host },
        rejectUnauthorized: false,
        agent: false,
        ...options,
      },
      (answer) => {
        const subject = (answer.socket as TLSSocket).getPeerCertificate().subject?.CN as string
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, subject }))
      },
    )
    request.on('error', reject)
    request.end()
  })
}

const nativeOf = ({ cert, key }: CertificateFiles, more: object) => ({ certificate: cert, key, ...more })
const NATIVE = '/headgate/v1/documents/native/certificates'

test('a native certificate is served, changed without its key, and taken away', { skip }, async (t) => {
  const { gateway, port, put } = await setUp(t)
  const pair = makeCertificate(t, ['one'])
  await put(`${NATIVE}/shop`, nativeOf(pair, { serverNames: ['shop.test', '*.shop.test'] }))
  assert.deepEqual(await ask(port, 'de.shop.test'), { status: 200, subject: 'one' })
  const shown = await gateway.admin('GET', `${NATIVE}/shop`)
  assert.equal(shown.status, 200)
  assert.ok(!shown.text.includes('PRIVATE'))
  await put(`${NATIVE}/shop`, { serverNames: ['other.test'], certificate: pair.cert })
  assert.deepEqual(await ask(port, 'other.test'), { status: 200, subject: 'one' })
  await assert.rejects(ask(port, 'shop.test'), /unrecognized name/)
  const bad = await gateway.admin('PUT', `${NATIVE}/bad`, {
    serverNames: ['a.test'],
    certificate: pair.cert,
    key: makeCertificate(t, ['two']).key,
  })
  assert.equal(bad.status, 400)
  assert.match(bad.text, /does not belong to the certificate/)
  const gone = await gateway.admin('DELETE', `${NATIVE}/shop`)
  assert.ok(gone.status < 300, gone.text)
  await assert.rejects(ask(port, 'other.test'), /unrecognized name/)
})

test('metrics tell the ends of certificates and the handshakes, and the log of one that is about to end', {
  skip,
}, async (t) => {
  const own = makeCertificate(t, ['own'], { days: 5 })
  const { gateway, port, put } = await setUp(t, ['--tls-cert', own.certFile, '--tls-key', own.keyFile])
  await waitFor('the warning', () =>
    /a certificate ends in 5 days/.test(gateway.stderr()) ? true : undefined,
  )
  const pair = makeCertificate(t, ['a.test'])
  await put('/apisix/admin/ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  await ask(port, 'a.test')
  await ask(port, 'a.test')
  const noise = tls.connect({ port, host: '127.0.0.1', ALPNProtocols: ['spdy/3'] })
  await once(noise, 'error')
  const endOf = ({ cert }: CertificateFiles): number => new X509Certificate(cert).validToDate.getTime() / 1000
  const metrics = await waitFor('the handshakes', async () => {
    const { text } = await gateway.status('/metrics')
    return /headgate_tls_handshakes_total\{result="failed"\} 1\n/.test(text) ? text : undefined
  })
  assert.match(metrics, /headgate_tls_handshakes_total\{result="full"\} 2\n/)
  const line = (certificate: string, name: string, end: number): string =>
    `headgate_certificate_expiry_seconds{certificate="${certificate}",server_name="${name}"} ${end}\n`
  assert.ok(metrics.includes(line('settings', '', endOf(own))))
  assert.ok(metrics.includes(line('apisix/ssls/1', 'a.test', endOf(pair))))
})

test('the access log tells of the TLS of a request', { skip }, async (t) => {
  const file = writeSettings({})
  t.after(() => file.remove())
  const log = `${file.file}.log`
  const format = '$ssl_protocol $ssl_server_name $ssl_session_reused $ssl_cipher'
  const settings = writeSettings({ accessLog: { path: log, format } })
  t.after(() => settings.remove())
  const { gateway, port, put } = await setUp(t, ['--settings', settings.file])
  const pair = makeCertificate(t, ['a.test'])
  await put('/apisix/admin/ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
  const [session] = (await once(socket, 'session')) as [Buffer]
  socket.destroy()
  await ask(port, 'a.test')
  await ask(port, 'a.test', { session })
  await gateway.stop()
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  assert.deepEqual(lines.sort(), [
    'TLSv1.3 a.test . TLS_AES_256_GCM_SHA384',
    'TLSv1.3 a.test r TLS_AES_256_GCM_SHA384',
  ])
})

test('a host that asks for client certificates is not reached over the connection of another name', {
  skip,
}, async (t) => {
  const { port, put } = await setUp(t)
  const [pair, authority] = [makeCertificate(t, ['a']), makeCertificate(t, ['ca'], { isAuthority: true })]
  const client = makeCertificate(t, ['client'], { issuer: authority })
  await put(`${NATIVE}/a`, nativeOf(pair, { serverNames: ['a.test'] }))
  const asks = { authorities: authority.cert, exceptPaths: ['^/open'] }
  await put(`${NATIVE}/m`, nativeOf(pair, { serverNames: ['m.test'], client: asks }))
  assert.equal((await ask(port, 'a.test')).status, 200)
  assert.equal((await ask(port, 'a.test', { host: 'm.test' })).status, 400)
  assert.equal((await ask(port, 'a.test', { host: 'm.test', path: '/open' })).status, 200)
  assert.equal((await ask(port, 'm.test', { cert: client.cert, key: client.key })).status, 200)
  // a session from before, and none that came with a certificate
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
  const [session] = (await once(socket, 'session')) as [Buffer]
  socket.destroy()
  assert.equal((await ask(port, 'm.test', { session })).status, 400)
})

test('a stream that the gateway ends TLS of asks for client certificates as well', { skip }, async (t) => {
  const server = createServer((socket) => void socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port: endpoint } = server.address() as { port: number }
  const [port] = (await findFreePorts(1)) as [number]
  const { put } = await setUp(t, ['--listen-tcp', `tls://127.0.0.1:${port}`])
  await put('/apisix/admin/stream_routes/1', { upstream: { nodes: { [`127.0.0.1:${endpoint}`]: 1 } } })
  const [pair, authority] = [makeCertificate(t, ['a']), makeCertificate(t, ['ca'], { isAuthority: true })]
  const client = makeCertificate(t, ['client'], { issuer: authority })
  await put('/apisix/admin/ssls/1', {
    sni: 'm.test',
    cert: pair.cert,
    key: pair.key,
    client: { ca: authority.cert },
  })
  const read = async (options: ConnectionOptions): Promise<string> => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername: 'm.test',
      rejectUnauthorized: false,
      ...options,
    })
    let text = ''
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString()
    })
    socket.on('error', () => {})
    await once(socket, 'close')
    return text
  }
  assert.equal(await read({ cert: client.cert, key: client.key }), 'hello')
  assert.equal(await read({}), '')
})

test('a PROXY protocol header comes before the handshake, in one piece with it or in many', {
  skip,
}, async (t) => {
  const backend = await startBackend((request) => answerText(request.field('x-forwarded-for') ?? ''))
  t.after(() => backend.close())
  const [port] = (await findFreePorts(1)) as [number]
  const settings = writeSettings({ trustedPeers: ['127.0.0.1'] })
  t.after(() => settings.remove())
  const address = `127.0.0.1:${port}`
  const { put } = await setUp(t, [
    '--settings',
    settings.file,
    '--listen-tls',
    address,
    '--proxy-protocol',
    address,
  ])
  await put('/apisix/admin/routes/1', { uri: '/*', upstream: { nodes: { [backend.node]: 1 } } })
  const pair = makeCertificate(t, ['a.test'])
  const asks = { ca: makeCertificate(t, ['ca'], { isAuthority: true }).cert, skip_mtls_uri_regex: ['^/'] }
  await put('/apisix/admin/ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  // of a name whose hello is read first
  await put('/apisix/admin/ssls/2', { sni: 'm.test', cert: pair.cert, key: pair.key, client: asks })
  const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n'
  for (const servername of ['a.test', 'm.test']) {
    for (const isWhole of [true, false]) {
      const raw = connectTcp({ port, host: '127.0.0.1', noDelay: true })
      await once(raw, 'connect')
      raw.cork()
      raw.write(header.slice(0, 20))
      if (!isWhole) raw.uncork()
      raw.write(header.slice(20))
      const socket = tls.connect({ socket: raw, servername, rejectUnauthorized: false })
      raw.uncork()
      await once(socket, 'secureConnect')
      socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
      let text = ''
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      await once(socket, 'close')
      assert.match(text, /^HTTP\/1\.1 200[\s\S]*192\.0\.2\.7$/, `${servername} ${isWhole}`)
    }
  }
})
