import { compilePredicate } from '../../expression/compile.ts'
import type { RequestView } from '../../expression/request-view.ts'
import { compileTemplate } from '../../expression/template.ts'
import { toByteString } from '../../model/byte-string.ts'
import type { QueryArgument } from '../../model/filter.ts'

/** Puts arguments in front of the query of a target. */
export interface CompiledArguments {
  addTo(target: string, view: RequestView): string
  readonly needsBody: boolean
}

/** Names and values are encoded whole, so that no value can end its argument or begin another one. */
export function compileQueryArguments(given: readonly QueryArgument[]): CompiledArguments {
  const all = given.map(({ name, value, when }) => ({
    name: encodeArgument(toByteString(name)),
    value: compileTemplate(value),
    when: when === null ? null : compilePredicate(when),
  }))
  return {
    addTo: (target, view) => {
      let added = ''
      for (const { name, value, when } of all) {
        if (when !== null && !when.test(view, null)) continue
        const text = value.render(view, null)
        if (text !== '') added += `${added === '' ? '' : '&'}${name}=${encodeArgument(text)}`
      }
      return added === '' ? target : putInFront(target, added)
    },
    needsBody: all.some(({ value, when }) => value.needsBody || when?.needsBody === true),
  }
}

function putInFront(target: string, added: string): string {
  const mark = target.indexOf('?')
  if (mark < 0) return `${target}?${added}`
  const query = target.slice(mark + 1)
  return `${target.slice(0, mark)}?${added}${query === '' ? '' : `&${query}`}`
}

/** A byte string, each byte but RFC 3986's unreserved ones as `%XX`. */
function encodeArgument(text: string): string {
  return text.replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
