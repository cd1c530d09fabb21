import { toByteString } from '../model/byte-string.ts'
import { isJsonObject } from '../model/json.ts'
import { parseJsonBody } from './body-fields.ts'
import { type GraphqlOperation, parseGraphql } from './graphql.ts'
import { findArgument } from './percent.ts'
import type { RequestView } from './request-view.ts'

export type GraphqlPart = keyof GraphqlOperation

let lastSource = ''
let lastAsJson = false
let lastOperation: GraphqlOperation | null = null

/**
 * `graphql_operation`, `graphql_name`, `graphql_root_fields`. The document is the body of a POST (its key `query` where the Content-Type is
 * exactly `application/json`), or the first argument `query` of a GET. The last document is kept, as rules ask for it one after another.
 */
export function readGraphql(view: RequestView, part: GraphqlPart): string | readonly string[] | undefined {
  let source: string | true | null | undefined
  let asJson = false
  if (view.method === 'POST') {
    source = view.body
    asJson = view.header('content-type') === 'application/json'
  } else if (view.method === 'GET' && view.query !== null) {
    source = findArgument(view.query, 'query')
  }
  if (typeof source !== 'string') return undefined
  if (source !== lastSource || asJson !== lastAsJson) {
    lastOperation = parse(source, asJson)
    lastSource = source
    lastAsJson = asJson
  }
  return lastOperation?.[part]
}

/** GraphQL names are ASCII, so the document may be read as bytes. */
function parse(source: string, asJson: boolean): GraphqlOperation | null {
  if (source.length > MAX_BODY) return null
  if (!asJson) return parseGraphql(source)
  const body = parseJsonBody(source)
  if (!isJsonObject(body) || !Object.hasOwn(body, 'query')) return null
  const { query } = body
  return typeof query === 'string' ? parseGraphql(toByteString(query)) : null
}

const MAX_BODY = 1_048_576
