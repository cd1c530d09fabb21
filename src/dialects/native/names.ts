import type { Origin } from '../../model/origin.ts'

export const NATIVE = 'native'

/** Id of a model object: `native/routes/shop`, and for a part of it `native/routes/shop#rules[0].split`. */
export function modelId(kind: string, id: string, part: string | null = null): string {
  return part === null ? `${NATIVE}/${kind}/${id}` : `${NATIVE}/${kind}/${id}#${part}`
}

export function originOf(kind: 'route' | 'upstream' | 'certificate' | 'stream', id: string): Origin {
  return { dialect: NATIVE, kind, id, path: '' }
}
