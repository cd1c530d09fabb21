import { randomHex } from '../expression/random-id.ts'
import type { RequestIdSettings } from '../model/settings.ts'
import { FIELD, type HeadFields } from './http1/head-fields.ts'

/** Request ids: made here, or taken over from a trusted peer. */

/** Longest id that is taken over. Characters. */
const MAX_ID = 128
/** What may stand in a header field, a log line and a URL without any escaping. */
const ID = /^[0-9A-Za-z][0-9A-Za-z._~:@=+/-]*$/

/** The settings in the form that each request needs. */
export interface RequestIdRules {
  /** As it is written. */
  readonly field: string
  readonly lowerField: string
  readonly toUpstream: boolean
  readonly toClient: boolean
}

export function createRequestIdRules(settings: RequestIdSettings): RequestIdRules {
  return { ...settings, lowerField: settings.field.toLowerCase() }
}

/** Told apart by worker and start, so that ids of several workers, processes and machines do not meet. */
const prefix = `${randomHex(8)}-`
let counter = 0

/** A new id: unique, short, and nothing that anybody could not guess. Costs two joined texts. */
export function makeRequestId(): string {
  return prefix + (++counter).toString(36)
}

/** The id that a trusted peer sent; null if there is none, several, or one that is no id. */
export function readRequestId(fields: HeadFields, lowerField: string): string | null {
  const line = fields.find(lowerField)
  if (line < 0 || fields.findFrom(lowerField, line + 1) >= 0) return null
  const value = fields.value(line)
  return value.length <= MAX_ID && ID.test(value) ? value : null
}

/** Fields of that name are not sent on; conditions and logs see them as they saw them before. */
export function withholdField(fields: HeadFields, lowerField: string): void {
  for (let i = fields.find(lowerField); i >= 0; i = fields.findFrom(lowerField, i + 1)) {
    fields.kind[i] = FIELD.NOMINATED
  }
}
