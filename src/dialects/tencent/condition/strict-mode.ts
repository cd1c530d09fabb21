import type { Sign } from './condition.ts'
import { ConditionRefused, faultAtText } from './condition-fault.ts'

export const DOCUMENTED_OPERATORS = '=, ==, < or >'

const DOCUMENTED: ReadonlySet<string> = new Set(['=', '==', '<', '>'])

/** Strict mode knows the operators of the vendor's documentation alone; the other ones are ours (spec/tencent.md 3.4). */
export function checkStrict(sign: Sign): void {
  if (DOCUMENTED.has(sign.text)) return
  const expected = `one of the documented operators ${DOCUMENTED_OPERATORS}, because strict mode knows no others`
  throw new ConditionRefused(faultAtText(sign, sign.text, expected))
}
