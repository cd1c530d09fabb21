import type { AccessRecord } from '../model/access-record.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { createAccessFilter } from './access-filter.ts'
import { createCombinedFormat, createJsonFormat } from './access-line.ts'
import { APISIX_TEMPLATE, createTemplateFormat, type FormatLine } from './access-template.ts'
import { LineWriter, type LineWriterOptions } from './line-writer.ts'
import { createRedactor } from './redact.ts'

/** The access log of one worker. Several workers may append to the same file. */
export interface AccessLog {
  /** Formats and keeps the record, if it passes the filters; never waits, never throws. */
  write(record: AccessRecord): void
  /** For log rotation: goes on under the file's name anew. */
  reopen(): void
  /** Starts to write out what waits; by itself that happens within a second. */
  flush(): void
  /** Writes the rest (2 s at most) and closes. */
  close(): Promise<void>
  /** Lines lost since the start: the log could not keep up, or the disk refused. */
  readonly dropped: number
}

/** Opens the log. Throws BAD_SETTING if the file cannot be written, or if `settings.path` is null (off): nobody should ask for it then. */
export function createAccessLog(settings: AccessLogSettings, options: LineWriterOptions = {}): AccessLog {
  const { path, bufferBytes, flushMs } = settings
  const writer = new LineWriter(path ?? '', { maxWaitingBytes: bufferBytes, flushMs, ...options })
  const format = createFormat(settings)
  const passes = createAccessFilter(settings)
  return {
    write: (record) => {
      if (passes === null || passes(record)) writer.write(format(record))
    },
    reopen: () => writer.reopen(),
    flush: () => writer.flush(),
    close: () => writer.close(),
    get dropped() {
      return writer.dropped
    },
  }
}

/** The form of a line that the settings ask for; they were checked. */
export function createFormat(settings: AccessLogSettings): FormatLine {
  const redactor = createRedactor(settings)
  switch (settings.format) {
    case 'json':
      return createJsonFormat(redactor, settings.fields)
    case 'combined':
      return createCombinedFormat(redactor)
    case 'apisix':
      return createTemplateFormat(APISIX_TEMPLATE, 'text', redactor)
    default:
      return createTemplateFormat(settings.format, settings.escape, redactor)
  }
}
