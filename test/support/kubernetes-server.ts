import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { KubeObject } from '../../src/discovery/pods/objects.ts'

interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly path: string
  readonly object: KubeObject
}

interface Watcher {
  readonly path: string
  readonly labels: readonly (readonly [string, string])[]
  readonly name: string | null
  readonly response: ServerResponse
}

/** PEM. */
export interface ServerIdentity {
  readonly cert: string
  readonly key: string
}

/**
 * An API server that speaks as much of Kubernetes as is asked of it: lists in pages, and watches with bookmarks, expired versions and ends. Objects lie under the
 * path of their collection.
 */
export class KubernetesServer {
  /** What requests must show; null: nothing. */
  token: string | null = null
  /** Every watch is answered with 410. */
  isForgetful = false
  /** Lists that were asked for, with their queries. */
  readonly lists: string[] = []
  readonly watches: string[] = []
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #sockets = new Set<Socket>()
  readonly #watchers = new Set<Watcher>()
  #changes: Change[] = []
  #version = 100
  /** Versions up to here are forgotten. */
  #forgotten = 0
  #server: Server | null = null
  #port = 0
  readonly #identity: ServerIdentity | null

  /** With an identity, whose name is localhost, it speaks TLS. */
  constructor(identity: ServerIdentity | null = null) {
    this.#identity = identity
  }

  get url(): string {
    return this.#identity === null ? `http://127.0.0.1:${this.#port}` : `https://localhost:${this.#port}`
  }

  async start(): Promise<this> {
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response)
    const server =
      this.#identity === null ? createServer(answer) : createSecureServer({ ...this.#identity }, answer)
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this
  }

  /** Ends as a server that is restarted: every connection is cut. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    this.#watchers.clear()
    await closed
  }

  put(path: string, object: KubeObject): void {
    const name = object.metadata?.name ?? ''
    const collection = this.#collection(path)
    const type = collection.has(name) ? 'MODIFIED' : 'ADDED'
    const version = ++this.#version
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    collection.set(name, stored)
    this.#change({ version, type, path, object: stored })
  }

  remove(path: string, name: string): void {
    const object = this.#collection(path).get(name)
    if (object === undefined) return
    this.#collection(path).delete(name)
    const version = ++this.#version
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    this.#change({ version, type: 'DELETED', path, object: last })
  }

  /** All versions so far are forgotten: watches that ask from one of them are answered with 410. */
  forgetVersions(): void {
    this.#forgotten = ++this.#version
    this.#changes = []
  }

  /** Every watch ends, as by its own time. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end()
    this.#watchers.clear()
  }

  /** Every connection breaks, and new ones are taken. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#watchers.clear()
  }

  bookmark(): void {
    this.#version++
    const object = { metadata: { resourceVersion: String(this.#version) } }
    for (const { response } of this.#watchers)
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  }

  #collection(path: string): Map<string, KubeObject> {
    let collection = this.#objects.get(path)
    if (collection === undefined) {
      collection = new Map()
      this.#objects.set(path, collection)
    }
    return collection
  }

  #change(change: Change): void {
    this.#changes.push(change)
    for (const watcher of this.#watchers) send(watcher, change)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url)
    if (this.token !== null && request.headers.authorization !== `Bearer ${this.token}`)
      return void response.writeHead(401).end('{}')
    const watcher = { path: url.pathname, ...selection(url), response }
    if (url.searchParams.get('watch') === '1') return this.#watch(watcher, url)
    this.lists.push(`${url.pathname}${url.search}`)
    const all = [...this.#collection(url.pathname).values()].filter((object) => fits(watcher, object))
    const from = Number(url.searchParams.get('continue') ?? 0)
    const limit = Math.min(2, Number(url.searchParams.get('limit') ?? 500))
    const rest = from + limit < all.length ? { continue: String(from + limit) } : {}
    response.writeHead(200, { 'content-type': 'application/json' })
    const metadata = { resourceVersion: String(this.#version), ...rest }
    response.end(JSON.stringify({ metadata, items: all.slice(from, from + limit) }))
  }

  #watch(watcher: Watcher, url: URL): void {
    this.watches.push(`${url.pathname}${url.search}`)
    const from = Number(url.searchParams.get('resourceVersion') ?? 0)
    watcher.response.writeHead(200, { 'content-type': 'application/json' })
    if (this.isForgetful || from < this.#forgotten) {
      const object = { code: 410, message: 'too old resource version' }
      watcher.response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    watcher.response.flushHeaders()
    for (const change of this.#changes) if (change.version > from) send(watcher, change)
    this.#watchers.add(watcher)
    watcher.response.on('close', () => this.#watchers.delete(watcher))
  }
}

function selection(url: URL): Pick<Watcher, 'labels' | 'name'> {
  const labels = (url.searchParams.get('labelSelector') ?? '').split(',').filter((pair) => pair !== '')
  const field = /^metadata\.name=(.*)$/.exec(url.searchParams.get('fieldSelector') ?? '')
  return { labels: labels.map((pair) => pair.split('=') as [string, string]), name: field?.[1] ?? null }
}

function fits({ labels, name }: Pick<Watcher, 'labels' | 'name'>, { metadata }: KubeObject): boolean {
  return (
    (name === null || metadata?.name === name) &&
    labels.every(([key, value]) => metadata?.labels?.[key] === value)
  )
}

function send(watcher: Watcher, { path, type, object }: Change): void {
  if (path === watcher.path && fits(watcher, object))
    watcher.response.write(`${JSON.stringify({ type, object })}\n`)
}

export const SERVICES = '/api/v1/namespaces/default/services'
export const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
export const PODS = '/api/v1/namespaces/default/pods'

/** A Service whose port 8000 leads to the port of its pods. */
export function serviceObject(name: string): KubeObject {
  return {
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ name: 'http', port: 8000 }] },
  }
}

export interface SlicePod {
  readonly address: string
  readonly name?: string
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
}

export function sliceObject(
  service: string,
  port: number,
  pods: readonly SlicePod[],
  name = `${service}-1`,
): KubeObject {
  return {
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port }],
    endpoints: pods.map(({ address, name: pod, ready = true, serving = true, terminating = false }) => ({
      addresses: [address],
      conditions: { ready, serving, terminating },
      ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod } }),
    })),
  }
}
