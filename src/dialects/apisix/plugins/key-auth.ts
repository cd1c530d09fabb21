import type { Authentication } from '../../../model/filter.ts'
import type { JsonObject } from '../../../model/json.ts'
import { flagField, textField } from '../fields.ts'
import { originOf } from '../holder.ts'
import type { EffectivePlugin } from '../merge.ts'
import { isToken } from './header-edits.ts'
import { readErrorBody, readFilter } from './meta.ts'
import { PASSED, type PluginCheck, refuse } from './plugin.ts'

/** key-auth: which consumer a request is from, by a key in a field or an argument. It goes before everything else that the route does. */
export const PRIORITY = 2500

/** Where the key stands when nobody says otherwise, and what one must be known to. */
const DEFAULTS = { header: 'apikey', query: 'apikey', realm: 'key' } as const

export function translateKeyAuth({ config, holder }: EffectivePlugin): Authentication {
  return {
    kind: 'authenticate',
    origin: originOf(holder, 'plugins.key-auth'),
    section: 'apisix',
    when: readFilter(config),
    header: textField(config, 'header') ?? DEFAULTS.header,
    argument: textField(config, 'query') ?? DEFAULTS.query,
    hidesKey: flagField(config, 'hide_credentials') === true,
    anonymous: textField(config, 'anonymous_consumer'),
    realm: textField(config, 'realm') ?? DEFAULTS.realm,
    refusalBody: readErrorBody(config),
  }
}

/** [R] The reference takes any text for a name, and then never finds such a field. */
export function checkKeyAuth(config: JsonObject): PluginCheck {
  const header = textField(config, 'header')
  if (header !== null && !isToken(header)) return refuse('property "header" is no name of a field')
  const realm = textField(config, 'realm')
  for (const character of realm ?? '') {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20 || code > 0x7e) return refuse('property "realm" must be printable ASCII')
  }
  return PASSED
}
