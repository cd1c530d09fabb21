import type { DialectSettings } from '../dialect.ts'
import { partsOfId } from './kinds.ts'

/** Whether a proxy is one of this process (setting kuma.dataplanes). `id`: of its document. */
export function runsHere(id: string, { kuma: { dataplanes } }: DialectSettings): boolean {
  const { name } = partsOfId('dataplanes', id)
  return dataplanes.some((wanted) => wanted === 'all' || wanted === id || wanted === name)
}
