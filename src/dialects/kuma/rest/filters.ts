import type { StoredDocument } from '../../../model/document.ts'
import { type Kind, partsOfId } from '../kinds.ts'
import { readDataplane } from '../read-dataplane.ts'
import { readExternalService } from '../read-external-service.ts'
import type { Dataplane, Tags } from '../resources.ts'
import { tagSetsOf } from '../translate-dataplane.ts'
import type { Call } from './call.ts'
import { badParameter, TITLES } from './call-error.ts'

/** What lists are narrowed by: `name`, `tag` and `gateway` of the query. */

/** Those that the query asks for. Throws 400. */
export function filterDocuments(
  kind: Kind,
  documents: readonly StoredDocument[],
  call: Call,
): readonly StoredDocument[] {
  const name = call.query.get('name') ?? ''
  const tags = readTags(call)
  const isGateway = readGateway(call)
  return documents.filter(({ key, value }) => {
    if (!partsOfId(kind, key.id).name.includes(name)) return false
    if (kind === 'external-services') return hasAll(tags, readExternalService(value).tags)
    if (kind !== 'dataplanes') return true
    const dataplane = readDataplane(value)
    return (
      isGateway(dataplane) && (tags.length === 0 || tagSetsOf(dataplane).some((set) => hasAll(tags, set)))
    )
  })
}

/** As the reference has it: a value is looked for anywhere in the tag's, and all tags on one inbound. */
function hasAll(wanted: readonly (readonly [string, string])[], tags: Tags): boolean {
  return wanted.every(([key, value]) => {
    const own = tags[key]
    return own !== undefined && (value === '*' || own.includes(value))
  })
}

function readTags(call: Call): readonly (readonly [string, string])[] {
  return call.query.getAll('tag').map((text) => {
    const colon = text.indexOf(':')
    if (colon <= 0) throw badParameter(TITLES.list, 'Invalid tag', 'tag', `must be key:value, not ${text}`)
    return [text.slice(0, colon), text.slice(colon + 1)]
  })
}

function readGateway(call: Call): (dataplane: Dataplane) => boolean {
  const wanted = call.query.get('gateway') ?? ''
  switch (wanted) {
    case '':
      return () => true
    case 'true':
      return ({ gateway }) => gateway !== null
    case 'false':
      return ({ gateway }) => gateway === null
    case 'builtin':
    case 'delegated':
      return ({ gateway }) => gateway?.type === wanted.toUpperCase()
    default:
      throw badParameter(
        TITLES.list,
        'Invalid gateway',
        'gateway',
        `must be true, false, builtin or delegated, not ${wanted}`,
      )
  }
}
