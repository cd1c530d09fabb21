/** Signs in front of lines. */
export interface Marks {
  readonly yes: string
  readonly no: string
  readonly next: string
  readonly to: string
}

const UNICODE: Marks = { yes: '✓', no: '✗', next: '▸', to: '→' }
const ASCII: Marks = { yes: '+', no: '-', next: '>', to: '->' }

/** Those that the terminal can show: ASCII unless the locale says UTF-8. */
export function marksFor(environment: NodeJS.ProcessEnv): Marks {
  const { LC_ALL: all, LC_CTYPE: type, LANG: lang } = environment
  const locale = [all, type, lang].find((text) => text !== undefined && text !== '') ?? ''
  return /utf-?8/i.test(locale) ? UNICODE : ASCII
}
