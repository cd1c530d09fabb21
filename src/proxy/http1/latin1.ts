/**
 * Bytes to a byte string. `latin1Slice` is what `toString('latin1')` ends in, without the look-up of the encoding by name; it is on every
 * Buffer but not in the type declarations.
 */
export function latin1(buffer: Buffer, from: number, to: number): string {
  return (buffer as Buffer & { latin1Slice(from: number, to: number): string }).latin1Slice(from, to)
}
