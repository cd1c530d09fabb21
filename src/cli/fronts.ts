import { startDialectServer } from '../admin/dialect-server.ts'
import { startAdminServer } from '../admin/server.ts'
import { startStatusServer } from '../admin/status-server.ts'
import type { DialectRest, RestView } from '../dialects/dialect.ts'
import type { AdminKeys } from '../gateway/admin-key.ts'
import type { Control, Fronts } from '../gateway/start.ts'
import { VERSION } from '../gateway/version.ts'
import type { AppLog } from '../observe/app-log.ts'
import { openAuditLog } from './audit-log.ts'

/** Starts the servers of the control side that the settings ask for. What was started is closed again when another cannot. */
export async function startFronts(control: Control, keys: AdminKeys | null, log: AppLog): Promise<Fronts> {
  const { settings, documents } = control
  const running: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
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
    const apis = listRests(control)
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

function listRests(control: Control): readonly { readonly dialect: string; readonly rest: DialectRest }[] {
  const { dialects, documents, settings } = control
  const view: RestView = {
    endpoints: (id) => control.endpoints(id),
    explainEach: (request) => control.explainEach(request),
    version: VERSION,
    readOnly: () => documents.readOnly,
  }
  return dialects.flatMap((dialect) => {
    const rest = dialect.rest?.(documents, settings, view)
    return rest === undefined ? [] : [{ dialect: dialect.name, rest }]
  })
}
