import { compilePredicate } from '../../expression/compile.ts'
import { compilePattern, replaceEvery } from '../../expression/pattern.ts'
import { compileTemplate } from '../../expression/template.ts'
import { toByteString } from '../../model/byte-string.ts'
import type { QueryForm, RequestFilter, RequestRewrite } from '../../model/filter.ts'
import type { CompiledRequestFilter, CompileEnvironment } from '../table.ts'
import { compileAuthentication } from './authentication.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { CompiledMirror } from './mirror.ts'
import { compileQueryArguments } from './query-arguments.ts'
import { compileQueryForm } from './query-form.ts'
import { compilePathRewrite } from './rewrite-path.ts'

/** What filters need of CompileEnvironment. */
export type FilterEnvironment = Pick<CompileEnvironment, 'consumers' | 'upstream'>

/** `needsBody` says whether the condition or any template reads the request's body. */
export function compileRequestFilter(filter: RequestFilter, env: FilterEnvironment): CompiledRequestFilter {
  const when = filter.when === null ? null : compilePredicate(filter.when)
  if (filter.kind === 'authenticate') {
    const authentication = compileAuthentication(filter, env.consumers)
    const needsBody = when?.needsBody === true
    return { ...NO_EDITS, applies: when === null ? null : when.test, needsBody, authentication }
  }
  if (filter.kind === 'mirror') {
    const needsBody = when?.needsBody === true
    const mirror = new CompiledMirror(
      filter,
      filter.upstreamIds.map((id) => env.upstream(id)),
    )
    return { ...NO_EDITS, applies: when === null ? null : when.test, needsBody, mirror }
  }
  const path =
    filter.path === null
      ? null
      : withArguments(withQueryForm(compilePathRewrite(filter.path), filter.query), filter.arguments)
  const edits = filter.headers === null ? null : compileHeaderEdits(filter.headers)
  return {
    applies: when === null ? null : when.test,
    needsBody: when?.needsBody === true || path?.needsBody === true || edits?.needsBody === true,
    method: filter.method,
    host: filter.host === null ? null : toByteString(filter.host),
    hostFrom: filter.hostFrom === undefined ? null : compileHostFrom(filter.hostFrom),
    target: path === null ? null : path.target,
    headers: edits === null ? null : edits.headers,
    authentication: null,
    mirror: null,
  }
}

function compileHostFrom({
  pattern,
  replacement,
}: NonNullable<RequestRewrite['hostFrom']>): NonNullable<CompiledRequestFilter['hostFrom']> {
  const compiled = compilePattern(pattern, { ignoreCase: false })
  const { render } = compileTemplate(replacement)
  return (view) => {
    const host = replaceEvery(compiled, view.path, (hit) => render(view, hit.captures))
    return host === '' || HOST.test(host) ? host : undefined
  }
}

/** What may stand in Host: a name, an address, IPv6 in brackets, each with a port or without (RFC 9110 section 7.2). */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/

/** The query of the target that a rewrite makes, written in another form. */
function withQueryForm(
  rewrite: ReturnType<typeof compilePathRewrite>,
  form: QueryForm | undefined,
): ReturnType<typeof compilePathRewrite> {
  if (form === undefined) return rewrite
  const write = compileQueryForm(form)
  return {
    ...rewrite,
    target: (view, groups) => {
      const target = rewrite.target(view, groups)
      const mark = target?.indexOf('?') ?? -1
      return target === undefined || mark < 0
        ? target
        : `${target.slice(0, mark + 1)}${write(target.slice(mark + 1))}`
    },
  }
}

/** The target that a rewrite makes, with arguments in front of its query. */
function withArguments(
  rewrite: ReturnType<typeof compilePathRewrite>,
  given: RequestRewrite['arguments'],
): ReturnType<typeof compilePathRewrite> {
  if (given === undefined || given.length === 0) return rewrite
  const { addTo, needsBody } = compileQueryArguments(given)
  return {
    target: (view, groups) => {
      const target = rewrite.target(view, groups)
      return target === undefined ? undefined : addTo(target, view)
    },
    needsBody: rewrite.needsBody || needsBody,
  }
}

const NO_EDITS = {
  method: null,
  host: null,
  hostFrom: null,
  target: null,
  headers: null,
  authentication: null,
  mirror: null,
} as const
