import assert from 'node:assert/strict'
import { on, once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls, { type ConnectionOptions } from 'node:tls'
import { writeSettings } from '../faults/support.ts'
import { answerText, startBackend, startRawBackend } from '../support/backends.ts'
import { type CertificateFiles, makeCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { findFreePorts, runTool, skipWithout, waitFor } from '../support/tools.ts'

/** HTTPS: which certificate, which versions, whose clients, and what becomes of bad input. */

const skip = skipWithout('openssl')

async function setUp(t: TestContext, flags: readonly string[] = [], workers = 1) {
  const [port] = (await findFreePorts(1)) as [number]
  const gateway = await startGateway([
    '--workers',
    String(workers),
    '--listen-tls',
    `127.0.0.1:${port}`,
    ...flags,
  ])
  t.after(() => gateway.stop('SIGKILL'))
  const backend = await startBackend((request) =>
    answerText(`${request.field('x-forwarded-proto')} ${request.target}`),
  )
  t.after(() => backend.close())
  const send = (path: string, value: object) => gateway.admin('PUT', `/apisix/admin/${path}`, value)
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await send(path, value)
    assert.ok(answer.status < 300, answer.text)
  }
  await put('routes/1', { uri: '/*', upstream: { nodes: { [backend.node]: 1 } } })
  return { gateway, port, put, send, backend }
}

/** The subject of the certificate that a name gets; the code of the failure where the handshake fails. */
async function subjectFor(
  port: number,
  servername: string,
  options: ConnectionOptions = {},
): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().subject.CN as string
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    socket.destroy()
  }
}

interface Asked {
  readonly status: number
  readonly text: string
}

function ask(
  port: number,
  servername: string,
  options: ConnectionOptions & { path?: string } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { port, host: '127.0.0.1', servername, rejectUnauthorized: false, agent: false, path: '/', ...options },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      },
    )
    request.on('error', reject)
    request.end()
  })
}

const documentOf = ({ cert, key }: CertificateFiles, more: object) => ({ cert, key, ...more })

test('a name gets its certificate: exact before wildcard, one label for the star, else none', {
  skip,
}, async (t) => {
  const { port, put } = await setUp(t)
  const [exact, wild] = [makeCertificate(t, ['exact']), makeCertificate(t, ['wild'])]
  await put('ssls/1', documentOf(wild, { snis: ['*.shop.test', 'Upper.Test'] }))
  await put('ssls/2', documentOf(exact, { sni: 'de.shop.test' }))
  assert.equal(await subjectFor(port, 'de.shop.test'), 'exact')
  assert.equal(await subjectFor(port, 'fr.shop.test'), 'wild')
  assert.equal(await subjectFor(port, 'upper.test'), 'wild')
  for (const name of ['a.b.shop.test', 'shop.test', 'other.test'])
    assert.match(await subjectFor(port, name), /UNRECOGNIZED_NAME/, name)
  assert.match(await subjectFor(port, ''), /HANDSHAKE_FAILURE/)
  assert.deepEqual(await ask(port, 'de.shop.test', { path: '/x' }), { status: 200, text: 'https /x' })
})

test('the certificate of the flags serves everybody else, and is read anew', { skip }, async (t) => {
  const [old, fresh] = [makeCertificate(t, ['old']), makeCertificate(t, ['fresh'])]
  const { gateway, port } = await setUp(t, ['--tls-cert', old.certFile, '--tls-key', old.keyFile], 2)
  for (const name of ['a.test', '']) assert.equal(await subjectFor(port, name), 'old')
  const open = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(open, 'secureConnect')
  // a pair that does not fit changes nothing
  copyFileSync(fresh.certFile, old.certFile)
  gateway.child.kill('SIGHUP')
  await waitFor('the fault to be told', async () =>
    /does not belong to the certificate/.test(gateway.stderr()) ? true : undefined,
  )
  assert.equal(await subjectFor(port, ''), 'old')
  copyFileSync(fresh.keyFile, old.keyFile)
  gateway.child.kill('SIGHUP')
  await waitFor('the new certificate', async () =>
    (await subjectFor(port, '')) === 'fresh' ? true : undefined,
  )
  // what was open goes on
  open.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [bytes] = (await once(open, 'data')) as [Buffer]
  assert.match(bytes.toString(), /^HTTP\/1.1 200/)
  open.destroy()
})

test('files that are no pair are refused at the start, in one line', { skip }, async (t) => {
  const [one, two] = [makeCertificate(t, ['one']), makeCertificate(t, ['two'])]
  const [port] = (await findFreePorts(1)) as [number]
  const start = (cert: string, key: string) =>
    startGateway(['--listen-tls', `127.0.0.1:${port}`, '--tls-cert', cert, '--tls-key', key])
  await assert.rejects(start(one.certFile, two.keyFile), /tls\.key: .*does not belong to the certificate/)
  await assert.rejects(
    start('/nowhere/cert.pem', one.keyFile),
    /tls\.certificate: \/nowhere\/cert\.pem cannot be read \(ENOENT\)/,
  )
  writeFileSync(two.certFile, 'nothing')
  await assert.rejects(start(two.certFile, two.keyFile), /there is no certificate in it/)
  await assert.rejects(
    startGateway(['--listen-tls', `127.0.0.1:${port}`, '--tls-cert', one.certFile]),
    /without tls\.key \(--tls-key\)/,
  )
})

test('documents with bad pairs change nothing; one that has expired is served with a warning', {
  skip,
}, async (t) => {
  const { port, put, send } = await setUp(t)
  const [one, two, over] = [
    makeCertificate(t, ['one']),
    makeCertificate(t, ['two']),
    makeCertificate(t, ['over'], { days: -1 }),
  ]
  await put('ssls/1', documentOf(one, { sni: 'a.test' }))
  for (const bad of [
    { cert: one.cert, key: two.key },
    { cert: 'x'.repeat(128), key: one.key },
    { cert: one.cert, key: 'x'.repeat(128) },
  ])
    assert.equal((await send('ssls/1', { sni: 'a.test', ...bad })).status, 400)
  assert.equal(await subjectFor(port, 'a.test'), 'one')
  const expired = await send('ssls/2', documentOf(over, { sni: 'over.test' }))
  assert.equal(expired.status, 201)
  assert.match(String(expired.headers['x-headgate-warning']), /expired on 20/)
  assert.equal(await subjectFor(port, 'over.test'), 'over')
  await put('ssls/1', documentOf(one, { sni: 'a.test', status: 0 }))
  assert.match(await subjectFor(port, 'a.test'), /UNRECOGNIZED_NAME/)
})

test('a certificate that changes leaves open connections alone', { skip }, async (t) => {
  const { port, put } = await setUp(t)
  const [one, two] = [makeCertificate(t, ['one']), makeCertificate(t, ['two'])]
  await put('ssls/1', documentOf(one, { sni: 'a.test' }))
  const open = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
  await once(open, 'secureConnect')
  await put('ssls/1', documentOf(two, { sni: 'a.test' }))
  assert.equal(await subjectFor(port, 'a.test'), 'two')
  for (let i = 0; i < 3; i++) {
    open.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const [bytes] = (await once(open, 'data')) as [Buffer]
    assert.match(bytes.toString(), /^HTTP\/1.1 200/)
  }
  open.destroy()
})

test('an RSA and an ECDSA certificate of one document: the ciphers of the client choose', {
  skip,
}, async (t) => {
  const { port, put } = await setUp(t)
  const [ec, rsa] = [makeCertificate(t, ['ec']), makeCertificate(t, ['rsa'], { algorithm: 'rsa' })]
  await put('ssls/1', documentOf(ec, { sni: 'a.test', certs: [rsa.cert], keys: [rsa.key] }))
  const with12 = (ciphers: string) => subjectFor(port, 'a.test', { maxVersion: 'TLSv1.2', ciphers })
  assert.equal(await with12('ECDHE-ECDSA-AES128-GCM-SHA256'), 'ec')
  assert.equal(await with12('ECDHE-RSA-AES128-GCM-SHA256'), 'rsa')
  for (const [sigalgs, name] of [
    ['ECDSA+SHA256', 'ec'],
    ['RSA-PSS+SHA256', 'rsa'],
  ] as const)
    assert.equal(await subjectFor(port, 'a.test', { minVersion: 'TLSv1.3', sigalgs }), name)
})

test('versions are those of the settings, or of the certificate', { skip }, async (t) => {
  const { port, put } = await setUp(t)
  const pair = makeCertificate(t, ['a'])
  await put('ssls/1', documentOf(pair, { sni: 'a.test' }))
  await put('ssls/2', documentOf(pair, { sni: 'new.test', ssl_protocols: ['TLSv1.3'] }))
  await put('ssls/3', documentOf(pair, { sni: 'old.test', ssl_protocols: ['TLSv1.2'] }))
  const version = async (servername: string, options: ConnectionOptions = {}): Promise<string | null> => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false, ...options })
    try {
      await once(socket, 'secureConnect')
      return socket.getProtocol()
    } catch {
      return null
    } finally {
      socket.destroy()
    }
  }
  assert.equal(await version('a.test'), 'TLSv1.3')
  assert.equal(await version('a.test', { maxVersion: 'TLSv1.2' }), 'TLSv1.2')
  assert.equal(
    await version('a.test', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    null,
  )
  assert.equal(await version('new.test', { maxVersion: 'TLSv1.2' }), null)
  assert.equal(await version('old.test'), 'TLSv1.2')
})

test('HTTP/2 is taken where it is offered, and a client that offers nothing known gets an alert', {
  skip,
}, async (t) => {
  const { port, put } = await setUp(t)
  await put('ssls/1', documentOf(makeCertificate(t, ['a']), { sni: 'a.test' }))
  const chosen = async (ALPNProtocols: string[]): Promise<unknown> => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername: 'a.test',
      rejectUnauthorized: false,
      ALPNProtocols,
    })
    try {
      await once(socket, 'secureConnect')
      return socket.alpnProtocol
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    } finally {
      socket.destroy()
    }
  }
  assert.equal(await chosen(['http/1.1', 'h2']), 'h2')
  assert.equal(await chosen(['http/1.1']), 'http/1.1')
  assert.equal(await chosen([]), false)
  assert.match(String(await chosen(['spdy/3'])), /NO_APPLICATION_PROTOCOL/)
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`sessions of ${maxVersion} are resumed by any of two workers${maxVersion === 'TLSv1.3' ? ', each time by a new ticket' : ''}`, {
    skip,
  }, async (t) => {
    const { port, put } = await setUp(t, [], 2)
    await put('ssls/1', documentOf(makeCertificate(t, ['a']), { sni: 'a.test' }))
    const open = async (session: Buffer | undefined): Promise<{ tickets: Buffer[]; isResumed: boolean }> => {
      const socket = tls.connect({
        port,
        host: '127.0.0.1',
        servername: 'a.test',
        rejectUnauthorized: false,
        maxVersion,
        ...(session === undefined ? {} : { session }),
      })
      const tickets: Buffer[] = []
      socket.on('session', (ticket: Buffer) => tickets.push(ticket))
      await once(socket, 'secureConnect')
      const isResumed = socket.isSessionReused()
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      socket.resume()
      await once(socket, 'close')
      return { tickets, isResumed }
    }
    let ticket = (await open(undefined)).tickets[0]
    const used = new Set<string>()
    for (let i = 0; i < 30; i++) {
      assert.ok(ticket !== undefined, `connection ${i} got a ticket`)
      used.add(ticket.toString('base64'))
      const { tickets, isResumed } = await open(ticket)
      assert.ok(isResumed, `connection ${i}`)
      // Node tells no ticket that came with a resumed session of 1.2
      ticket = maxVersion === 'TLSv1.2' ? ticket : tickets[0]
    }
    assert.equal(used.size, maxVersion === 'TLSv1.2' ? 1 : 30)
  })
}

test('clients of a name that wants a certificate show a good one, or get 400', { skip }, async (t) => {
  const { gateway, port, put } = await setUp(t)
  const server = makeCertificate(t, ['api.test'])
  const authority = makeCertificate(t, ['authority'], { isAuthority: true })
  const client = makeCertificate(t, ['client'], { issuer: authority })
  const between = makeCertificate(t, ['between'], { issuer: authority, isAuthority: true })
  const deep = makeCertificate(t, ['deep'], { issuer: between })
  const stranger = makeCertificate(t, ['stranger'])
  const mutual = { ca: authority.cert, skip_mtls_uri_regex: ['^/health$'] }
  await put('ssls/1', documentOf(server, { sni: 'api.test', client: mutual }))
  await put('ssls/2', documentOf(server, { sni: 'open.test' }))
  const as = (files: CertificateFiles, more = '') => ({ cert: files.cert + more, key: files.key })
  assert.deepEqual(await ask(port, 'api.test', as(client)), { status: 200, text: 'https /' })
  for (const options of [{}, as(stranger)]) {
    const refused = await ask(port, 'api.test', options)
    assert.equal(refused.status, 400)
    assert.equal((await ask(port, 'api.test', { ...options, path: '/health' })).status, 200)
  }
  assert.equal((await ask(port, 'open.test')).status, 200)
  // one certificate between is what depth 1 allows
  assert.equal((await ask(port, 'api.test', as(deep, between.cert))).status, 200)
  await put('ssls/1', documentOf(server, { sni: 'api.test', client: { ...mutual, depth: 0 } }))
  assert.equal((await ask(port, 'api.test', as(deep, between.cert))).status, 400)
  assert.equal((await ask(port, 'api.test', as(client))).status, 200)
  assert.match((await gateway.status('/metrics')).text, /CLIENT_CERTIFICATE/)
})

test('no private key comes out of a gateway that serves with it', { skip }, async (t) => {
  const { gateway, port, put } = await setUp(t)
  const pair = makeCertificate(t, ['a.test'])
  await put('ssls/1', documentOf(pair, { sni: 'a.test' }))
  assert.equal((await ask(port, 'a.test')).status, 200)
  const secret = pair.key.split('\n')[1] as string
  for (const path of [
    '/apisix/admin/ssls',
    '/apisix/admin/ssls/1',
    '/headgate/v1/documents',
    '/headgate/v1/export',
    '/headgate/v1/status',
    '/headgate/v1/history',
  ])
    assert.ok(!(await gateway.admin('GET', path)).text.includes(secret), path)
  assert.ok(!(gateway.stderr() + gateway.stdout()).includes(secret))
})

test('an answer that only the end of the connection ends, and that breaks off, ends in a reset', {
  skip,
}, async (t) => {
  const files = makeCertificate(t, ['a.test'])
  const { gateway, port, put } = await setUp(t, ['--tls-cert', files.certFile, '--tls-key', files.keyFile])
  let breakOff = (): void => {}
  const backend = await startRawBackend((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    )
    breakOff = () => socket.resetAndDestroy()
  })
  t.after(() => backend.close())
  await put('routes/cut', { uri: '/cut', priority: 1, upstream: { nodes: { [backend.node]: 1 } } })
  const authority = makeCertificate(t, ['authority'], { isAuthority: true }).cert
  // from the second on hellos are read first, by a socket of their own
  for (const own of [null, { sni: 'm.test', client: { ca: authority } }]) {
    if (own !== null) await put('ssls/1', documentOf(files, own))
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
    socket.write('GET /cut HTTP/1.0\r\nHost: a.test\r\n\r\n')
    let text = ''
    for await (const chunk of on(socket, 'data')) {
      text += String(chunk[0])
      if (text.endsWith('hello')) break
    }
    const failed = once(socket, 'error', { signal: AbortSignal.timeout(10_000) }) as Promise<
      [NodeJS.ErrnoException]
    >
    breakOff()
    assert.equal((await failed)[0].code, 'ECONNRESET')
    assert.deepEqual(await ask(port, 'a.test', { path: '/x' }), { status: 200, text: 'https /x' })
  }
  assert.doesNotMatch(gateway.stderr(), /nobody caught/)
})

test('a handshake that does not come is not waited for', { skip }, async (t) => {
  const settings = writeSettings({ tls: { handshakeTimeoutMs: 200 } })
  t.after(() => settings.remove())
  const { port, put } = await setUp(t, ['--settings', settings.file])
  await put('ssls/1', documentOf(makeCertificate(t, ['a']), { sni: 'a.test' }))
  const socket = connectTcp({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'close')
})

test('openssl and curl are served', { skip: skipWithout('openssl', 'curl') }, async (t) => {
  const { port, put } = await setUp(t)
  const pair = makeCertificate(t, ['a.test'])
  await put('ssls/1', documentOf(pair, { sni: 'a.test' }))
  const curl = await runTool('curl', [
    '-sS',
    '--cacert',
    pair.certFile,
    '--resolve',
    `a.test:${port}:127.0.0.1`,
    '-w',
    ' %{http_version}',
    `https://a.test:${port}/c`,
  ])
  assert.deepEqual([curl.stdout, curl.stderr], ['https /c 2', ''])
  const client = await runTool(
    'openssl',
    [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'a.test',
      '-CAfile',
      pair.certFile,
      '-verify_return_error',
    ],
    { input: '' },
  )
  assert.match(client.stdout, /Verify return code: 0/)
})
