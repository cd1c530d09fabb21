import { type CompiledPredicate, compilePredicate } from '../../expression/compile.ts'
import type { AnswerRule, RedirectPolicy, Upstream } from '../../model/upstream.ts'

/** What is done with answers of an upstream before their statuses say anything. */
export interface CompiledAnswers {
  readonly rule: CompiledAnswerRule | null
  readonly redirects: RedirectPolicy | null
  /** Whether some endpoints are behind a forward proxy, whose own answers are none of theirs. */
  readonly hasProxies: boolean
}

export interface CompiledAnswerRule {
  readonly isError: CompiledPredicate['test']
  readonly isBroken: CompiledPredicate['test'] | null
  readonly readsBody: boolean
}

/** null: nothing. */
export function compileAnswers({ answers, endpoints }: Upstream): CompiledAnswers | null {
  const hasProxies = endpoints.some(({ own }) => own?.behind !== undefined)
  if (answers === undefined && !hasProxies) return null
  const { rule, redirects } = answers ?? { rule: null, redirects: null }
  return { rule: rule === null ? null : compileRule(rule), redirects, hasProxies }
}

function compileRule({ isError, isBroken, readsBody }: AnswerRule): CompiledAnswerRule {
  return {
    isError: compilePredicate(isError).test,
    isBroken: isBroken === null ? null : compilePredicate(isBroken).test,
    readsBody,
  }
}
