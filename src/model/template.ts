/**
 * A text with holes, as data. A plain string is literal; `variable` is read when the request passes (absent: `fallback`);
 * `group` is a capture of the pattern that hit (0 = the whole hit; no hit or a group that took no part: empty text).
 */
export type Template = readonly TemplatePart[]
export type TemplatePart =
  | string
  | { readonly variable: string; readonly fallback: string }
  | { readonly group: number }

/** A template without holes. */
export function literal(text: string): Template {
  return text === '' ? [] : [text]
}
