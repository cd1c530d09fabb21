import type { HeadFields } from './head-fields.ts'
import { FIELD, FIELD_KINDS } from './head-fields.ts'

/** A table for appendFields: 1 at every kind that is left out. */
export function skipKinds(...kinds: readonly number[]): Uint8Array {
  const table = new Uint8Array(FIELD_KINDS)
  for (const kind of kinds) table[kind] = 1
  return table
}

/**
 * The field lines whose kind is not in `skip`, each with its CRLF, exactly as they came: same case, order, blanks and repeats. Neighbours
 * go as one slice of the original text, so the usual head is two to four slices. '' if nothing is left.
 */
export function appendFields(fields: HeadFields, skip: Uint8Array): string {
  const count = fields.count
  const text = fields.text
  let out = ''
  let i = 0
  while (i < count) {
    while (i < count && skip[fields.kind[i] as number] === 1) i++
    if (i === count) break
    const start = fields.nameStart[i] as number
    while (i < count && skip[fields.kind[i] as number] !== 1) i++
    const slice = text.slice(start, fields.lineEnd[i - 1] as number)
    out = out === '' ? slice : out + slice
  }
  return out
}

const NOT_KEPT_TRAILERS = skipKinds(FIELD.NOT_IN_TRAILER, FIELD.SHADOW)

/** The trailer lines that may be forwarded. */
export function keptTrailers(fields: HeadFields): string {
  return appendFields(fields, NOT_KEPT_TRAILERS)
}
