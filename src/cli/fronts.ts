import { startDialectServer } from '../admin/dialect-server.ts'
import { startAdminServer } from '../admin/server.ts'
import { startStatusServer } from '../admin/status-server.ts'
import type { DialectRest, RestView } from '../dialects/dialect.ts'
import { type AdminKeys, isLoopback } from '../gateway/admin-key.ts'
import { parseAddress } from '../gateway/sockets.ts'
import type { Control, Fronts } from '../gateway/start.ts'
import { VERSION } from '../gateway/version.ts'
import { readTokenKey } from '../mesh/dataplane-tokens.ts'
import { MeshControl } from '../mesh/mesh-control.ts'
import { MeshHandler } from '../mesh/mesh-handler.ts'
import type { AppLog } from '../observe/app-log.ts'
import { openAuditLog } from './audit-log.ts'

/** Starts the servers of the control side that the settings ask for. What was started is closed again when another cannot. */
export async function startFronts(control: Control, keys: AdminKeys | null, log: AppLog): Promise<Fronts> {
  const { settings, documents } = control
  const running: { close(): Promise<void> }[] = []
  let mesh: Mesh | null = null
  const close = async (): Promise<void> => {
    // proxies hear of it while there is still a connection
    mesh?.control.close()
    for (const server of running.reverse()) await server.close()
    running.length = 0
  }
  const report = (level: 'warn' | 'error', fields: object, message: string): void =>
    log.log(level, fields, message)
  try {
    let admin: string | null = null
    let status: string | null = null
    if (settings.status !== null) {
      const server = await startStatusServer({ listen: settings.status, control, log: report })
      running.push(server)
      status = server.address
    }
    mesh = await startMesh(control)
    const apis = listRests(control, mesh)
    const audit = openAuditLog(settings, log)
    running.push(audit)
    const serving = {
      revision: () => documents.revision(),
      readOnly: () => documents.readOnly,
      audit: (line: string) => audit.write(line),
      log: report,
    }
    if (settings.admin.listen !== null && keys !== null) {
      const server = await startAdminServer({
        listen: settings.admin.listen,
        settings: settings.admin,
        keys,
        rests: apis.map(({ rest }) => rest),
        control,
        version: VERSION,
        ...serving,
      })
      running.push(server)
      admin = server.address
    }
    const own: { dialect: string; address: string }[] = []
    for (const { dialect, rest } of apis) {
      if (rest.listen === undefined || rest.listen === null) continue
      // what it writes is answered only when the workers serve, which they do later than this
      if (documents.readOnly === null)
        rest
          .start?.()
          .catch((error: unknown) =>
            report(
              'error',
              { error: String(error) },
              `${dialect}: what its API starts with could not be made`,
            ),
          )
      const server = await startDialectServer({
        listen: rest.listen,
        settings: settings.admin,
        keys,
        rest,
        ...(mesh?.dialect === dialect ? { others: mesh.handler } : {}),
        ...serving,
      })
      running.push(server)
      own.push({ dialect, address: server.address })
    }
    return { admin, status, apis: own, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Mesh {
  readonly dialect: string
  readonly control: MeshControl
  readonly handler: MeshHandler
}

/** The control plane of a mesh, for its proxies; null: the settings ask for none. */
async function startMesh({ settings, documents, dialects, log }: Control): Promise<Mesh | null> {
  const { listen } = settings.kuma
  const dialect = dialects.find(({ proxies }) => proxies !== undefined)
  if (listen === null || dialect === undefined) return null
  const kinds = await Promise.all(dialect.kinds.map((kind) => documents.list(dialect.name, kind)))
  const control = new MeshControl({ dialect, settings, documents, stored: kinds.flat(), log })
  const keepsNothing = settings.config !== null || settings.store === 'memory'
  const handler = new MeshHandler({
    control,
    tokenKey: readTokenKey(keepsNothing ? null : settings.store),
    log,
    isPrivate: isLoopback(parseAddress(listen).host),
  })
  return { dialect: dialect.name, control, handler }
}

function listRests(
  control: Control,
  mesh: Mesh | null,
): readonly { readonly dialect: string; readonly rest: DialectRest }[] {
  const { dialects, documents, settings } = control
  const view: RestView = {
    endpoints: (id) => control.endpoints(id),
    explainEach: (request) => control.explainEach(request),
    version: VERSION,
    readOnly: () => documents.readOnly,
    ...(mesh === null ? {} : { proxies: () => mesh.control.views() }),
  }
  return dialects.flatMap((dialect) => {
    const rest = dialect.rest?.(documents, settings, view)
    return rest === undefined ? [] : [{ dialect: dialect.name, rest }]
  })
}
