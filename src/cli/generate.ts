import { readTokenKey, readTokenWish, signToken, TOKEN_PATH } from '../mesh/dataplane-tokens.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { AdminClient } from './client.ts'

export interface TokenFlags {
  readonly mesh?: string
  readonly name?: string
  readonly tag?: readonly string[]
  readonly validFor: string
  readonly proxyType?: string
  readonly cpAddress?: string
  readonly adminKey?: string
  readonly store?: string
}

/** Of each field of a wish, the flag that it comes from. */
const FLAGS: Readonly<Record<string, string>> = {
  name: '--name',
  mesh: '--mesh',
  validFor: '--valid-for',
  type: '--proxy-type',
}

/** `headgate generate dataplane-token`: the token. Throws BAD_SETTING, or CliError or RefusedError where a control plane does not make it. */
export async function runGenerateToken(flags: TokenFlags): Promise<string> {
  if (flags.cpAddress !== undefined && flags.store !== undefined)
    throw new GatewayError('BAD_SETTING', 'give --cp-address or --store, not both')
  const body = {
    mesh: flags.mesh ?? 'default',
    ...(flags.name === undefined ? {} : { name: flags.name }),
    tags: readTags(flags.tag ?? []),
    type: flags.proxyType ?? 'dataplane',
    validFor: flags.validFor,
  }
  const wish = readTokenWish(body)
  if (!('claims' in wish)) {
    const lines = wish.map(({ field, reason }) => `${FLAGS[field] ?? field}: ${reason}`)
    throw new GatewayError('BAD_SETTING', lines.join('\n'))
  }
  if (flags.cpAddress === undefined) {
    const { store } = DEFAULT_SETTINGS
    return signToken(readTokenKey(flags.store ?? store), wish.claims, wish.validForMs, Date.now())
  }
  const key = flags.adminKey === undefined ? {} : { adminKey: flags.adminKey }
  const client = new AdminClient({ server: flags.cpAddress, ...key }, process.env)
  return (await client.call('POST', TOKEN_PATH, body)).body.trim()
}

/** `name=value` or `name=value,value`. */
function readTags(given: readonly string[]): Record<string, string[]> {
  const tags: Record<string, string[]> = {}
  for (const text of given) {
    const equals = text.indexOf('=')
    const values = text
      .slice(equals + 1)
      .split(',')
      .filter((value) => value !== '')
    if (equals < 1 || values.length === 0)
      throw new GatewayError('BAD_SETTING', `--tag ${text}: say name=value, such as kuma.io/service=site`)
    const name = text.slice(0, equals)
    tags[name] = [...(tags[name] ?? []), ...values]
  }
  return tags
}
