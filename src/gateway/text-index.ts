/** Finds texts by their hashes: an open-addressed table in memory that threads share. */

/** FNV-1a over the code units. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** At the place of a hash, or behind it, the number of what has it plus 1; 0 ends the search. */
export function indexOf(hashes: ArrayLike<number>): Uint32Array {
  let size = 2
  while (size < 2 * hashes.length) size *= 2
  const index = new Uint32Array(new SharedArrayBuffer(size * Uint32Array.BYTES_PER_ELEMENT))
  for (let number = 0; number < hashes.length; number++) {
    let place = (hashes[number] as number) & (size - 1)
    while (index[place] !== 0) place = (place + 1) & (size - 1)
    index[place] = number + 1
  }
  return index
}

/** The number of a text; -1: it is not in the index. `isText` looks whether the one with a number is the one that is wanted. */
export function findIn(index: Uint32Array, hash: number, isText: (number: number) => boolean): number {
  const mask = index.length - 1
  for (let place = hash & mask; index[place] !== 0; place = (place + 1) & mask) {
    const number = (index[place] as number) - 1
    if (isText(number)) return number
  }
  return -1
}
