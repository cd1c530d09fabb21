import { compilePredicate } from '../../expression/compile.ts'
import type { ResponseFilter } from '../../model/filter.ts'
import type { CompiledResponseFilter } from '../table.ts'
import { compileHeaderEdits } from './header-edits.ts'

/** Conditions and templates see the answer through `view.answer`. `needsBody` says whether one of them reads the request's body. */
export function compileResponseFilter(filter: ResponseFilter): CompiledResponseFilter {
  const when = filter.when === null ? null : compilePredicate(filter.when)
  const edits = filter.headers === null ? null : compileHeaderEdits(filter.headers)
  return {
    applies: when === null ? null : when.test,
    needsBody: when?.needsBody === true || edits?.needsBody === true,
    status: filter.status,
    body: filter.bodyBase64 === null ? null : Buffer.from(filter.bodyBase64, 'base64'),
    headers: edits === null ? null : edits.headers,
  }
}
