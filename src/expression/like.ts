import { lowerAscii } from './lower-ascii.ts'

/**
 * A test whether the whole text has the form of the pattern, in which `%` stands for any run of characters, an empty one as well. Byte strings.
 * Pieces are looked for from left to right, each at its first place behind the one before: linear in the text for each piece.
 */
export function compileLike(pattern: string, ignoresCase: boolean): (text: string) => boolean {
  if (ignoresCase) {
    const isLike = compileLike(lowerAscii(pattern), false)
    return (text) => isLike(lowerAscii(text))
  }
  const pieces = pattern.split('%')
  const first = pieces[0] as string
  if (pieces.length === 1) return (text) => text === first
  const last = pieces[pieces.length - 1] as string
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  const least = first.length + last.length
  return (text) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let from = first.length
    for (let i = 0; i < middle.length; i++) {
      const piece = middle[i] as string
      const at = text.indexOf(piece, from)
      if (at < 0 || at + piece.length > end) return false
      from = at + piece.length
    }
    return true
  }
}
