import { compilePredicate } from '../../expression/compile.ts'
import type { ResponseFilter } from '../../model/filter.ts'
import type { CompiledResponseFilter } from '../table.ts'
import { compileHeaderEdits } from './header-edits.ts'

/** Conditions and templates see the answer through `view.answer`; a request body that was never read counts as absent. */
export function compileResponseFilter(filter: ResponseFilter): CompiledResponseFilter {
  return {
    applies: filter.when === null ? null : compilePredicate(filter.when).test,
    status: filter.status,
    body: filter.bodyBase64 === null ? null : Buffer.from(filter.bodyBase64, 'base64'),
    headers: filter.headers === null ? null : compileHeaderEdits(filter.headers).headers,
  }
}
