/** Lines around a difference that are shown with it. */
const CONTEXT = 3
/** Texts whose different parts have more lines than this, one's times the other's, are shown whole: exactness would cost memory (16 MB). */
const MAX_CELLS = 4_000_000

export interface DiffLine {
  readonly sign: ' ' | '-' | '+' | '@'
  readonly text: string
}

/** The differences of two texts in unified form, without file names; empty where there are none. Lines end with a newline, or the text does. */
export function unifiedDiff(before: string, after: string): DiffLine[] {
  const old = splitLines(before)
  const fresh = splitLines(after)
  return toHunks(compareLines(old, fresh))
}

function splitLines(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

type Edit = { readonly sign: ' ' | '-' | '+'; readonly text: string }

/** All lines of both texts in order, each as kept, removed or added; as few changes as possible. */
function compareLines(old: readonly string[], fresh: readonly string[]): Edit[] {
  let start = 0
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++
  let end = 0
  while (
    end < old.length - start &&
    end < fresh.length - start &&
    old[old.length - 1 - end] === fresh[fresh.length - 1 - end]
  )
    end++
  const kept = (text: string): Edit => ({ sign: ' ', text })
  return [
    ...old.slice(0, start).map(kept),
    ...findEdits(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)),
    ...old.slice(old.length - end).map(kept),
  ]
}

/** By the longest common subsequence: `lengths[i][j]` is that of what follows line i of the old and line j of the new text. */
function findEdits(old: readonly string[], fresh: readonly string[]): Edit[] {
  const removed = (text: string): Edit => ({ sign: '-', text })
  const added = (text: string): Edit => ({ sign: '+', text })
  const width = fresh.length + 1
  if ((old.length + 1) * width > MAX_CELLS) return [...old.map(removed), ...fresh.map(added)]
  const lengths = new Uint32Array((old.length + 1) * width)
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      const at = i * width + j
      lengths[at] =
        old[i] === fresh[j]
          ? (lengths[at + width + 1] as number) + 1
          : Math.max(lengths[at + width] as number, lengths[at + 1] as number)
    }
  }
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < old.length && j < fresh.length) {
    const at = i * width + j
    if (old[i] === fresh[j]) {
      edits.push({ sign: ' ', text: old[i] as string })
      i++
      j++
    } else if ((lengths[at + width] as number) >= (lengths[at + 1] as number))
      edits.push(removed(old[i++] as string))
    else edits.push(added(fresh[j++] as string))
  }
  return [...edits, ...old.slice(i).map(removed), ...fresh.slice(j).map(added)]
}

/** Groups of changes with the lines around them, each under a line that says where it stands. */
function toHunks(edits: readonly Edit[]): DiffLine[] {
  const lines: DiffLine[] = []
  let oldLine = 1
  let freshLine = 1
  let at = 0
  while (at < edits.length) {
    const first = edits.findIndex((edit, i) => i >= at && edit.sign !== ' ')
    if (first < 0) break
    const from = Math.max(at, first - CONTEXT)
    // everything before is kept: both texts move on by the same
    oldLine += from - at
    freshLine += from - at
    const to = endOfHunk(edits, first)
    const hunk = edits.slice(from, to)
    const oldCount = hunk.filter((edit) => edit.sign !== '+').length
    const freshCount = hunk.filter((edit) => edit.sign !== '-').length
    const head = `-${range(oldLine, oldCount)} +${range(freshLine, freshCount)}`
    lines.push({ sign: '@', text: `@@ ${head} @@` }, ...hunk)
    oldLine += oldCount
    freshLine += freshCount
    at = to
  }
  return lines
}

/** Behind the last change before a stretch that is longer than the context of two hunks. */
function endOfHunk(edits: readonly Edit[], first: number): number {
  let last = first
  for (let i = first; i < edits.length && i - last <= 2 * CONTEXT; i++) if (edits[i]?.sign !== ' ') last = i
  return Math.min(edits.length, last + CONTEXT + 1)
}

/** As `diff -u` writes it: an empty range stands behind the line before it. */
function range(line: number, count: number): string {
  if (count === 1) return String(line)
  return `${count === 0 ? line - 1 : line},${count}`
}
