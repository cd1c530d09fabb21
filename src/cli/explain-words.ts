import type { ExplainedTarget } from '../model/explanation.ts'

/** `3 of 5, 60 %`. */
export function formatShare({ parts, of, percent }: ExplainedTarget['share']): string {
  if (of === 0) return 'gets nothing'
  return `${parts} of ${of}, ${percent.toFixed(2).replace(/\.?0+$/, '')} %`
}
