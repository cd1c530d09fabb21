import { type Check, fail, formatBytes, ok, warn } from './check.ts'
import type { FileFacts, PortFacts } from './machine-facts.ts'

/** Who stands on a port that is taken: our gateway, something that did not tell us, or nobody that we know. */
export type PortHolder = 'gateway' | 'unsure' | 'unknown'

/** The port of one listener. */
export function judgePort(what: string, address: string, port: PortFacts, holder: PortHolder): Check {
  const name = `port-${what}`
  if (port.kind === 'free') return ok(name, `${address} is free`)
  if (port.kind === 'refused') return fail(name, address, port.reason)
  if (holder === 'gateway') return ok(name, `${address} is the gateway's`)
  const look = `ss -ltnp 'sport = :${address.slice(address.lastIndexOf(':') + 1)}' shows which`
  if (holder === 'unsure') return warn(name, `${address} is taken, perhaps by the gateway`, look)
  return fail(name, `${address} is taken by another program`, `${look}; stop it, or take another address`)
}

/** The data directory of the embedded store. */
export function judgeDirectory(path: string, found: FileFacts, user: number | null): Check {
  const name = 'data-directory'
  switch (found.kind) {
    case 'missing':
      if (found.isParentWritable) return ok(name, `${path} will be made at start`)
      return fail(
        name,
        `${path} is missing and cannot be made`,
        `mkdir -m 700 ${path}, owned by the gateway's user`,
      )
    case 'unreadable':
      return fail(name, `${path}: ${found.reason}`, 'let the user of the gateway in')
    case 'directory':
      break
    default:
      return fail(name, `${path} is no directory`, 'give --store a directory')
  }
  if (!found.isWritable) return fail(name, `${path} cannot be written`, `chown it to the gateway's user`)
  const owned = judgeOwner(name, path, found.owner, user)
  if (owned !== null) return owned
  if ((found.mode & 0o077) !== 0) {
    return warn(
      name,
      `${path}, ${octal(found.mode)}`,
      `chmod 700 ${path}: documents and the audit log lie in it`,
    )
  }
  return ok(name, `${path}, ${octal(found.mode)}`)
}

/** The file with the admin key. */
export function judgeKeyFile(path: string, found: FileFacts, user: number | null): Check {
  const name = 'key-file'
  switch (found.kind) {
    case 'missing':
      return ok(name, `${path} will be made at start, unless a key is given`)
    case 'unreadable':
      return fail(name, `${path}: ${found.reason}`, 'let the user of the gateway read it')
    case 'file':
      break
    default:
      return fail(name, `${path} is no file`, 'remove it; a key is made at the next start')
  }
  if ((found.mode & 0o077) !== 0) {
    return fail(
      name,
      `${path}, ${octal(found.mode)}`,
      `chmod 600 ${path}: others on this machine can read the key`,
    )
  }
  return judgeOwner(name, path, found.owner, user) ?? ok(name, `${path}, ${octal(found.mode)}`)
}

function judgeOwner(name: string, path: string, owner: number, user: number | null): Check | null {
  if (user === null || owner === user || user === 0) return null
  return warn(
    name,
    `${path} belongs to user ${owner}`,
    `run the gateway, and the doctor, as that user (we are ${user})`,
  )
}

export function judgeDisk(
  path: string,
  disk: { readonly freeBytes: number; readonly totalBytes: number } | null,
): Check {
  const name = 'disk'
  if (disk === null) return warn(name, 'unknown', `check the room where ${path} lies`)
  const { freeBytes, totalBytes } = disk
  const value = `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)} at ${path}`
  if (freeBytes < 64 * 1_048_576) return fail(name, value, 'make room: writes are refused when it is full')
  if (freeBytes < 1_073_741_824) return warn(name, value, 'make room: writes are refused when it is full')
  return ok(name, value)
}

function octal(mode: number): string {
  return `0${mode.toString(8).padStart(3, '0')}`
}
