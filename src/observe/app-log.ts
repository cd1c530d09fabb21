import { styleText } from 'node:util'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { Settings } from '../model/settings.ts'

export type LogLevel = Settings['logLevel']

/** The gateway's own log: what it does and what went wrong, for operators. Requests go to the access log. */
export interface AppLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** The same by a level given as text, as workers send it. */
  log(level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string): void
  level: LogLevel
  /** For log rotation; only where the log is a file. */
  reopen(): void
}

export interface AppLogOptions {
  readonly level: LogLevel
  /** A file; default: standard error. */
  readonly path?: string
  /** Where the lines go instead (tests). */
  readonly stream?: { write(text: string): unknown }
  /** One-liners for people instead of JSON. Default: when standard error is a terminal. */
  readonly isPretty?: boolean
  /** Colours of pretty lines. Default: as the terminal and NO_COLOR say. */
  readonly hasColours?: boolean
}

/**
 * Names whose values never reach a log, at the top and one and two levels down (reliability.md A4, A11): keys, passwords and whatever
 * clients authenticate with.
 */
const SECRET_NAMES = [
  'key',
  'adminKey',
  'viewerKey',
  'SecretKey',
  'apiKey',
  'api_key',
  'x-api-key',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'token',
  'privateKey',
]

/**
 * Opens the log. Lines are written at once and in order (the control side logs rarely; a line that explains a crash must not be lost).
 * JSON: `{"level":"info","time":"2026-11-25T22:50:25.123Z",…fields,"msg":"…"}`. Throws if the file cannot be opened.
 */
export function createAppLog(options: AppLogOptions): AppLog {
  const target: DestinationStream & { reopen?(): void } =
    options.stream ?? destination({ dest: options.path ?? 2, sync: true })
  const isTerminal =
    options.stream === undefined && options.path === undefined && process.stderr.isTTY === true
  const isPretty = options.isPretty ?? isTerminal
  const hasColours = options.hasColours ?? (isTerminal && process.env.NO_COLOR === undefined)
  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactionPaths(), censor: '***' },
    },
    isPretty ? { write: (line: string) => target.write(prettify(line, hasColours)) } : target,
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    log: (level, fields, message) => logger[level](fields, message),
    get level() {
      return logger.level as LogLevel
    },
    set level(level) {
      logger.level = level
    },
    reopen: () => {
      if (options.path !== undefined) target.reopen?.()
    },
  }
}

function redactionPaths(): string[] {
  return SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`])
}

const LEVEL_STYLES: Readonly<Record<string, { text: string; style: 'gray' | 'green' | 'yellow' | 'red' }>> = {
  trace: { text: 'TRACE', style: 'gray' },
  debug: { text: 'DEBUG', style: 'gray' },
  info: { text: 'INFO ', style: 'green' },
  warn: { text: 'WARN ', style: 'yellow' },
  error: { text: 'ERROR', style: 'red' },
  fatal: { text: 'FATAL', style: 'red' },
}

/** `22:50:25.123 WARN  message  name=value …`, from a JSON line. Control characters stay escaped, so that no field paints the terminal. */
export function prettify(line: string, hasColours: boolean): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { level, time, msg, ...fields } = entry
  const style = LEVEL_STYLES[String(level)] ?? { text: String(level), style: 'gray' as const }
  const paint = (name: 'gray' | 'green' | 'yellow' | 'red', text: string) =>
    hasColours ? styleText(name, text, { validateStream: false }) : text
  const parts = [
    paint('gray', String(time).slice(11, 23)),
    paint(style.style, style.text),
    escapeControls(String(msg ?? '')),
  ]
  for (const [name, value] of Object.entries(fields)) {
    parts.push(`${paint('gray', `${escapeControls(name)}=`)}${showValue(value)}`)
  }
  return `${parts.join(' ')}\n`
}

function showValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return escapeControls(value)
  return escapeControls(JSON.stringify(value) ?? 'undefined')
}

function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
