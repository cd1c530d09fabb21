import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { DialectRest } from '../dialects/dialect.ts'
import { isLoopback } from '../gateway/admin-key.ts'
import { parseAddress } from '../gateway/sockets.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { RunningServer } from './admin-control.ts'
import type { KeyOwner } from './admin-keys.ts'
import { AdminGate } from './gate.ts'
import { createApp, listen, type Serving } from './http-app.ts'
import { mountRest } from './mount-rest.ts'

export interface DialectServerOptions extends Serving {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string
  readonly settings: AdminSettings
  /** The keys of the Admin API; null is enough on loopback. */
  readonly keys: { readonly key: string; readonly viewerKey: string | null } | null
  readonly rest: DialectRest
  /** Absent: it has no others. */
  readonly others?: OtherCalls
  /** Milliseconds of a monotonic clock. Default: that of the process. */
  readonly now?: () => number
}

/** Calls at the same listener that are no call of the dialect's API: whoever answers them has the connection, for as long as an answer takes. */
export interface OtherCalls {
  /** Each a path, or with `/*` at its end all below it. `isOpen`: whoever answers looks himself who calls; else a key is asked for as by the API. */
  readonly paths: readonly { readonly path: string; readonly isOpen: boolean }[]
  /** Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** Whoever can talk to this machine from within. */
const LOCAL: KeyOwner = { name: 'local', role: 'admin' }
const EVERYWHERE = ['0.0.0.0/0', '::/0']

/**
 * Starts the API of a dialect that has a listener of its own. On loopback no key is asked for; Host must name the machine and pages of foreign origins may only read,
 * so that a browser cannot be used to write. Elsewhere it asks for a key of the Admin API, and `admin.allow` plays no part: proxies of other machines talk to it.
 * Rejects with PORT_IN_USE or BAD_SETTING. The caller closes it.
 */
export async function startDialectServer(options: DialectServerOptions): Promise<RunningServer> {
  return listen(await buildDialectApp(options), options.listen)
}

/** The server without its socket. */
export async function buildDialectApp(options: DialectServerOptions): Promise<FastifyInstance> {
  const { settings, rest } = options
  const isLocal = isLoopback(parseAddress(options.listen).host)
  // where none is asked for none can be guessed
  const keys = options.keys ?? (isLocal ? { key: '', viewerKey: null } : null)
  if (keys === null) throw new Error('a listener beyond loopback needs keys')
  const gate = new AdminGate(
    isLocal ? settings : { ...settings, allow: EVERYWHERE, hosts: null, keySources: ['header'] },
    keys,
    options.now ?? (() => performance.now()),
  )
  const { app } = createApp(options, {
    gate,
    cors: { origins: new Set(settings.cors), reflects: true },
    keyless: isLocal ? LOCAL : null,
  })
  for (const { path, isOpen } of options.others?.paths ?? []) {
    app.all(path, { config: { isOpen } }, (request, reply) => {
      reply.hijack()
      void options.others?.handle(request.raw, reply.raw)
    })
  }
  mountRest(app, rest, options, gate)
  await app.ready()
  return app
}
