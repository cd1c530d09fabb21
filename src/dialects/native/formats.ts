import { checkNetwork } from '../../expression/network.ts'
import { checkPattern } from '../../expression/pattern.ts'
import { checkVariable, isKnownVariable } from '../../expression/variables.ts'
import { CONTROL } from '../../model/field-syntax.ts'
import { checkCertificates } from '../../model/pem.ts'
import type { DialectSettings } from '../dialect.ts'
import { MAX_DURATION_MS, parseDuration } from './duration.ts'
import { parseAddress, parseHost, parsePath } from './patterns.ts'

export interface FormatFault {
  readonly message: string
  readonly hint: string | null
}

type Check = (text: string, settings: DialectSettings) => FormatFault | string | null

/** Syntaxes of texts that the schema names in `format`. */
const FORMATS: Readonly<Record<string, Check>> = {
  durationMs: (text) => {
    const ms = parseDuration(text)
    return ms <= MAX_DURATION_MS ? null : `is longer than ${MAX_DURATION_MS / 3_600_000} hours`
  },
  network: (text) => (checkNetwork(text) === null ? null : `${text} is no address and no CIDR block`),
  host: (text) => faultOf(parseHost(text)),
  path: (text) => faultOf(parsePath(text)),
  plainPath: (text) => (text.startsWith('/') ? null : 'must begin with a slash'),
  address: (text) => faultOf(parseAddress(text)),
  pattern: (text, { limits }) => checkPattern(text, limits.maxPatternLength),
  // what stands in its holes is looked at by the translation, which knows the place
  template: checkControls,
  fieldValue: checkControls,
  variable: (text) => {
    const fault = checkVariable(text)
    if (fault !== null) return fault
    return isKnownVariable(text)
      ? null
      : {
          message: `${text} is no variable`,
          hint: 'fields are header: NAME, arguments query: NAME, cookies cookie: NAME',
        }
  },
  bodyPath: (text) =>
    checkVariable(`post_arg.${text}`) === null
      ? null
      : { message: `${text} is no path into a body`, hint: 'write user.name, items[0].id or items[*].id' },
  certificates: checkCertificates,
  base64: (text) =>
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) ? null : 'is no base64',
}

/** null, or what is wrong with a text of that format. Throws for a format that is not there: a mistake of ours. */
export function checkFormat(format: string, text: string, settings: DialectSettings): FormatFault | null {
  const check = FORMATS[format]
  if (check === undefined) throw new Error(`the native schema has no format ${format}`)
  const fault = check(text, settings)
  return typeof fault === 'string' ? { message: fault, hint: null } : fault
}

function checkControls(text: string): string | null {
  return CONTROL.test(text) ? 'holds a control character, which no header field may' : null
}

function faultOf(parsed: object): FormatFault | null {
  if (!('error' in parsed)) return null
  const { error, hint } = parsed as { error: string; hint: string | null }
  return { message: error, hint }
}
