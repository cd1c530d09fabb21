import type { DocumentChange, StoredDocument } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import { toUniversal } from '../envelope.ts'
import { documentId, type Kind, KUMA, TYPES } from '../kinds.ts'
import { prepareValue } from '../own-form.ts'
import { contentFaults, decodingFaults, nameFaults } from '../validate.ts'
import type { Call } from './call.ts'
import {
  badRequest,
  type InvalidParameter,
  invalidResource,
  meshNotFound,
  notFound,
  parametersOf,
  TITLES,
} from './call-error.ts'
import { filterDocuments } from './filters.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { readFormat, showIn } from './shown.ts'

/** Reading, writing and deleting resources of every kind. */

/** A place in the API: `/meshes/{mesh}/traffic-routes/{name}`; of a mesh both are its name. */
export interface Place {
  readonly kind: Kind
  readonly mesh: string
  readonly name: string
}

/** `mesh` null: over all meshes. */
export async function listResources(call: Call, kind: Kind, mesh: string | null): Promise<JsonObject> {
  const format = readFormat(call, TITLES.list)
  const found = filterDocuments(kind, await call.list(kind, mesh), call)
  const page = pageOf(found, call, TITLES.list)
  return pageAnswer({ ...page, items: page.items.map((document) => showIn(format, kind, document)) })
}

export async function showOne(call: Call, place: Place): Promise<JsonObject> {
  const format = readFormat(call, TITLES.find)
  return showIn(format, place.kind, await need(call, place, TITLES.find))
}

/** Throws 404. */
export async function need(call: Call, { kind, mesh, name }: Place, title: string): Promise<StoredDocument> {
  const found = await call.find(kind, mesh, name)
  if (found === undefined) throw notFound(title)
  return found
}

/** The whole resource in place of what was there; gives the status. The steps are those of the reference, each hides those behind it (spec/kuma.md 9). */
export async function putResource(call: Call, place: Place): Promise<200 | 201> {
  const { kind, mesh, name } = place
  const { settings, nowMs } = call.options
  const body = call.body()
  const undecoded = decodingFaults(kind, body)
  if (undecoded.length > 0)
    throw badRequest(
      parametersOf(undecoded)
        .map(({ field, reason }) => (field === '' ? reason : `${field}: ${reason}`))
        .join('; '),
    )
  const invalid = contentFaults(kind, body, settings)
  if (invalid.length > 0) throw invalidResource(TITLES.process, parametersOf(invalid))
  const id = documentId(kind, mesh, name)
  const previous = await call.find(kind, mesh, name)
  const value = prepareValue(kind, id, body, previous, nowMs)
  const faults = nameFaults(kind, value, previous !== undefined)
  // a type that is another one is among the clashes
  const named = [...clashes(place, body), ...parametersOf(faults.filter(({ path }) => path !== 'type'))]
  if (named.length > 0) throw invalidResource(TITLES.process, named)
  if (kind !== 'meshes' && (await call.find('meshes', mesh, mesh)) === undefined) throw meshNotFound(mesh)
  await call.write([
    {
      op: 'put',
      key: { dialect: KUMA, kind, id },
      value,
      expiresAtMs: null,
      expectedRevision: previous?.modifiedRevision ?? 0,
    },
  ])
  return previous === undefined ? 201 : 200
}

/** What the body says of itself that the address does not; what it leaves out is as the address says. */
function clashes({ kind, mesh, name }: Place, body: JsonObject): readonly InvalidParameter[] {
  const own = toUniversal(kind, body)
  const wanted: readonly (readonly [string, string])[] = [
    ['type', TYPES[kind]],
    ['name', name],
    ...(kind === 'meshes' ? [] : [['mesh', mesh] as const]),
  ]
  return wanted.flatMap(([field, text]) => {
    const said = textField(own, field) ?? ''
    if (said === '' || said === text) return []
    return [{ field, reason: `${field} of the body must be that of the address, ${text}; it is ${said}` }]
  })
}

export async function deleteResource(call: Call, place: Place): Promise<void> {
  const found = await need(call, place, TITLES.delete)
  const all = place.kind === 'meshes' ? [found, ...(await contentOf(call, place.mesh))] : [found]
  await call.write(all.map(remove))
}

/** What goes with a mesh. Throws 400 while proxies are in it. */
async function contentOf(call: Call, mesh: string): Promise<readonly StoredDocument[]> {
  const proxies = await call.list('dataplanes', mesh)
  if (proxies.length > 0)
    throw invalidResource(TITLES.delete, [
      {
        field: 'mesh',
        reason: `the mesh still has ${proxies.length} ${proxies.length === 1 ? 'dataplane' : 'dataplanes'}: delete ${proxies.length === 1 ? 'it' : 'them'} first`,
      },
    ])
  return [...(await call.list('external-services', mesh)), ...(await call.list('traffic-routes', mesh))]
}

function remove({ key, modifiedRevision }: StoredDocument): DocumentChange {
  return { op: 'delete', key, expectedRevision: modifiedRevision }
}
