import type { JsonObject } from '../../model/json.ts'
import type { Reference } from '../dialect.ts'
import { decode } from './decode.ts'
import { DEFAULT_MESH, isKind } from './kinds.ts'

/** Every resource of a mesh names it. Takes whatever stands there. */
export function listReferences(kind: string, value: JsonObject): readonly Reference[] {
  if (!isKind(kind) || kind === 'meshes') return []
  const mesh = decode(kind, value).value.mesh ?? DEFAULT_MESH
  if (typeof mesh !== 'string' || mesh === '') return []
  // the default mesh is there from the start
  return [{ path: 'mesh', kind: 'meshes', id: mesh, mustExist: mesh !== DEFAULT_MESH }]
}
