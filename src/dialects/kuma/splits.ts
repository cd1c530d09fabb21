import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { numberField, objectField, objectsField } from '../../model/json-fields.ts'
import type { DocumentSplit, SplitTarget } from '../dialect.ts'
import { decode } from './decode.ts'
import { namesOfLeg } from './leg-names.ts'
import type { Tags } from './resources.ts'

/** The splits of a TrafficRoute with two legs or more: those of its rules, which are tried first, and its own. Takes whatever stands there. */
export function listSplits({ key, value }: StoredDocument): readonly DocumentSplit[] {
  if (key.kind !== 'traffic-routes') return []
  const conf = objectField(decode('traffic-routes', value).value, 'conf')
  if (conf === null) return []
  const rules = objectsField(conf, 'http').map(({ at, entry }) =>
    splitOf(entry, `conf.http[${at}].split`, entry.match ?? null),
  )
  return [...rules, splitOf(conf, 'conf.split', null)].filter(({ targets }) => targets.length > 1)
}

function splitOf(holder: JsonObject, path: string, condition: JsonValue | null): DocumentSplit {
  const targets = objectsField(holder, 'split').map(({ at, entry }): SplitTarget => {
    const place = `${path}[${at}]`
    const weight = numberField(entry, 'weight') ?? 0
    return {
      path: place,
      names: namesOfLeg({ tags: textsOf(entry.destination) }),
      weight: Number.isInteger(weight) && weight > 0 ? weight : 0,
    }
  })
  return { path, condition, targets }
}

/** Tags of a value that nobody looked at yet. */
export function textsOf(tags: JsonValue | undefined): Tags {
  if (!isJsonObject(tags)) return {}
  return Object.fromEntries(
    Object.entries(tags).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
