import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { flagField, numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { isKind } from './kinds.ts'
import { legName } from './leg-names.ts'
import { SERVICE } from './resources.ts'
import { textsOf } from './splits.ts'

/** What a resource does in a few words, for lists. Takes whatever stands there. */
export function summarizeValue(kind: string, value: JsonObject): string {
  if (!isKind(kind)) return ''
  const own = decode(kind, value).value
  switch (kind) {
    case 'meshes':
      return flagField(objectField(own, 'routing') ?? {}, 'localityAwareLoadBalancing')
        ? 'locality aware'
        : ''
    case 'external-services': {
      const address = textField(objectField(own, 'networking') ?? {}, 'address') ?? '?'
      return `${serviceOf(own, 'tags')} at ${address}`
    }
    case 'dataplanes':
      return summarizeDataplane(objectField(own, 'networking') ?? {})
    case 'traffic-routes':
      return summarizeRoute(own)
  }
}

function summarizeDataplane(networking: JsonObject): string {
  const ownAddress = textField(networking, 'address') ?? '?'
  const gateway = objectField(networking, 'gateway')
  if (gateway !== null) return `gateway ${serviceOf(gateway, 'tags')} at ${ownAddress}`
  const inbounds = objectsField(networking, 'inbound').map(({ entry }) => {
    const address = textField(entry, 'address') ?? ownAddress
    return `${serviceOf(entry, 'tags')} at ${address}:${numberField(entry, 'port') ?? '?'}`
  })
  return shorten(inbounds)
}

/** `site to cart: 90 cart{version=1.0} (+1), 2 rules` */
function summarizeRoute(route: JsonObject): string {
  const ends = ['sources', 'destinations'].map((name) =>
    shorten(objectsField(route, name).map(({ entry }) => serviceOf(entry, 'match'))),
  )
  const conf = objectField(route, 'conf') ?? {}
  const legs = objectsField(conf, 'split').map(
    ({ entry }) => `${numberField(entry, 'weight') ?? '?'} ${legName(textsOf(entry.destination))}`,
  )
  const target = legs.length > 0 ? shorten(legs) : legName(textsOf(conf.destination))
  const rules = objectsField(conf, 'http').length
  const more = rules === 0 ? '' : `, ${rules} ${rules === 1 ? 'rule' : 'rules'}`
  return `${ends.join(' to ')}: ${target}${more}`
}

function serviceOf(holder: JsonObject, name: string): string {
  const tags = holder[name]
  return (isJsonObject(tags) ? textField(tags, SERVICE) : null) ?? '?'
}

/** The first of them, and how many more there are. */
function shorten(texts: readonly string[]): string {
  const [first = ''] = texts
  return texts.length > 1 ? `${first} (+${texts.length - 1})` : first
}
