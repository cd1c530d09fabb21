import type { ForcedTarget, SplitPolicy, StickyTarget } from '../../model/split.ts'
import { suggest } from '../../model/suggest.ts'
import { defaultOf } from './defaults.ts'
import { joinPath, type Sink } from './sink.ts'
import { readKey } from './translate-balancing.ts'
import type * as Native from './types.ts'

/** `sticky`, `forced` and `whenOut`, which stand beside a split. `names`: those of each target, in order. null: the weights alone decide. */
export function readPolicy(
  { sticky, forced, whenOut = 'error' }: Pick<Native.Rule, 'sticky' | 'forced' | 'whenOut'>,
  names: readonly (readonly string[])[],
  path: string,
  sink: Sink,
): SplitPolicy | null {
  if (sticky === undefined && forced === undefined && whenOut === 'error') return null
  return {
    forced: forced === undefined ? null : readForced(forced),
    sticky: sticky === undefined ? null : readSticky(sticky, joinPath(path, 'sticky'), sink),
    whenOut: readWhenOut(whenOut, names, joinPath(path, 'whenOut.target'), sink),
  }
}

function readForced(forced: Native.Forced): ForcedTarget {
  const places = 'length' in forced ? forced : [forced]
  return {
    sources: places.map(({ header, cookie }) =>
      header === undefined
        ? { kind: 'cookie', name: cookie ?? '' }
        : { kind: 'header', name: header.toLowerCase() },
    ),
  }
}

function readSticky(sticky: Native.Sticky, path: string, sink: Sink): StickyTarget {
  if (sticky.hashOn !== undefined) {
    const key = readKey(sticky.hashOn, 'address', joinPath(path, 'hashOn'), sink)
    return { by: { kind: 'hash', key }, keepsZeroWeight: false }
  }
  const sameSite = sticky.sameSite ?? null
  const isSecure = sticky.secure ?? defaultOf('sticky', 'secure')
  if (sameSite === 'none' && !isSecure) {
    sink.refuse(
      joinPath(path, 'sameSite'),
      'browsers drop a cookie with none that is not secure',
      'add secure: true',
    )
  }
  return {
    by: {
      kind: 'cookie',
      name: sticky.cookie ?? '',
      maxAgeSeconds: sticky.maxAge ?? defaultOf('sticky', 'maxAge'),
      path: sticky.path ?? defaultOf('sticky', 'path'),
      isSecure,
      isHttpOnly: sticky.httpOnly ?? defaultOf('sticky', 'httpOnly'),
      sameSite,
    },
    keepsZeroWeight: sticky.keepZeroWeight ?? defaultOf('sticky', 'keepZeroWeight'),
  }
}

function readWhenOut(
  whenOut: Native.WhenOut,
  names: readonly (readonly string[])[],
  path: string,
  sink: Sink,
): SplitPolicy['whenOut'] {
  if (typeof whenOut === 'string') return { kind: whenOut }
  const index = names.findIndex((own) => own.includes(whenOut.target))
  if (index >= 0) return { kind: 'target', index }
  const near = suggest(whenOut.target, names.flat())
  sink.refuse(
    path,
    `no target of the split is called ${whenOut.target}`,
    near === null ? `known: ${names.map(([own]) => own).join(', ')}` : `did you mean ${near}?`,
  )
  return { kind: 'error' }
}
