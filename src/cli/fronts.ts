import { startAdminServer } from '../admin/server.ts'
import { startStatusServer } from '../admin/status-server.ts'
import type { AdminKeys } from '../gateway/admin-key.ts'
import type { Control, Fronts } from '../gateway/start.ts'
import { VERSION } from '../gateway/version.ts'
import type { AppLog } from '../observe/app-log.ts'
import { openAuditLog } from './audit-log.ts'

/** Starts the servers of the control side that the settings ask for. What was started is closed again when another cannot. */
export async function startFronts(control: Control, keys: AdminKeys | null, log: AppLog): Promise<Fronts> {
  const { settings, documents, dialects } = control
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
    if (settings.admin.listen !== null && keys !== null) {
      const audit = openAuditLog(settings, log)
      running.push(audit)
      const server = await startAdminServer({
        listen: settings.admin.listen,
        settings: settings.admin,
        keys,
        rests: dialects.flatMap((dialect) => dialect.rest?.(documents, settings, control) ?? []),
        control,
        version: VERSION,
        revision: () => documents.revision(),
        readOnly: () => documents.readOnly,
        audit: (line) => audit.write(line),
        log: report,
      })
      running.push(server)
      admin = server.address
    }
    return { admin, status, close }
  } catch (error) {
    await close()
    throw error
  }
}
