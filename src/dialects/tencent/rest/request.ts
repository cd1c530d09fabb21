import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { checkValue } from '../../../model/safe-json.ts'
import type { RestRequest } from '../../dialect.ts'
import { CallError } from './call-error.ts'
import { readFlatKeys } from './flat-keys.ts'

/** The version of the vendor's API that is spoken; a call may leave it out. */
export const API_VERSION = '2018-08-08'

/** What every call of the vendor's may carry beside the parameters of its action. All but Action and Version belong to signing and regions, which mean nothing here. */
const COMMON: ReadonlySet<string> = new Set([
  'Action',
  'Version',
  'Region',
  'Timestamp',
  'Nonce',
  'SecretId',
  'Signature',
  'SignatureMethod',
  'Token',
  'Language',
  'RequestClient',
])

export interface ActionRequest {
  readonly action: string
  readonly params: JsonObject
  /** Whether they came as flattened keys: then every value is a text. */
  readonly isFlat: boolean
}

/** The action where it can be seen before the body is read: header, then query. */
export function findAction(request: Pick<RestRequest, 'headers' | 'query'>): string | null {
  return request.headers['x-tc-action'] ?? request.query.get('Action') ?? null
}

/** A call as it was sent: JSON, a form, or keys in the query. The declared type of the body plays no part. Throws CallError. */
export function readRequest(request: RestRequest, maxJsonDepth: number): ActionRequest {
  const named = findAction(request)
  const body = request.body.trim()
  const isJson = body.startsWith('{') || body.startsWith('[')
  const all = isJson ? readJson(body, maxJsonDepth) : readFlatKeys(pairsOf(request.query, body))
  const action = named ?? all.Action
  if (typeof action !== 'string' || action === '') {
    throw new CallError('MissingParameter', 'the action is missing: name it in X-TC-Action or in Action')
  }
  if (all.Action !== undefined && all.Action !== action) {
    throw new CallError('InvalidParameter', `two actions are named: ${action} and ${String(all.Action)}`)
  }
  const version = request.headers['x-tc-version'] ?? request.query.get('Version') ?? all.Version
  if (version !== undefined && version !== API_VERSION) {
    throw new CallError('NoSuchVersion', `the version is ${API_VERSION}, not ${String(version)}`)
  }
  if (isJson) {
    const stray = [...request.query.keys()].find((name) => !COMMON.has(name))
    if (stray !== undefined) {
      throw new CallError(
        'InvalidParameter',
        `${stray} stands in the query of a call whose parameters stand in the body`,
      )
    }
  }
  // null is what clients send for what they do not set
  const given = Object.entries(all).filter(([name, value]) => !COMMON.has(name) && value !== null)
  return { action, params: Object.fromEntries(given), isFlat: !isJson }
}

function readJson(body: string, maxJsonDepth: number): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(body) as JsonValue
  } catch (error) {
    throw new CallError(
      'InvalidRequest',
      `the body is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (!isJsonObject(value)) throw new CallError('InvalidRequest', 'the body must be a JSON object')
  const reason = checkValue(value, maxJsonDepth)
  if (reason !== null) throw new CallError('InvalidRequest', reason)
  return value
}

function* pairsOf(query: ReadonlyMap<string, string>, body: string): Iterable<readonly [string, string]> {
  const form = new URLSearchParams(body)
  // an action in the query and the same one in the form are no contradiction
  for (const [name, value] of query) if (!COMMON.has(name) || !form.has(name)) yield [name, value]
  yield* form
}
