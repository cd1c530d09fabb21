import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'

/** One import, export-from or dynamic import as it stands in a file. */
export interface ImportUse {
  /** Path of the importing file from the root, with `/`. */
  readonly from: string
  /** The text between the quotes. */
  readonly specifier: string
  /** Path of the imported file from the root, or null for packages and Node's own modules. */
  readonly to: string | null
  readonly line: number
  /** `import type` or `export type`: gone when the program runs. (`import { type X }` is not: the import stays, for its effects.) */
  readonly isTypeOnly: boolean
}

/** All `.ts` files below a folder, as paths from the root, sorted. */
export function listSources(root: string, folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    found.push(relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  }
  return found.sort()
}

export function readImports(root: string, files: readonly string[]): ImportUse[] {
  const uses: ImportUse[] = []
  for (const from of files) {
    for (const { specifier, line, isTypeOnly } of parseImports(readFileSync(resolve(root, from), 'utf8'))) {
      const to = specifier.startsWith('.') ? posix.normalize(posix.join(dirname(from), specifier)) : null
      uses.push({ from, specifier, to, line, isTypeOnly })
    }
  }
  return uses
}

/**
 * Finds `import … from 'x'`, `import 'x'`, `export … from 'x'` and `import('x')` with a literal. Comments, and imports that only stand
 * inside a text, are blanked first, so that neither hides nor invents one. (TypeScript 7 has no stable parser to ask.)
 */
export function parseImports(source: string): { specifier: string; line: number; isTypeOnly: boolean }[] {
  const { code, texts } = blankTexts(source)
  const found: { specifier: string; line: number; isTypeOnly: boolean }[] = []
  // In `code` every quoted text is `"<number>"`, so the pattern cannot run into one.
  const pattern = /\b(?:import|export)\b(?:[^"'`;()=]*?\bfrom)?\s*\(?\s*"(\d+)"/g
  for (const match of code.matchAll(pattern)) {
    const text = texts[Number(match[1])]
    if (text === undefined) continue
    const line = code.slice(0, match.index).split('\n').length
    found.push({ specifier: text, line, isTypeOnly: /^(?:import|export)\s+type\b/.test(match[0]) })
  }
  return found
}

/** Source without comments; each single- or double-quoted text replaced by its number; templates keep only what is in their holes. */
export function blankTexts(source: string): { code: string; texts: string[] } {
  const texts: string[] = []
  let code = ''
  let i = 0
  /** Brace depth at which each open template hole ends. */
  const holes: number[] = []
  let depth = 0
  const skipTemplate = () => {
    while (i < source.length) {
      const c = source[i]
      if (c === '\\') i += 2
      else if (c === '`') {
        i++
        return
      } else if (c === '$' && source[i + 1] === '{') {
        i += 2
        holes.push(depth)
        code += ' ${ '
        return
      } else {
        if (c === '\n') code += '\n'
        i++
      }
    }
  }
  while (i < source.length) {
    const c = source[i] as string
    const next = source[i + 1]
    if (c === '/' && next === '/') {
      while (i < source.length && source[i] !== '\n') i++
    } else if (c === '/' && next === '*') {
      const end = source.indexOf('*/', i + 2)
      const comment = source.slice(i, end < 0 ? source.length : end + 2)
      code += comment.replaceAll(/[^\n]/g, '') || ' '
      i += comment.length
    } else if (c === '/' && startsPattern(code)) {
      i = endOfPattern(source, i)
      code += ' 0 '
    } else if (c === "'" || c === '"') {
      let end = i + 1
      while (end < source.length && source[end] !== c && source[end] !== '\n') {
        end += source[end] === '\\' ? 2 : 1
      }
      code += `"${texts.length}"`
      texts.push(source.slice(i + 1, end))
      i = end + 1
    } else if (c === '`') {
      i++
      code += ' '
      skipTemplate()
    } else if (c === '}' && holes.length > 0 && holes.at(-1) === depth) {
      holes.pop()
      code += ' } '
      i++
      skipTemplate()
    } else {
      if (c === '{') depth++
      else if (c === '}') depth--
      code += c
      i++
    }
  }
  return { code, texts }
}

/** A slash begins a pattern where a value may begin: after an operator, an opening bracket or a keyword. */
function startsPattern(before: string): boolean {
  const tail = before.trimEnd()
  if (tail === '' || /[=([{,;:!&|?+*%~^<>-]$/.test(tail)) return true
  return /\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/.test(tail)
}

function endOfPattern(source: string, start: number): number {
  let inClass = false
  for (let i = start + 1; i < source.length; i++) {
    const c = source[i]
    if (c === '\\') i++
    else if (c === '\n') return start + 1
    else if (c === '[') inClass = true
    else if (c === ']') inClass = false
    else if (c === '/' && !inClass) return i + 1
  }
  return start + 1
}

/**
 * Import cycles between files, each as `[a, b, a]`. Type-only imports make none: they decide nothing about what is ready when a module
 * runs, and a class split over files needs its own type in each of them.
 */
export function findCycles(uses: readonly ImportUse[]): string[][] {
  const targets = new Map<string, string[]>()
  for (const { from, to, isTypeOnly } of uses) {
    if (to === null || isTypeOnly) continue
    const list = targets.get(from)
    if (list === undefined) targets.set(from, [to])
    else list.push(to)
  }
  const state = new Map<string, 'open' | 'done'>()
  const path: string[] = []
  const cycles: string[][] = []
  const visit = (file: string): void => {
    state.set(file, 'open')
    path.push(file)
    for (const to of targets.get(file) ?? []) {
      const seen = state.get(to)
      if (seen === 'open') cycles.push([...path.slice(path.indexOf(to)), to])
      else if (seen === undefined) visit(to)
    }
    path.pop()
    state.set(file, 'done')
  }
  for (const file of [...targets.keys()].sort()) if (!state.has(file)) visit(file)
  return cycles
}
