import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../src/model/json.ts'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { ADMIN_KEY, isReady, putDocument } from './admin.ts'
import {
  backendServers,
  gatewaySettings,
  haproxyConfiguration,
  nginxConfiguration,
  nginxProxy,
} from './configurations.ts'
import { type IdleClients, startIdleClients } from './idle.ts'
import {
  DRIVING,
  freePorts,
  isListening,
  type Program,
  registerFolder,
  removeFolder,
  startProgram,
  UNDER_TEST,
} from './program.ts'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
const BODY_SIZES = [65_536, 1_048_576]
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
  /** Folder of another checkout of the project that is started instead; its packages are installed. */
  readonly checkout?: string
}

/** One document of APISIX. */
export interface SampleDocument {
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

  async #nginx(name: string, processor: string, http: string, port: number): Promise<Side> {
    const own = join(this.folder, name.replace(/\W+/g, '-'))
    mkdirSync(own)
    const file = this.#write(`${name}.conf`, nginxConfiguration(own, http))
    const command = ['nginx', '-p', own, '-c', file]
    return this.#start(name, processor, command, port)
  }

  async haproxy(): Promise<Side> {
    const [port] = (await freePorts(1)) as [number]
    const file = this.#write('haproxy.cfg', haproxyConfiguration(port, this.blue))
    return this.#start('HAProxy', UNDER_TEST, ['haproxy', '-db', '-f', file], port)
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
    const [port, adminPort, statusPort] = (await freePorts(3)) as [number, number, number]
    const workers = options.workers ?? 1
    const settings = this.#write('settings.yaml', gatewaySettings())
    const flags = [
      '--settings',
      settings,
      '--workers',
      String(workers),
      '--store',
      options.store ?? 'memory',
      '--log-level',
      'warn',
    ]
    flags.push('--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`)
    flags.push('--status', `127.0.0.1:${statusPort}`, '--access-log', 'off')
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
      port,
      program,
      readyMs,
      put: (kind, id, value) => putDocument(adminPort, kind, id, value),
    }
  }

  /** Puts documents into a new embedded store, without a gateway, and gives its folder. */
  async fillStore(documents: Iterable<SampleDocument>): Promise<string> {
    const folder = join(this.folder, 'store')
    const store = await openEmbeddedStore(folder)
    let batch: SampleDocument[] = []
    const flush = async (): Promise<void> => {
      const changes = batch.map(({ kind, id, value }) => ({
        op: 'put' as const,
        key: { dialect: 'apisix', kind, id },
        value: { ...value, id },
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
  async idleClients(port: number, count: number): Promise<IdleClients> {
    const clients = await startIdleClients(port, count)
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
