import type { ClientRequest, IncomingMessage, Agent as PlainAgent } from 'node:http'
import type { Agent as SecureAgent } from 'node:https'
import type { Log } from '../gateway/worker-pool.ts'
import {
  HEARTBEAT_MS,
  PROXY_PREFIX,
  type ProxyHello,
  type ProxyReport,
  SILENT_MS,
  type ToProxy,
} from '../model/proxy-link.ts'
import { LineReader } from './line-reader.ts'
import { Agent, request as requestHttp } from './node-http.ts'

/** Pause before a control plane that is away is tried again: doubles from the first to the last, and half of it is left to chance. Milliseconds. */
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000
/** Reports that would follow at once are one. */
const REPORT_MS = 20

export interface LinkOptions {
  /** `http://host:port` or `https://…`. */
  readonly controlPlane: URL
  /** Certificates of authorities (PEM) that the control plane's may be signed by, beside `https`; null: those of the system. */
  readonly ca: string | null
  readonly mesh: string
  readonly name: string
  /** Read for each connection: a new token may be put in the place of one that ends. null: none. */
  readonly token: () => string | null
  readonly hello: () => ProxyHello
  readonly report: () => ProxyReport
  /** Takes a line; the next one comes when it is done. */
  readonly onLine: (line: ToProxy) => Promise<void>
  readonly log: Log
  /** [0, 1) */
  readonly random?: () => number
}

/** The control plane refused the proxy: it would again. */
export class LinkRefused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Not worth another try with the same words; 404 is: the document may be applied later. */
const FINAL_STATUSES = new Set([400, 401, 403, 405])

/**
 * The connection of a proxy to its control plane: one long request that brings its model, and small ones that report. It is made anew whenever it breaks; what came last goes on
 * serving meanwhile.
 */
export class ControlPlaneLink {
  readonly #options: LinkOptions
  readonly #path: string
  readonly #agent: PlainAgent | SecureAgent
  readonly #random: () => number
  readonly #send: typeof requestHttp
  #stream: ClientRequest | null = null
  #pauseMs = FIRST_PAUSE_MS
  #timer: NodeJS.Timeout | null = null
  #reporting: NodeJS.Timeout | null = null
  #isClosed = false
  #isConnected = false
  /** A model came at least once. */
  #hasServed = false
  readonly #first = Promise.withResolvers<void>()

  private constructor(options: LinkOptions, agent: PlainAgent | SecureAgent, send: typeof requestHttp) {
    this.#options = options
    this.#agent = agent
    this.#send = send
    this.#random = options.random ?? Math.random
    this.#path = `${PROXY_PREFIX}/${encodeURIComponent(options.mesh)}/${encodeURIComponent(options.name)}`
  }

  static open(options: LinkOptions): ControlPlaneLink {
    const keep = { keepAlive: true, maxSockets: 4 }
    let link: ControlPlaneLink
    if (options.controlPlane.protocol === 'https:') {
      const https = process.getBuiltinModule('node:https')
      const agent = new https.Agent({ ...keep, ...(options.ca === null ? {} : { ca: options.ca }) })
      link = new ControlPlaneLink(options, agent, https.request)
    } else link = new ControlPlaneLink(options, new Agent(keep), requestHttp)
    link.#connect()
    return link
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Resolves when the first model is in force. Rejects with LinkRefused where the control plane does not want the proxy. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  /** Something of the report changed. */
  noteReport(): void {
    if (!this.#isConnected || this.#isClosed) return
    // not begun anew: what changes all the time is reported too
    this.#reporting ??= setTimeout(() => this.#report(), REPORT_MS)
  }

  /** Reports now. Resolves when the control plane has it, or cannot be told. */
  async reportNow(): Promise<void> {
    if (this.#isConnected) await this.#call('PUT', '/status', this.#options.report()).catch(() => {})
  }

  /** Takes leave of the control plane, where it is there, and ends the connection. */
  async close(instance: string): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#reporting !== null) clearTimeout(this.#reporting)
    if (this.#isConnected) {
      await this.#call('DELETE', `?instance=${encodeURIComponent(instance)}`, null).catch(
        (error: unknown) => {
          this.#options.log(
            'warn',
            { error: String(error) },
            'the control plane could not be told that the proxy stops',
          )
        },
      )
    }
    this.#stream?.destroy()
    this.#agent.destroy()
  }

  #connect(): void {
    this.#timer = null
    if (this.#isClosed) return
    let isOver = false
    let silence: NodeJS.Timeout | undefined
    const end = (reason: string): void => {
      if (isOver) return
      isOver = true
      clearTimeout(silence)
      this.#isConnected = false
      if (this.#reporting !== null) clearTimeout(this.#reporting)
      this.#reporting = null
      request?.destroy()
      this.#again(reason)
    }
    const listen = (ms: number): void => {
      clearTimeout(silence)
      silence = setTimeout(() => end(`it was silent for ${ms / 1000} s`), ms)
    }
    let request: ClientRequest | null = null
    try {
      request = this.#open('POST', '/stream')
    } catch (error) {
      // such as a token file that cannot be read now
      end(messageOf(error))
      return
    }
    this.#stream = request
    listen(CONNECT_TIMEOUT_MS)
    request.on('error', (error) => end(error.message))
    request.on('response', (response) => {
      response.on('error', (error) => end(error.message))
      if (response.statusCode !== 200) {
        void readFault(response).then((reason) => this.#refuse(response.statusCode ?? 0, reason, end))
        return
      }
      this.#isConnected = true
      listen(SILENT_MS)
      // lines are taken one after the other; while one is worked on, no more are read
      let work = Promise.resolve()
      const reader = new LineReader((text) => {
        work = work.then(async () => {
          if (!isOver && !this.#isClosed) await this.#take(text, end)
        })
      })
      response.on('data', (chunk: Buffer) => {
        listen(SILENT_MS)
        try {
          reader.take(chunk)
        } catch (error) {
          end(messageOf(error))
          return
        }
        response.pause()
        void work.finally(() => response.resume())
      })
      response.on('close', () => end('it ended the connection'))
    })
    request.end(JSON.stringify(this.#options.hello()))
  }

  async #take(text: string, end: (reason: string) => void): Promise<void> {
    try {
      const line = JSON.parse(text) as ToProxy
      if (line.type === 'end') {
        end(line.reason)
        return
      }
      if (line.type === 'heartbeat') {
        await this.reportNow()
        return
      }
      await this.#options.onLine(line)
      if (line.type !== 'model' && line.type !== 'patch') return
      if (!this.#hasServed) this.#first.resolve()
      this.#hasServed = true
      this.#pauseMs = FIRST_PAUSE_MS
      this.noteReport()
    } catch (error) {
      this.#options.log(
        'error',
        { error: messageOf(error) },
        'what the control plane sent could not be put in force',
      )
      end('what it sent could not be put in force')
    }
  }

  #refuse(status: number, reason: string, end: (reason: string) => void): void {
    const text = `the control plane refuses the proxy ${this.#options.name} (${status}): ${reason}`
    if (!this.#hasServed && FINAL_STATUSES.has(status)) this.#first.reject(new LinkRefused(status, text))
    end(text)
  }

  #again(reason: string): void {
    if (this.#isClosed) return
    const pauseMs = this.#pauseMs * (0.5 + this.#random() / 2)
    this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)
    const { name, mesh, controlPlane } = this.#options
    const fields = { mesh, name, controlPlane: controlPlane.host, reason, againInMs: Math.round(pauseMs) }
    const what = this.#hasServed ? 'the last model goes on serving' : 'nothing is served yet'
    this.#options.log('warn', fields, `no connection to the control plane: ${what}`)
    this.#timer = setTimeout(() => this.#connect(), pauseMs)
  }

  #report(): void {
    this.#reporting = null
    void this.reportNow()
  }

  #open(method: string, path: string): ClientRequest {
    const { controlPlane, token } = this.#options
    const shown = token()
    return this.#send({
      protocol: controlPlane.protocol,
      hostname: controlPlane.hostname.replace(/^\[|\]$/g, ''),
      port: controlPlane.port,
      agent: this.#agent,
      method,
      path: this.#path + path,
      headers: {
        'content-type': 'application/json',
        ...(shown === null ? {} : { authorization: `Bearer ${shown}` }),
      },
    })
  }

  #call(method: string, path: string, body: object | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = this.#open(method, path)
      request.setTimeout(HEARTBEAT_MS, () => request.destroy(new Error('no answer came in time')))
      request.on('error', reject)
      request.on('response', (response) => {
        response.resume()
        response.on('error', reject)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (status < 300) resolve()
          else reject(new Error(`status ${status}`))
        })
      })
      request.end(body === null ? undefined : JSON.stringify(body))
    })
  }
}

/** Bytes of a refusal that are read. */
const MAX_FAULT_BYTES = 65_536

/** What a refusal says, with the fields that it names. */
async function readFault(response: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MAX_FAULT_BYTES) break
    }
    const { detail, invalid_parameters: faults = [] } = JSON.parse(text) as {
      detail?: string
      invalid_parameters?: readonly { field: string; reason: string }[]
    }
    const fields = faults.map(({ field, reason }) => `${field}: ${reason}`)
    return [detail ?? 'no reason is given', ...fields].join('; ')
  } catch {
    return 'its answer is not that of a control plane'
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
