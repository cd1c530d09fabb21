import { compilePattern } from '../../expression/pattern.ts'
import type { RequestView } from '../../expression/request-view.ts'
import { compileTemplate } from '../../expression/template.ts'
import type { RedirectLocation, RedirectStatus } from '../../model/split.ts'
import { encodeControls, encodeText } from './encode-path.ts'
import { joinQuery } from './rewrite-path.ts'

/** The Location value. Whatever it is made of, controls leave encoded (spec/apisix.md 9.1 redirect). */
export function compileLocation(location: RedirectLocation): (view: RequestView) => string {
  switch (location.kind) {
    case 'template': {
      const { render } = compileTemplate(location.template)
      return (view) => finishLocation(render(view, null), location, view)
    }
    case 'pattern': {
      const pattern = compilePattern(location.pattern, { ignoreCase: false })
      const { render } = compileTemplate(location.replacement)
      return (view) => {
        const { path } = view
        const hit = pattern.exec(path)
        // The rule's predicate has made sure of a hit; without one the path itself is the only sensible place.
        if (hit === null) return finishLocation(path, location, view)
        return finishLocation(
          path.slice(0, hit.index) + render(view, hit.captures) + path.slice(hit.end),
          location,
          view,
        )
      }
    }
    case 'https': {
      const port = location.port === null || location.port === 443 ? '' : `:${location.port}`
      return (view) =>
        encodeControls(`https://${view.host === '' ? view.localAddress : view.host}${port}${view.target}`)
    }
  }
}

/** Whether the Location holds something out of the request's body. */
export function locationNeedsBody(location: RedirectLocation): boolean {
  return location.kind === 'template' && compileTemplate(location.template).needsBody
}

/** A fixed status, or 301 for GET and HEAD and 308 for methods whose body must not get lost. */
export function compileRedirectStatus(status: RedirectStatus): (view: RequestView) => number {
  if (status !== 'byMethod') return () => status
  return (view) => (view.method === 'GET' || view.method === 'HEAD' ? 301 : 308)
}

function finishLocation(
  text: string,
  options: { readonly encode: boolean; readonly appendQuery: boolean },
  view: RequestView,
): string {
  let location = text
  if (options.encode) {
    const mark = location.indexOf('?')
    location = mark === -1 ? encodeText(location) : encodeText(location.slice(0, mark)) + location.slice(mark)
  }
  if (options.appendQuery) location = joinQuery(location, view.query)
  return encodeControls(location)
}
