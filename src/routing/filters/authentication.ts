import { decodeArgument } from '../../expression/percent.ts'
import type { RequestView } from '../../expression/request-view.ts'
import { toByteString } from '../../model/byte-string.ts'
import type { Authentication } from '../../model/filter.ts'
import type { ConsumerLookup, KnownConsumer } from '../consumers.ts'

/** What a request shows, and where. */
export interface ShownKey {
  readonly key: string
  /** The query without it; undefined: it is not from there. */
  readonly restOfQuery: string | null | undefined
}

/** How a route asks who a request is from, ready to be asked. */
export interface CompiledAuthentication {
  /** Lower case. */
  readonly header: string
  readonly hidesKey: boolean
  readonly anonymous: string | null
  /** WWW-Authenticate of a refusal. */
  readonly challenge: string
  /** A byte string; null: the error's own. */
  readonly refusalBody: string | null
  /** null: the request shows no key. */
  read(view: RequestView): ShownKey | null
  /** The query without the argument; undefined: it has none of that name. */
  restOfQuery(view: RequestView): string | null | undefined
  byKey(key: string): KnownConsumer | undefined
  byName(name: string): KnownConsumer | undefined
}

export function compileAuthentication(
  { section, header, argument, hidesKey, anonymous, realm, refusalBody }: Authentication,
  consumers: ConsumerLookup,
): CompiledAuthentication {
  const lowerHeader = header.toLowerCase()
  const argumentName = toByteString(argument)
  return {
    header: lowerHeader,
    hidesKey,
    anonymous: anonymous === null ? null : toByteString(anonymous),
    challenge: `apikey realm="${toByteString(realm).replace(/[\\"]/g, '\\$&')}"`,
    refusalBody: refusalBody === null ? null : toByteString(refusalBody),
    read: (view) => {
      const field = view.header(lowerHeader)
      if (field !== undefined) return { key: field, restOfQuery: undefined }
      return view.query === null ? null : readArgument(view.query, argumentName)
    },
    restOfQuery: ({ query }) => (query === null ? undefined : readArgument(query, argumentName)?.restOfQuery),
    byKey: (key) => consumers.byKey(section, key),
    byName: (name) => consumers.byName(section, name),
  }
}

/** An argument that stands twice, or has no `=`, is no key: it is shown, and nobody's. */
function readArgument(query: string, name: string): ShownKey | null {
  const left: string[] = []
  const values: (string | null)[] = []
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    if (decodeArgument(equals < 0 ? part : part.slice(0, equals)) === name && part !== '')
      values.push(equals < 0 ? null : part.slice(equals + 1))
    else left.push(part)
  }
  const [value] = values
  if (value === undefined) return null
  const key = values.length === 1 && value !== null ? decodeArgument(value) : ''
  return { key, restOfQuery: left.length === 0 ? null : left.join('&') }
}
