import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

const ENDINGS = /\.(?:ya?ml|json)$/i
/** The only name by which code is found in a directory; a file that is named itself may have any. */
const CONFIG_MODULE = /^headgate\.config\.m?[jt]s$/

export interface FileListing {
  /** Paths as the user would write them: below the target as it was given, sorted by name. */
  readonly files: readonly string[]
  readonly isDirectory: boolean
}

/**
 * The configuration files behind a target: the file itself, or the YAML and JSON files of a directory and its `headgate.config.ts` (or `.mts`,
 * `.js`, `.mjs`), one level deep. Names that start with a dot or end in `~` (hidden files, what editors leave behind, Kubernetes' `..data`)
 * are passed over. Throws as `fs` does.
 */
export function listFiles(target: string): FileListing {
  if (!statSync(target).isDirectory()) return { files: [target], isDirectory: false }
  const files = readdirSync(target)
    .filter(
      (name) =>
        !name.startsWith('.') && !name.startsWith('#') && (ENDINGS.test(name) || CONFIG_MODULE.test(name)),
    )
    .sort()
    .map((name) => join(target, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
  return { files, isDirectory: true }
}

/**
 * Folders whose events can mean a change: the target's own and its parent (the target itself may be replaced), and those that symbolic
 * links lead to, for a write in place there shows nowhere else.
 */
export function foldersToWatch(target: string, listing: FileListing | null): Map<string, string | null> {
  /** Folder → the one name in it that matters, null = every name. */
  const folders = new Map<string, string | null>()
  const path = resolve(target)
  folders.set(dirname(path), basename(path))
  if (listing?.isDirectory === true) folders.set(path, null)
  for (const file of [path, ...(listing?.files ?? []).map((name) => resolve(name))]) {
    try {
      if (!lstatSync(file).isSymbolicLink()) continue
      folders.set(dirname(realpathSync(file)), null)
      // In between may be a link that is swapped (Kubernetes' `..data`); it lies beside the first one.
      folders.set(dirname(file), null)
    } catch {
      // A link to nothing: reading the file reports it.
    }
  }
  return folders
}
