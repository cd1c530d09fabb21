import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { numberField, objectField, textField } from '../model/json-fields.ts'

/** A Dataplane as its file has it, as far as the proxy itself must know. */
export interface WrittenDataplane {
  readonly mesh: string
  readonly name: string
  /** null: none is written. */
  readonly adminPort: number | null
  readonly value: JsonObject
}

const DEFAULT_MESH = 'default'

/**
 * Fills in `{{ name }}` as kuma-dp does. Throws BAD_SETTING for a name that no variable has: what Kuma makes of it, an empty text, would be a proxy of no name.
 */
export function fillVariables(text: string, variables: ReadonlyMap<string, string>, place: string): string {
  return text.replace(/\{\{\s*([\w.-]+)\s*\}\}/g, (_, name: string) => {
    const value = variables.get(name)
    if (value === undefined)
      throw new GatewayError(
        'BAD_SETTING',
        `${place}: {{ ${name} }} is not given: add --dataplane-var ${name}=…`,
      )
    return value
  })
}

/** `name=value`, several. Throws BAD_SETTING. */
export function readVariables(given: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    given.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new GatewayError('BAD_SETTING', `--dataplane-var ${text}: say name=value`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

/** A parsed file. Its document is checked by the control plane; here only that it is one of a proxy. Throws BAD_SETTING. */
export function readDataplaneFile(value: unknown, place: string): WrittenDataplane {
  if (!isJsonObject(value as JsonObject))
    throw new GatewayError('BAD_SETTING', `${place}: a Dataplane is expected (type: Dataplane)`)
  const document = value as JsonObject
  const type = textField(document, 'type')
  if (type !== 'Dataplane')
    throw new GatewayError(
      'BAD_SETTING',
      `${place}: type must be Dataplane, not ${JSON.stringify(document.type ?? null)}`,
    )
  const name = textField(document, 'name') ?? ''
  if (name === '') throw new GatewayError('BAD_SETTING', `${place}: name is missing`)
  const admin = objectField(objectField(document, 'networking') ?? {}, 'admin')
  return {
    mesh: textField(document, 'mesh') || DEFAULT_MESH,
    name,
    adminPort: admin === null ? null : numberField(admin, 'port'),
    value: document,
  }
}
