import { parseTemplate } from '../../expression/template.ts'
import type { HashKey } from '../../model/hash-key.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Template } from '../../model/template.ts'
import type { Balancer } from '../../model/upstream.ts'
import { textField } from './fields.ts'

/** `type`, `hash_on` and `key` of an upstream (spec/apisix.md 4.1, 5.1-5.3). */

export function readBalancer(upstream: JsonObject): Balancer {
  switch (textField(upstream, 'type')) {
    case 'chash':
      return { kind: 'ketama' }
    case 'least_conn':
      return { kind: 'leastConnections', ties: 'turns' }
    case 'ewma':
      return { kind: 'ewma' }
    default:
      return { kind: 'roundRobin' }
  }
}

/** null where the type looks at no key. */
export function readHashKey(upstream: JsonObject): HashKey | null {
  if (textField(upstream, 'type') !== 'chash') return null
  const key = hashKeyOf(textField(upstream, 'hash_on') ?? 'vars', textField(upstream, 'key') ?? '')
  return { ...key, hash: 'crc32' }
}

/** Without a value the client's address is the key, never chance. */
export function hashKeyOf(hashOn: string, key: string): HashKey {
  return {
    sources: [{ template: keyTemplate(hashOn, key), isTerminal: true }],
    fallback: 'address',
    hash: 'xxHash',
  }
}

function keyTemplate(hashOn: string, key: string): Template {
  switch (hashOn) {
    case 'header':
      return variable(`http_${key.toLowerCase().replaceAll('-', '_')}`)
    case 'cookie':
      return variable(`cookie_${key}`)
    case 'consumer':
      return variable('consumer_name')
    case 'vars_combinations':
      return parseTemplate(key, { fallbacks: true, dotsInNames: false, groups: false, variables: true })
    default:
      return variable(key)
  }
}

function variable(name: string): Template {
  return [{ variable: name, fallback: '' }]
}
