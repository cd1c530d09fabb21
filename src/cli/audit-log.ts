import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../model/settings.ts'
import type { AppLog } from '../observe/app-log.ts'

const AUDIT_FILE = 'audit.log'

export interface AuditLog {
  /** One JSON line, without its newline. */
  write(line: string): void
  close(): Promise<void>
}

/**
 * Where writes of the Admin API are noted, those refused included (reliability.md A10): a file (0600) in the data directory; without one
 * the application log.
 */
export function openAuditLog(settings: Settings, log: AppLog): AuditLog {
  if (settings.store === 'memory' || settings.config !== null) {
    return {
      write: (line) => log.info({ audit: JSON.parse(line) as object }, 'audit'),
      close: async () => {},
    }
  }
  const file = createWriteStream(join(settings.store, AUDIT_FILE), { flags: 'a', mode: 0o600 })
  let isBroken = false
  file.on('error', (error) => {
    if (!isBroken)
      log.error({ file: AUDIT_FILE, error: error.message }, 'the audit log cannot be written; it goes here')
    isBroken = true
  })
  return {
    write: (line) => {
      if (isBroken) log.warn({ audit: JSON.parse(line) as object }, 'audit')
      else file.write(`${line}\n`)
    },
    close: () =>
      new Promise((resolve) => {
        if (isBroken) resolve()
        else file.end(() => resolve())
      }),
  }
}
