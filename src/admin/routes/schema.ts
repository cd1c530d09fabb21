import { suggest } from '../../model/suggest.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

/** Schemas of configuration files, for editors and other programs. */
export function schemaEndpoints(control: Pick<AdminControl, 'dialects'>): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/headgate/v1/schema/:dialect',
      summary: 'Get the JSON Schema (2020-12) of configuration files in a dialect: native',
      isWrite: false,
      answer: { type: 'object', required: ['$schema', '$id'] },
      answerType: 'application/schema+json',
      handle: (call) => answerSchema(control, call),
    },
  ]
}

function answerSchema({ dialects }: Pick<AdminControl, 'dialects'>, { params }: OwnCall): Answer {
  const { dialect: name = '' } = params
  const found = dialects.find((dialect) => dialect.name === name)?.schema?.()
  if (found !== undefined) {
    const { status, body } = answerJson(found)
    return { status, headers: { 'content-type': 'application/schema+json' }, body }
  }
  const known = dialects.filter((dialect) => dialect.schema !== undefined).map((dialect) => dialect.name)
  const near = suggest(name, known)
  const hint = near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`
  return problem('NOT_FOUND', `there is no schema of ${name} (${hint})`)
}
