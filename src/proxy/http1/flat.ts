/**
 * The same text in one piece. A text put together from others stays a tree of them, walked again with every write; one that is kept and written
 * often is better laid out once.
 */
export function flatten(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
