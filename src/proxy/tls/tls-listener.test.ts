import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type CertificateFiles, makeCertificate } from '../../../test/support/certificates.ts'
import { skipWithout, waitFor } from '../../../test/support/tools.ts'
import type { Certificate } from '../../model/certificate.ts'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { acceptHandles } from '../accept-handles.ts'
import { resetSocket } from '../client-socket.ts'
import { Certificates, createContext } from './certificates.ts'
import { type AcceptedTls, readTicketKeys, TlsListener } from './tls-listener.ts'

const settings = { ...DEFAULT_SETTINGS.tls, handshakeTimeoutMs: 10_000 }
const needsOpenssl = { skip: skipWithout('openssl') }

function certificateOf(
  id: string,
  files: CertificateFiles,
  serverNames: readonly string[],
  more: Partial<Certificate> = {},
): Certificate {
  return {
    kind: 'certificate',
    id,
    name: serverNames[0] as string,
    origin: { dialect: 'test', kind: 'certificate', id, path: '' },
    serverNames,
    pairs: [{ certificate: files.cert, key: files.key }],
    client: null,
    versions: null,
    key: [0],
    ...more,
  }
}

interface Standing {
  readonly port: number
  readonly faults: string[]
  readonly accepted: { readonly socket: TLSSocket; readonly tls: AcceptedTls }[]
}

/** How connections come to a listener: as handles, the common way, or as sockets from which something was read before. */
const WAYS = ['handles', 'sockets'] as const

/** A listener as one worker has it. It says `hello` to whoever comes through the handshake. */
async function start(
  t: TestContext,
  certificates: Certificates,
  {
    way = 'handles',
    fallback = null,
    keys = () => [randomBytes(48)] as readonly Uint8Array[],
    handshakeTimeoutMs = 10_000,
    greets = true,
  }: {
    way?: (typeof WAYS)[number]
    fallback?: CertificateFiles | null
    keys?: () => readonly Uint8Array[]
    handshakeTimeoutMs?: number
    greets?: boolean
  } = {},
): Promise<Standing> {
  const faults: string[] = []
  const accepted: { socket: TLSSocket; tls: AcceptedTls }[] = []
  const pairs = fallback === null ? null : [{ certificate: fallback.cert, key: fallback.key }]
  const listener = new TlsListener(
    {
      settings: { ...settings, handshakeTimeoutMs },
      certificates,
      ticketKeys: () => readTicketKeys(keys()),
      protocols: ['h2', 'http/1.1'],
      onReady: (socket, tls) => {
        socket.on('error', () => {})
        accepted.push({ socket, tls })
        socket.resume()
        if (greets) socket.end('hello')
      },
      onFault: (code) => void faults.push(code),
    },
    pairs === null ? null : createContext(pairs, null, null, settings),
  )
  const server = createServer({ allowHalfOpen: true }, (socket) => listener.accept(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  if (way === 'handles')
    assert.ok(
      acceptHandles(server, (handle) => listener.acceptHandle(handle)),
      'this Node has it',
    )
  return { port: (server.address() as AddressInfo).port, faults, accepted }
}

interface Met {
  readonly names: string
  readonly version: string | null
  readonly isResumed: boolean
  readonly session: Buffer | null
}

/** Connects, reads all that comes, and says whom it met. Rejects with the error of a handshake that failed. */
function meet(port: number, options: ConnectionOptions): Promise<Met> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    let session: Buffer | null = null
    let met: Omit<Met, 'session'> | null = null
    socket.on('session', (bytes) => {
      session = bytes
    })
    socket.on('secureConnect', () => {
      met = {
        names: socket.getPeerCertificate().subjectaltname ?? '',
        version: socket.getProtocol(),
        isResumed: socket.isSessionReused(),
      }
      // Node tells no ticket that came with a resumed session of TLS 1.2
      if (socket.getProtocol() === 'TLSv1.2') session = socket.getSession() ?? null
    })
    socket.on('error', reject)
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      if (met === null) reject(new Error('closed during the handshake'))
      else resolve({ ...met, session })
    })
    socket.resume()
  })
}

function certificatesOf(...list: readonly Certificate[]): Certificates {
  const certificates = new Certificates(settings)
  certificates.prepare(list, [])()
  return certificates
}

for (const way of WAYS) {
  test(
    `${way}: a name gets its own certificate before a wildcard, which stands for one label, and then the default`,
    needsOpenssl,
    async (t) => {
      const make = (name: string): CertificateFiles => makeCertificate(t, [name])
      const certificates = certificatesOf(
        certificateOf('exact', make('a.test'), ['a.test']),
        certificateOf('wild', make('wild.test'), ['*.test', '*.b.test']),
        certificateOf('other', make('other.test'), ['c.b.test']),
      )
      const { port } = await start(t, certificates, { way, fallback: make('default.test') })
      const namesOf = async (servername: string): Promise<string> => (await meet(port, { servername })).names
      assert.equal(await namesOf('a.test'), 'DNS:a.test')
      assert.equal(await namesOf('A.TEST'), 'DNS:a.test')
      assert.equal(await namesOf('x.test'), 'DNS:wild.test')
      assert.equal(await namesOf('x.b.test'), 'DNS:wild.test')
      assert.equal(await namesOf('c.b.test'), 'DNS:other.test')
      assert.equal(await namesOf('x.y.test'), 'DNS:default.test')
      assert.equal((await meet(port, {})).names, 'DNS:default.test', 'no name at all')
    },
  )
}

test(
  'a star stands for text inside one label, none included, or alone for every name; the longest one wins',
  needsOpenssl,
  (t) => {
    const files = makeCertificate(t, ['x'])
    const certificates = certificatesOf(
      certificateOf('exact', files, ['foo.test']),
      certificateOf('suffix', files, ['*oo.test']),
      certificateOf('dotted', files, ['*.foo.test']),
      certificateOf('any', files, ['*']),
    )
    const shownFor = (name: string) => certificates.find(name)?.id ?? null
    assert.deepEqual(
      ['foo.test', 'oo.test', 'barfoo.test', 'a.foo.test', 'a.b.foo.test', 'a.oo.test', 'localhost', ''].map(
        shownFor,
      ),
      ['exact', 'suffix', 'suffix', 'dotted', 'any', 'any', 'any', null],
    )
    certificates.prepare([], ['any', 'suffix'])()
    assert.deepEqual(['oo.test', 'a.foo.test', 'a.b.foo.test'].map(shownFor), [null, 'dotted', null])
  },
)

for (const way of WAYS) {
  test(
    `${way}: where nothing fits a name the handshake ends with unrecognized_name; without a name, with handshake_failure`,
    needsOpenssl,
    async (t) => {
      const certificates = certificatesOf(certificateOf('1', makeCertificate(t, ['a.test']), ['a.test']))
      const { port, faults } = await start(t, certificates, { way })
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await assert.rejects(meet(port, { servername: 'b.test', maxVersion }), /unrecognized name/)
        await assert.rejects(meet(port, { maxVersion }), /handshake failure/)
      }
      assert.equal(faults.length, 4)
    },
  )
}

test(
  'where the default is all there is, whoever names a server gets it without being asked',
  needsOpenssl,
  async (t) => {
    const fallback = makeCertificate(t, ['default.test'])
    const certificates = certificatesOf()
    const { port } = await start(t, certificates, { fallback })
    assert.equal((await meet(port, { servername: 'b.test' })).names, 'DNS:default.test')
    certificates.prepare([certificateOf('1', makeCertificate(t, ['b.test']), ['b.test'])], [])()
    assert.equal((await meet(port, { servername: 'b.test' })).names, 'DNS:b.test')
    certificates.prepare([], ['1'])()
    assert.equal((await meet(port, { servername: 'b.test' })).names, 'DNS:default.test')
  },
)

test(
  'of several certificates for a name the one with the smaller key is shown, then by id; a removed one gives way',
  needsOpenssl,
  async (t) => {
    const make = (name: string): CertificateFiles => makeCertificate(t, [name])
    const certificates = certificatesOf(
      certificateOf('b', make('b'), ['a.test'], { key: [2] }),
      certificateOf('c', make('c'), ['a.test'], { key: [1] }),
      certificateOf('a', make('a'), ['a.test'], { key: [2] }),
    )
    const { port } = await start(t, certificates)
    const shown: string[] = []
    for (const id of ['c', 'a', 'b']) {
      shown.push((await meet(port, { servername: 'a.test' })).names)
      certificates.prepare([], [id])()
    }
    assert.deepEqual(shown, ['DNS:c', 'DNS:a', 'DNS:b'])
    assert.equal(certificates.size, 0)
    await assert.rejects(meet(port, { servername: 'a.test' }), /unrecognized name/)
  },
)

test('a pair that OpenSSL does not take changes nothing', needsOpenssl, (t) => {
  const good = makeCertificate(t, ['a.test'])
  const certificates = certificatesOf(certificateOf('1', good, ['a.test']))
  const before = certificates.find('a.test')
  const bad = { ...good, key: makeCertificate(t, ['a.test']).key }
  assert.throws(() => certificates.prepare([certificateOf('1', bad, ['a.test'])], []), /key values mismatch/)
  assert.equal(certificates.find('a.test'), before)
})

test('a certificate of each kind of key: the ciphers of the client choose', needsOpenssl, async (t) => {
  const ec = makeCertificate(t, ['ec.test'])
  const rsa = makeCertificate(t, ['rsa.test'], { algorithm: 'rsa' })
  const pairs = [ec, rsa].map(({ cert, key }) => ({ certificate: cert, key }))
  const { port } = await start(t, certificatesOf(certificateOf('1', ec, ['a.test'], { pairs })))
  for (const [ciphers, names] of [
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'DNS:ec.test'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'DNS:rsa.test'],
  ]) {
    const met = await meet(port, { servername: 'a.test', maxVersion: 'TLSv1.2', ciphers: ciphers as string })
    assert.equal(met.names, names)
  }
})

test(
  'the versions of a certificate hold for its names alone, also where they reach below those of the settings',
  needsOpenssl,
  async (t) => {
    const files = makeCertificate(t, ['a.test'])
    const certificates = certificatesOf(
      certificateOf('old', files, ['old.test'], { versions: ['TLSv1.1', 'TLSv1.2'] }),
      certificateOf('new', files, ['new.test'], { versions: ['TLSv1.3'] }),
      certificateOf('any', files, ['any.test']),
    )
    const { port, accepted } = await start(t, certificates)
    const versionOf = async (servername: string, options: ConnectionOptions = {}) =>
      (await meet(port, { servername, ...options })).version
    assert.equal(await versionOf('old.test'), 'TLSv1.2')
    assert.equal(await versionOf('new.test'), 'TLSv1.3')
    assert.equal(await versionOf('any.test'), 'TLSv1.3')
    const old: ConnectionOptions = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }
    assert.equal(await versionOf('old.test', old), 'TLSv1.1')
    await assert.rejects(meet(port, { servername: 'any.test', ...old }), /protocol version/)
    await assert.rejects(meet(port, { servername: 'new.test', maxVersion: 'TLSv1.2' }), /protocol version/)
    assert.deepEqual(
      accepted.map(({ tls }) => tls.serverName),
      ['old.test', 'new.test', 'any.test', 'old.test'],
    )
  },
)

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(
    `${maxVersion}: a session is taken up by another worker, and after one rotation of the keys, not after two`,
    needsOpenssl,
    async (t) => {
      const files = makeCertificate(t, ['a.test'])
      let keys: readonly Uint8Array[] = [randomBytes(48)]
      const options = { keys: () => keys }
      const one = await start(t, certificatesOf(certificateOf('1', files, ['a.test'])), options)
      const two = await start(t, certificatesOf(certificateOf('1', files, ['a.test'])), options)
      const client = { servername: 'a.test', maxVersion }
      const rotate = (): void => {
        keys = [randomBytes(48), keys[0] as Uint8Array]
      }
      const first = await meet(one.port, client)
      assert.equal(first.isResumed, false)
      const session = first.session as Buffer
      assert.equal((await meet(two.port, { ...client, session })).isResumed, true)
      rotate()
      const renewed = await meet(two.port, { ...client, session })
      assert.equal(renewed.isResumed, true)
      rotate()
      assert.equal((await meet(one.port, { ...client, session })).isResumed, false, 'both keys are newer')
      assert.notEqual(renewed.session, null, 'whoever came with the last key got a ticket of the current one')
      assert.equal((await meet(one.port, { ...client, session: renewed.session as Buffer })).isResumed, true)
      assert.equal(one.accepted.at(-1)?.tls.isResumed, true)
    },
  )
}

test('a client that offers only unknown protocols gets no_application_protocol', needsOpenssl, async (t) => {
  const { port } = await start(
    t,
    certificatesOf(certificateOf('1', makeCertificate(t, ['a.test']), ['a.test'])),
  )
  await assert.rejects(
    meet(port, { servername: 'a.test', ALPNProtocols: ['spdy/3'] }),
    /no application protocol/,
  )
})

// ================= certificates of clients =================

interface Mutual {
  readonly certificates: Certificates
  readonly authority: CertificateFiles
  readonly good: CertificateFiles
  readonly stranger: CertificateFiles
}

/** `m.test` asks for a certificate, but for `/open`; `n.test` asks for one of another authority; `a.test` does not ask. */
function makeMutual(t: TestContext, depth = 1): Mutual {
  const authority = makeCertificate(t, ['authority'], { isAuthority: true })
  const other = makeCertificate(t, ['other authority'], { isAuthority: true })
  const files = makeCertificate(t, ['a.test'])
  const asks = (from: CertificateFiles) => ({
    client: { authorities: from.cert, depth, exceptPaths: ['^/open'] },
  })
  return {
    authority,
    certificates: certificatesOf(
      certificateOf('m', files, ['m.test'], asks(authority)),
      certificateOf('n', files, ['n.test'], asks(other)),
      certificateOf('a', files, ['a.test']),
    ),
    good: makeCertificate(t, ['client'], { issuer: authority }),
    stranger: makeCertificate(t, ['client'], { issuer: other }),
  }
}

/** Whether a request to `host` would be let in after a handshake like that. */
async function judge(
  { port, accepted }: Standing,
  servername: string,
  client: CertificateFiles | null,
  { host = servername, target = '/', ...more }: { host?: string; target?: string } & ConnectionOptions = {},
): Promise<boolean> {
  const shown = client === null ? {} : { cert: client.cert, key: client.key }
  await meet(port, { servername, ...shown, ...more })
  return (accepted.at(-1) as Standing['accepted'][number]).tls.admits(target, host)
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(
    `${maxVersion}: a name that asks for a certificate lets in those with a good one, and paths that need none`,
    needsOpenssl,
    async (t) => {
      const { certificates, good, stranger } = makeMutual(t)
      const standing = await start(t, certificates)
      assert.equal(await judge(standing, 'm.test', good, { maxVersion }), true)
      assert.equal(await judge(standing, 'm.test', null, { maxVersion }), false)
      assert.equal(await judge(standing, 'm.test', stranger, { maxVersion }), false)
      assert.equal(await judge(standing, 'n.test', stranger, { maxVersion }), true)
      assert.equal(await judge(standing, 'm.test', null, { maxVersion, target: '/open?x=1' }), true)
      assert.equal(await judge(standing, 'm.test', null, { maxVersion, target: '/not/open' }), false)
      assert.equal(await judge(standing, 'a.test', null, { maxVersion }), true)
    },
  )

  test(
    `${maxVersion}: neither another host, nor a session of another name, nor one without a certificate gets around it`,
    needsOpenssl,
    async (t) => {
      const { certificates, good, stranger } = makeMutual(t)
      const standing = await start(t, certificates)
      assert.equal(await judge(standing, 'a.test', null, { maxVersion, host: 'm.test' }), false)
      assert.equal(await judge(standing, 'n.test', stranger, { maxVersion, host: 'm.test' }), false)
      assert.equal(
        await judge(standing, 'a.test', null, { maxVersion, host: 'm.test', target: '/open' }),
        true,
      )
      assert.equal(await judge(standing, 'm.test', good, { maxVersion, host: 'a.test' }), true)
      const client = { maxVersion, cert: stranger.cert, key: stranger.key }
      for (const servername of ['a.test', 'm.test', 'n.test']) {
        const { session } = await meet(standing.port, { ...client, servername })
        if (session === null) continue
        assert.equal(
          await judge(standing, 'm.test', stranger, { maxVersion, session }),
          false,
          `a session of ${servername}`,
        )
        assert.equal(
          await judge(standing, 'm.test', null, { maxVersion, session }),
          false,
          `a session of ${servername}`,
        )
      }
    },
  )
}

test(
  'a name that begins to ask is closed to connections and sessions from before',
  needsOpenssl,
  async (t) => {
    const files = makeCertificate(t, ['a.test'])
    const authority = makeCertificate(t, ['authority'], { isAuthority: true })
    const certificates = certificatesOf(certificateOf('1', files, ['a.test']))
    const standing = await start(t, certificates)
    assert.equal(await judge(standing, 'a.test', null), true)
    const { session } = await meet(standing.port, { servername: 'a.test' })
    const { tls } = standing.accepted.at(-1) as Standing['accepted'][number]
    const client = { authorities: authority.cert, depth: 1, exceptPaths: [] }
    certificates.prepare([certificateOf('1', files, ['a.test'], { client })], [])()
    assert.equal(tls.admits('/', 'a.test'), false)
    assert.equal(await judge(standing, 'a.test', null, { session: session as Buffer }), false)
  },
)

test(
  'the depth bounds the certificates between that of a client and the authority',
  needsOpenssl,
  async (t) => {
    for (const [depth, isGood] of [
      [0, false],
      [1, true],
    ] as const) {
      const { certificates, authority } = makeMutual(t, depth)
      const between = makeCertificate(t, ['between'], { issuer: authority, isAuthority: true })
      const leaf = makeCertificate(t, ['client'], { issuer: between })
      const chain = { ...leaf, cert: `${leaf.cert}${between.cert}` }
      const standing = await start(t, certificates)
      assert.equal(await judge(standing, 'm.test', chain), isGood, `depth ${depth}`)
      assert.equal(
        await judge(standing, 'm.test', makeCertificate(t, ['direct'], { issuer: authority })),
        true,
      )
    }
  },
)

// ================= bad clients =================

for (const { way, asks } of [...WAYS.map((way) => ({ way, asks: false })), { way: WAYS[0], asks: true }]) {
  test(
    `${way}: what is no handshake, breaks off or stalls ends with a fault and no socket left${asks ? ', also where hellos are read first' : ''}`,
    needsOpenssl,
    async (t) => {
      const certificates = asks
        ? makeMutual(t).certificates
        : certificatesOf(certificateOf('1', makeCertificate(t, ['a.test']), ['a.test']))
      const { connect: connectPlain } = await import('node:net')
      const { port, faults, accepted } = await start(t, certificates, { way, handshakeTimeoutMs: 100 })
      const hello = Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3])
      for (const bytes of [
        'GET / HTTP/1.1\r\n\r\n',
        Buffer.alloc(3000, 0xff),
        Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]),
        hello,
        '',
      ]) {
        for (const ends of [true, false]) {
          const before = faults.length
          const socket = connectPlain({ host: '127.0.0.1', port })
          socket.on('error', () => {})
          socket.resume()
          if (ends) socket.end(bytes)
          else socket.write(bytes)
          await once(socket, 'close')
          assert.equal(faults.length, before + 1, `${JSON.stringify(bytes)} ends: ${ends}: ${faults.at(-1)}`)
        }
      }
      assert.equal(accepted.length, 0)
      assert.notEqual((await meet(port, { servername: 'a.test' })).version, null)
    },
  )
}

test('a socket is reset as one of TCP is, and closes', needsOpenssl, async (t) => {
  for (const way of WAYS) {
    const fallback = makeCertificate(t, ['a.test'])
    const { port, accepted } = await start(t, certificatesOf(), { way, fallback, greets: false })
    const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(client, 'secureConnect')
    const { socket } = await waitFor('the socket', () => accepted[0])
    assert.equal(socket.remotePort, client.localPort)
    const failed = once(client, 'error') as Promise<[NodeJS.ErrnoException]>
    const closed = once(socket, 'close')
    resetSocket(socket)
    assert.equal((await failed)[0].code, 'ECONNRESET')
    await closed
  }
})
