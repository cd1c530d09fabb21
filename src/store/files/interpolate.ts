/** `${{NAME}}` and `${{NAME:=default}}`, the form of APISIX's configuration files; blanks inside the braces are allowed. */
const HOLE = /\$\{\{\s*([A-Za-z0-9_]+)(?::=(.*?))?\s*\}\}/g
/** A number as JSON writes it: `007` stays a text. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

export type Interpolated =
  | { readonly kind: 'same' }
  | { readonly kind: 'value'; readonly value: string | number | boolean }
  | { readonly kind: 'missing'; readonly names: readonly string[] }

/**
 * Fills the holes of one text from the environment. As in APISIX, a text that had a hole and then reads as a number, `true` or `false`
 * becomes one, quoted or not, so that `port: "${{PORT}}"` is a port. What is filled in is not searched for holes again.
 */
export function interpolate(text: string, environment: NodeJS.ProcessEnv): Interpolated {
  if (!text.includes('${{')) return { kind: 'same' }
  const missing: string[] = []
  let isFilled = false
  const filled = text.replace(HOLE, (_, name: string, fallback: string | undefined) => {
    isFilled = true
    const value = environment[name] ?? fallback
    if (value === undefined) missing.push(name)
    return value ?? ''
  })
  if (missing.length > 0) return { kind: 'missing', names: missing }
  if (!isFilled) return { kind: 'same' }
  if (filled === 'true' || filled === 'false') return { kind: 'value', value: filled === 'true' }
  return { kind: 'value', value: NUMBER.test(filled) ? Number(filled) : filled }
}
