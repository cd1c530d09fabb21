import type { Dialect } from '../../dialect.ts'

/** What the API needs of the dialect. It is handed in, because the dialect holds the API. */
export type Language = Pick<Dialect, 'validate' | 'prepare' | 'references'>
