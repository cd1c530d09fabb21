import type { JsonObject } from '../../model/json.ts'
import { flagField, listField, objectField, textField } from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { remember } from './reading.ts'
import type { Mesh } from './resources.ts'

/** A Mesh that validates (spec/kuma.md 8). */
export const readMesh: (value: JsonObject) => Mesh = remember((value) => {
  const own = decode('meshes', value).value
  return {
    name: textField(own, 'name') ?? '',
    localityAware: flagField(objectField(own, 'routing') ?? {}, 'localityAwareLoadBalancing'),
    skipCreatingInitialPolicies: listField(own, 'skipCreatingInitialPolicies').filter(
      (type) => typeof type === 'string',
    ),
  }
})
