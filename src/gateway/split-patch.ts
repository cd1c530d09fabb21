import { isSmall, type ModelObject, type Patch } from '../model/model.ts'
import { BULK_OBJECTS, PART_ENTRIES, type PatchPart } from './messages.ts'
import { packObjects, type StoredObject } from './model-archive.ts'
import type { PackedSlots } from './packed-slots.ts'

/** What is sent to workers, before it is put in the form of messages. */
export interface Publication extends Omit<Patch, 'upserts'> {
  /** Instead of `slots`, all that are in force, for a worker that starts; null for a change. */
  readonly slotTable: PackedSlots | null
  /** How many `upserts` there are. */
  readonly count: number
  readonly upserts: Iterable<StoredObject>
}

/** A publication as messages. A small one is one message with its objects; of a large one the objects stay in shared memory. */
export function* splitPatch(publication: Publication): Generator<PatchPart> {
  const { revision, count, upserts, removals, slots, slotTable, freed } = publication
  const flags = { isFirst: false, isLast: false, isBulk: true } as const
  const base = { type: 'patch', revision, packed: null, slotTable: null, ...flags } as const
  if (count + removals.length <= BULK_OBJECTS) {
    const objects: ModelObject[] = []
    for (const object of upserts) objects.push(object.read())
    yield {
      ...base,
      upserts: objects,
      removals,
      slots,
      slotTable,
      freed,
      isFirst: true,
      isLast: true,
      isBulk: false,
    }
    return
  }
  yield { ...base, ...NOTHING, slotTable, isFirst: true }
  // slots go before all objects: those of any part may need them
  for (const some of chunks(slots)) yield { ...base, ...NOTHING, slots: some }
  const small: ModelObject[] = []
  for (const packed of packObjects(laterOnly(upserts, small))) yield { ...base, ...NOTHING, packed }
  for (const some of chunks(small)) yield { ...base, ...NOTHING, upserts: some }
  for (const some of chunks(removals)) yield { ...base, ...NOTHING, removals: some }
  yield { ...base, ...NOTHING, freed, isLast: true }
}

/** Without those that are so small that they go as they are. */
function* laterOnly(objects: Iterable<StoredObject>, small: ModelObject[]): Generator<StoredObject> {
  for (const object of objects) {
    if (isSmall(object.kind)) small.push(object.read())
    else yield object
  }
}

const NOTHING = { upserts: [], removals: [], slots: [], freed: [] } as const

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < list.length; i += PART_ENTRIES) yield list.slice(i, i + PART_ENTRIES)
}
