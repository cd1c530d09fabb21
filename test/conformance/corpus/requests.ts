import { REQUEST_BODIES } from './request-bodies.ts'
import type { RequestCase } from './request-case.ts'
import { REQUEST_FIELDS } from './request-fields.ts'
import { REQUEST_LINES } from './request-lines.ts'

export type { RequestCase } from './request-case.ts'

/** The whole request corpus. */
export const REQUESTS: readonly RequestCase[] = [...REQUEST_LINES, ...REQUEST_FIELDS, ...REQUEST_BODIES]
