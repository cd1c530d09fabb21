import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../src/model/json.ts'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { findTool } from '../../test/support/tools.ts'
import { ADMIN_KEY, isReady, putDocument } from './admin.ts'
import {
  backendServers,
  gatewaySettings,
  type HaproxyKind,
  haproxyConfiguration,
  type KeyPair,
  nghttpxFlags,
  nginxConfiguration,
  nginxGrpcProxy,
  nginxProxy,
  nginxStream,
  nginxTlsProxy,
  nginxWebSocketProxy,
} from './configurations.ts'
import { type IdleClients, type IdleKind, startIdleClients } from './idle.ts'
import {
  DRIVING,
  freePorts,
  isListening,
  type Program,
  registerFolder,
  removeFolder,
  runPinned,
  startProgram,
  UNDER_TEST,
} from './program.ts'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
const BODY_SIZES = [65_536, 1_048_576]
/** Where Debian puts nginx's module for streams. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'
/** Documents in one write when a store is filled. */
const BATCH = 10_000

/** One program under test: where it takes requests. */
export interface Side {
  readonly name: string
  readonly port: number
  readonly program: Program
}

export interface GatewaySide extends Side {
  /** Writes one document of APISIX; resolves to the milliseconds until it was acknowledged. Rejects if it was not taken. */
  put(kind: string, id: string, value: JsonObject): Promise<number>
  /** Milliseconds from the start of the process until it said that it is ready. */
  readonly readyMs: number
}

export interface GatewayOptions {
  /** Default 1, pinned to the processor under test; with more of them the gateway may use both. */
  readonly workers?: number
  /** A folder made by `fillStore`. Default: the store is memory, and empty. */
  readonly store?: string
  /** Text of a configuration file (YAML) that the gateway takes its documents from, instead of a store. */
  readonly config?: string
  /** Folder of another checkout of the project that is started instead; its packages are installed. */
  readonly checkout?: string
  /** What the port of the side takes. Default `http`. */
  readonly front?: 'http' | 'tls' | 'tcp'
  /** More of them, as they are. */
  readonly flags?: readonly string[]
}

/** One document, of APISIX where nothing else is said. */
export interface SampleDocument {
  readonly dialect?: string
  readonly kind: string
  readonly id: string
  readonly value: JsonObject
}

/** The programs of one scenario: backends on the driving processor, the rest on the one under test. `close` ends all of them. */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
  readonly #programs: Program[] = []
  /** Ports of the two backends. */
  blue = 0
  green = 0

  /** A site with its backends. */
  static async open(): Promise<Site> {
    const site = new Site()
    registerFolder(site.folder)
    for (const size of BODY_SIZES) writeFileSync(join(site.folder, String(size)), Buffer.alloc(size, 'x'))
    const [blue, green] = (await freePorts(2)) as [number, number]
    site.blue = blue
    site.green = green
    await site.#nginx('backends', DRIVING, backendServers([blue, green], site.folder), green)
    return site
  }

  /** nginx as a plain proxy; with `locations` it has so many of them. */
  async nginx(name = 'nginx', locations: readonly string[] = []): Promise<Side> {
    const [port] = (await freePorts(1)) as [number]
    return this.#nginx(name, UNDER_TEST, nginxProxy(port, this.blue, locations), port)
  }

  /** nginx as a proxy to `backend` for another protocol than plain HTTP. */
  async nginxFor(kind: 'tls' | 'grpc' | 'websocket', backend: number): Promise<Side> {
    const [port] = (await freePorts(1)) as [number]
    const http =
      kind === 'tls'
        ? nginxTlsProxy(port, backend, await this.keyPair())
        : kind === 'grpc'
          ? nginxGrpcProxy(port, backend)
          : nginxWebSocketProxy(port, backend)
    return this.#nginx(`nginx-${kind}`, UNDER_TEST, http, port)
  }

  /** nginx relaying TCP, or null where its module for streams is not installed. */
  async nginxStream(backend: number): Promise<Side | null> {
    const isBuiltIn = (await runPinned(DRIVING, ['sh', '-c', 'nginx -V 2>&1'])).includes(' --with-stream ')
    if (!isBuiltIn && !existsSync(STREAM_MODULE)) return null
    const [port] = (await freePorts(1)) as [number]
    const main = nginxStream(port, backend, isBuiltIn ? null : STREAM_MODULE)
    return this.#nginx('nginx-stream', UNDER_TEST, '', port, main)
  }

  async #nginx(name: string, processor: string, http: string, port: number, main = ''): Promise<Side> {
    const own = join(this.folder, name.replace(/\W+/g, '-'))
    mkdirSync(own)
    const file = this.#write(`${name}.conf`, nginxConfiguration(own, http, main))
    const command = ['nginx', '-p', own, '-c', file]
    return this.#start(name, processor, command, port)
  }

  async haproxy(kind: HaproxyKind = 'http', backend = this.blue): Promise<Side> {
    const [port] = (await freePorts(1)) as [number]
    const pair = kind === 'tls' ? await this.keyPair() : null
    const file = this.#write('haproxy.cfg', haproxyConfiguration(port, backend, kind, pair))
    return this.#start('HAProxy', UNDER_TEST, ['haproxy', '-db', '-f', file], port)
  }

  /** nghttpx with HTTP/2 over TLS, or null where it is not installed. */
  async nghttpx(): Promise<Side | null> {
    if (findTool('nghttpx') === null) return null
    const [port] = (await freePorts(1)) as [number]
    const flags = nghttpxFlags(port, this.blue, await this.keyPair())
    return this.#start('nghttpx', UNDER_TEST, ['nghttpx', ...flags], port)
  }

  /** A certificate for 127.0.0.1 signed by itself (ECDSA, P-256), the same for all sides. */
  async keyPair(): Promise<KeyPair> {
    const pair = {
      certificate: join(this.folder, 'site.crt'),
      key: join(this.folder, 'site.key'),
      both: join(this.folder, 'site.pem'),
    }
    if (existsSync(pair.both)) return pair
    const request = [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
    ]
    const subject = ['-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    await runPinned(DRIVING, [...request, ...subject, '-keyout', pair.key, '-out', pair.certificate])
    writeFileSync(pair.both, readFileSync(pair.certificate, 'utf8') + readFileSync(pair.key, 'utf8'))
    return pair
  }

  /** Starts a backend of bench/peers and gives its port. */
  async backend(script: 'echo-backend' | 'grpc-backend'): Promise<number> {
    const [port] = (await freePorts(1)) as [number]
    const command = [process.execPath, resolve(ROOT, 'bench/peers', `${script}.ts`), String(port)]
    await this.#start(script, DRIVING, command, port)
    return port
  }

  /** One of the proxies for Node, in production mode. */
  async nodeProxy(name: 'http-proxy' | '@fastify/http-proxy'): Promise<Side> {
    const [port] = (await freePorts(1)) as [number]
    const script = resolve(ROOT, 'bench/peers', `${name.replace(/\W+/g, '-').replace(/^-/, '')}.ts`)
    const command = [process.execPath, '--disable-warning=DEP0060', script, String(port)]
    const target = `http://127.0.0.1:${this.blue}`
    return this.#start(name, UNDER_TEST, [...command, target], port, {
      ...process.env,
      NODE_ENV: 'production',
    })
  }

  /** `headgate start` as users run it, from this checkout. */
  async gateway(options: GatewayOptions = {}): Promise<GatewaySide> {
    const [plainPort, adminPort, statusPort, otherPort] = (await freePorts(4)) as [
      number,
      number,
      number,
      number,
    ]
    const front = options.front ?? 'http'
    const workers = options.workers ?? 1
    const settings = this.#write('settings.yaml', gatewaySettings())
    const flags = [
      '--settings',
      settings,
      '--workers',
      String(workers),
      ...(options.config === undefined
        ? ['--store', options.store ?? 'memory']
        : ['--config', this.#write('headgate.yaml', options.config)]),
      '--log-level',
      'warn',
    ]
    flags.push('--listen', `127.0.0.1:${plainPort}`, '--admin', `127.0.0.1:${adminPort}`)
    if (front === 'tls') {
      const pair = await this.keyPair()
      flags.push(
        '--listen-tls',
        `127.0.0.1:${otherPort}`,
        '--tls-cert',
        pair.certificate,
        '--tls-key',
        pair.key,
      )
    }
    if (front === 'tcp') flags.push('--listen-tcp', `127.0.0.1:${otherPort}`)
    flags.push('--status', `127.0.0.1:${statusPort}`, '--access-log', 'off', ...(options.flags ?? []))
    const began = performance.now()
    const program = await startProgram(
      workers === 1 ? UNDER_TEST : `${UNDER_TEST},${DRIVING}`,
      [process.execPath, resolve(options.checkout ?? ROOT, 'bin/headgate.js'), 'start', ...flags],
      () => isReady(statusPort),
      { ...process.env, HEADGATE_ADMIN_KEY: ADMIN_KEY },
    )
    const readyMs = performance.now() - began
    this.#programs.push(program)
    return {
      name: 'Headgate',
      port: front === 'http' ? plainPort : otherPort,
      program,
      readyMs,
      put: (kind, id, value) => putDocument(adminPort, kind, id, value),
    }
  }

  /** Puts documents into a new embedded store, without a gateway, and gives its folder. */
  async fillStore(documents: Iterable<SampleDocument>, name = 'store'): Promise<string> {
    const folder = join(this.folder, name)
    const store = await openEmbeddedStore(folder)
    let batch: SampleDocument[] = []
    const flush = async (): Promise<void> => {
      const changes = batch.map(({ dialect = 'apisix', kind, id, value }) => ({
        op: 'put' as const,
        key: { dialect, kind, id },
        value: dialect === 'apisix' ? { ...value, id } : value,
        expiresAtMs: null,
        expectedRevision: null,
      }))
      batch = []
      if (changes.length > 0) await store.commit(changes, { author: 'bench', message: null }, Date.now())
    }
    for (const document of documents) {
      batch.push(document)
      if (batch.length === BATCH) await flush()
    }
    await flush()
    await store.close()
    return folder
  }

  /** See `startIdleClients`. */
  async idleClients(port: number, count: number, kind: IdleKind = 'http'): Promise<IdleClients> {
    const clients = await startIdleClients(port, count, kind)
    this.#programs.push(clients)
    return clients
  }

  async #start(
    name: string,
    processor: string,
    command: readonly string[],
    port: number,
    env?: NodeJS.ProcessEnv,
  ): Promise<Side> {
    const program = await startProgram(processor, command, () => isListening(port), env)
    this.#programs.push(program)
    return { name, port, program }
  }

  #write(name: string, text: string): string {
    const file = join(this.folder, name)
    writeFileSync(file, text)
    return file
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()))
    removeFolder(this.folder)
  }
}

/** Opens a site, runs the work on it and closes it, whatever happens. */
export async function withSite<T>(work: (site: Site) => Promise<T>): Promise<T> {
  const site = await Site.open()
  try {
    return await work(site)
  } finally {
    await site.close()
  }
}
