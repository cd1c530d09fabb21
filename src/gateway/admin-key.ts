import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError } from '../model/gateway-error.ts'
import type { Settings } from '../model/settings.ts'
import { parseAddress } from './sockets.ts'

/** Shortest key that is taken without `--insecure-admin-key`. */
const SHORTEST_KEY = 24
/** Keys that stand in documentation and example configurations: everybody knows them. */
const WELL_KNOWN = new Set([
  'edd1c9f034335f136f87ad84b625c8f1', // APISIX, admin
  '4054f7cf07e344346cd3f287985e76a2', // APISIX, viewer
  'admin',
  'password',
  'changeme',
  'secret',
  'headgate',
])
const KEY_FILE = 'admin.key'

export interface AdminKeys {
  readonly key: string
  readonly viewerKey: string | null
  /** Where the key is kept, if it was made by us; null: it was given. */
  readonly file: string | null
  /** Whether the file's folder is a private temporary one, to be removed at the end. */
  readonly isTemporary: boolean
  readonly warnings: readonly string[]
}

/**
 * The keys of the Admin API (reliability.md A1): a given one is checked; without one, 32 random bytes are kept in a file (0600) in the data
 * directory, or in a private temporary folder when nothing is kept. Throws BAD_SETTING; no message holds a key.
 */
export function resolveAdminKeys(settings: Settings): AdminKeys {
  const { key, viewerKey } = settings.admin
  const warnings = checkReach(settings)
  if (key !== null) warnings.push(...checkKey('admin key', key, settings))
  if (viewerKey !== null) warnings.push(...checkKey('viewer key', viewerKey, settings))
  if (viewerKey !== null && viewerKey === key)
    throw new GatewayError('BAD_SETTING', 'the viewer key is the admin key: it would write too')
  if (key !== null) return { key, viewerKey, file: null, isTemporary: false, warnings }
  const file = keyFile(settings)
  const kept = existsSync(file) ? readKey(file) : makeKey(file)
  return { key: kept, viewerKey, file, isTemporary: keepsNothing(settings), warnings }
}

/** Whether some listener asks for a key of the Admin API: its own, and that of a mesh's control plane unless it is on loopback. */
export function needsAdminKeys({ admin, kuma }: Settings): boolean {
  return admin.listen !== null || (kuma.listen !== null && !isLoopback(parseAddress(kuma.listen).host))
}

/** The admin listener is for this machine alone unless the operator says otherwise in so many words. */
function checkReach(settings: Settings): string[] {
  const { listen, allowRemote } = settings.admin
  const mesh = settings.kuma.listen
  const warnings =
    mesh === null || isLoopback(parseAddress(mesh).host)
      ? []
      : [
          `the control plane of the mesh at ${mesh} can be reached from other machines: it asks for the admin key, which travels unencrypted`,
        ]
  if (listen === null || isLoopback(parseAddress(listen).host)) return warnings
  if (allowRemote)
    return [
      ...warnings,
      `the admin listener ${listen} can be reached from other machines and its key travels unencrypted`,
    ]
  throw new GatewayError(
    'BAD_SETTING',
    `the admin listener ${listen} could be reached from other machines: listen on 127.0.0.1, or add --admin-remote if that is meant`,
  )
}

/** Warnings about a weak key that is allowed here; throws where it is not. */
function checkKey(name: string, key: string, settings: Settings): string[] {
  const fault = WELL_KNOWN.has(key)
    ? `the ${name} is a well-known one`
    : key.length < SHORTEST_KEY
      ? `the ${name} is shorter than ${SHORTEST_KEY} characters`
      : null
  if (fault === null) return []
  if (!needsAdminKeys(settings)) return []
  const { insecureKey } = settings.admin
  const isPrivate = [settings.admin.listen, settings.kuma.listen].every(
    (listen) => listen === null || isLoopback(parseAddress(listen).host),
  )
  if (insecureKey && isPrivate) return [`${fault}: anybody on this machine can change the configuration`]
  const remedy = insecureKey
    ? 'it is taken with --insecure-admin-key only while every listener that asks for it is on loopback'
    : isPrivate
      ? 'choose another, leave it out to have one made, or add --insecure-admin-key'
      : 'choose another, or leave it out to have one made'
  throw new GatewayError('BAD_SETTING', `${fault}: ${remedy}`)
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4')
  return isIPv6(host) ? LOOPBACK.check(host, 'ipv6') : host === 'localhost'
}

function keepsNothing(settings: Settings): boolean {
  return settings.config !== null || settings.store === 'memory'
}

function keyFile(settings: Settings): string {
  if (keepsNothing(settings)) {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-')) // 0700 by its nature
    return join(folder, KEY_FILE)
  }
  mkdirSync(settings.store, { recursive: true, mode: 0o700 })
  return join(settings.store, KEY_FILE)
}

function readKey(file: string): string {
  let key: string
  try {
    key = readFileSync(file, 'utf8').trim()
    chmodSync(file, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new GatewayError('BAD_SETTING', `the key file ${file} cannot be read (${code ?? String(error)})`)
  }
  if (key.length < SHORTEST_KEY)
    throw new GatewayError(
      'BAD_SETTING',
      `the key file ${file} holds no key of ${SHORTEST_KEY} characters; remove it to have one made`,
    )
  return key
}

function makeKey(file: string): string {
  const key = randomBytes(32).toString('hex')
  try {
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new GatewayError('BAD_SETTING', `the key file ${file} cannot be written (${code ?? String(error)})`)
  }
  return key
}
