import { checkPattern } from '../../../expression/pattern.ts'
import type { TemplateOptions } from '../../../expression/template.ts'
import type { DialectSettings } from '../../dialect.ts'

/** `regex_uri` of proxy-rewrite and redirect: patterns over the path and what takes the place of the hit (spec/apisix.md 9.1). */

/** `$1`, `${1}`, `$0` and `$$`; variables by name are refused. */
export const REPLACEMENT: TemplateOptions = {
  fallbacks: false,
  dotsInNames: false,
  groups: true,
  variables: false,
}

export function checkUserPattern(pattern: string, settings: DialectSettings): string | null {
  return checkPattern(pattern, settings.limits.maxPatternLength)
}

export function checkReplacement(replacement: string): string | null {
  for (let i = replacement.indexOf('$'); i >= 0; i = replacement.indexOf('$', i + 1)) {
    if (replacement[i + 1] === '$') {
      i++
      continue
    }
    const name = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(replacement.slice(i))
    if (name !== null) return `variables by name are not possible in a replacement: ${name[0]}`
  }
  return null
}
