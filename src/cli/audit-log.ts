import { closeSync, fstatSync, ftruncateSync, openSync, writeFileSync } from 'node:fs'
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
  const path = join(settings.store, AUDIT_FILE)
  let isFailing = false
  return {
    write: (line) => {
      try {
        appendWhole(path, `${line}\n`)
        isFailing = false
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (!isFailing)
          log.error(
            { file: AUDIT_FILE, error: reason },
            'the audit log cannot be written; it goes here meanwhile',
          )
        isFailing = true
        log.warn({ audit: JSON.parse(line) as object }, 'audit')
      }
    },
    close: async () => {},
  }
}

/** At once, so that a line is there before its write is answered; all of it or, on a full disk, nothing. Opened anew for log rotation. */
function appendWhole(path: string, text: string): void {
  const descriptor = openSync(path, 'a', 0o600)
  try {
    const { size } = fstatSync(descriptor)
    try {
      writeFileSync(descriptor, text)
    } catch (error) {
      ftruncateSync(descriptor, size)
      throw error
    }
  } finally {
    closeSync(descriptor)
  }
}
