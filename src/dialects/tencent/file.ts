import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import { groupByKind, readKindLists } from '../../model/kind-lists.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { DialectSettings, FileDocument, FileDocuments } from '../dialect.ts'
import { ID_FIELDS, idOf, isIdKind, KINDS, releasedApiId, TENCENT } from './kinds.ts'
import { editableValue } from './own-form.ts'
import { validate } from './validate.ts'

/**
 * `tencent: {upstreams, services, apis, plugins, attachments, releases}`, lists of documents. A release in a file releases the APIs of its service as
 * they stand in the file; a list `released_apis` says instead what each environment serves.
 */
export function readTencentFile(root: JsonValue, settings: DialectSettings): FileDocuments | null {
  if (!isJsonObject(root) || !Object.hasOwn(root, TENCENT)) return null
  const { documents, faults, body } = readKindLists(root, TENCENT, KINDS, {
    idOf,
    needed: neededFields,
    hint: 'give each its own id',
  })
  if (body === null) return { documents, faults }
  checkNames(documents, faults)
  // an empty list counts: nothing is released
  if (!Array.isArray(body.released_apis)) documents.push(...released(documents, settings))
  return { documents, faults }
}

/** Names of APIs are unique in their service (spec/tencent.md 1), which one document by itself cannot tell. */
function checkNames(documents: FileDocuments['documents'], faults: Fault[]): void {
  const seen = new Map<string, string>()
  for (const { kind, value, path } of documents) {
    const name = kind === 'apis' ? textField(value, 'ApiName') : null
    if (name === null || name === '') continue
    const key = `${textField(value, 'ServiceId') ?? ''} ${name}`
    const first = seen.get(key)
    if (first === undefined) seen.set(key, path)
    else
      faults.push({
        path: `${path}.ApiName`,
        message: `${first} of this service is called ${name} already`,
        hint: null,
      })
  }
}

function neededFields(kind: string): string {
  if (isIdKind(kind)) return ID_FIELDS[kind].field
  return kind === 'releases' ? 'ServiceId and EnvironmentName' : 'ServiceId, EnvironmentName and ApiId'
}

/** What the releases among the documents release: the APIs beside them that have no fault of their own. */
function released(
  documents: readonly (FileDocument & { readonly path: string })[],
  settings: DialectSettings,
): FileDocuments['documents'] {
  // faults are told where they stand
  const isSound = ({ kind, value }: FileDocument): boolean => validate(kind, value, settings).length === 0
  const apis = documents.filter((document) => document.kind === 'apis' && isSound(document))
  const byService = Map.groupBy(apis, ({ value }) => textField(value, 'ServiceId') ?? '')
  const made: FileDocuments['documents'][number][] = []
  for (const release of documents) {
    if (release.kind !== 'releases' || !isSound(release)) continue
    const serviceId = textField(release.value, 'ServiceId') ?? ''
    const environment = textField(release.value, 'EnvironmentName') ?? ''
    for (const api of byService.get(serviceId) ?? []) {
      made.push({
        kind: 'released_apis',
        id: releasedApiId(serviceId, environment, api.id),
        value: releasedValue(serviceId, environment, api),
        // whoever looks for it in the file wants to see the API
        path: api.path,
      })
    }
  }
  return made
}

function releasedValue(serviceId: string, environment: string, api: FileDocument): JsonObject {
  return {
    ServiceId: serviceId,
    EnvironmentName: environment,
    ApiId: api.id,
    Api: editableValue('apis', api.value),
  }
}

/** Collections that are empty are left out, and so is what each environment serves where the releases say it. */
export function writeTencentFile(documents: readonly FileDocument[]): string {
  const body: Record<string, JsonObject[]> = {}
  const byKind = groupByKind(documents)
  for (const kind of KINDS) {
    const own = byKind.get(kind) ?? []
    if (own.length > 0 && kind !== 'released_apis') body[kind] = own.map(({ value }) => value)
  }
  const serving = byKind.get('released_apis') ?? []
  const made = new Map<string, string>()
  for (const { value } of byKind.get('releases') ?? []) {
    const serviceId = textField(value, 'ServiceId') ?? ''
    const environment = textField(value, 'EnvironmentName') ?? ''
    for (const api of byKind.get('apis') ?? [])
      if (api.value.ServiceId === serviceId)
        made.set(
          releasedApiId(serviceId, environment, api.id),
          JSON.stringify(releasedValue(serviceId, environment, api)),
        )
  }
  const isSaid =
    made.size === serving.length &&
    serving.every(({ id, value }) => made.get(id) === JSON.stringify(editableValue('released_apis', value)))
  if (!isSaid) body.released_apis = serving.map(({ value }) => editableValue('released_apis', value))
  return toYaml({ [TENCENT]: body })
}
