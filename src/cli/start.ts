import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type AdminKeys, needsAdminKeys, resolveAdminKeys } from '../gateway/admin-key.ts'
import { resolveSettings, type SettingFlags } from '../gateway/settings.ts'
import { type Gateway, startGateway } from '../gateway/start.ts'
import { VERSION } from '../gateway/version.ts'
import type { Settings } from '../model/settings.ts'
import { type AppLog, createAppLog } from '../observe/app-log.ts'
import { startFronts } from './fronts.ts'
import { superviseSignals } from './signals.ts'

/** `headgate start`: runs until a signal ends it. Resolves to the exit status; throws GatewayError when it cannot start. */
export async function runStart(flags: SettingFlags, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const settings = resolveSettings(flags, env)
  const { gateway, keys, log } = await startAll(settings, env)
  // whoever reads that it is ready may send a signal at once
  const ended = superviseSignals(gateway, log)
  const out = settings.accessLog.path === '-' ? process.stderr : process.stdout
  out.write(summary(gateway, keys))
  const code = await ended
  forgetTemporaryKey(keys)
  return code
}

/** The folder of a key that was made for this run alone. */
function forgetTemporaryKey(keys: AdminKeys | null): void {
  if (keys?.isTemporary === true && keys.file !== null)
    rmSync(dirname(keys.file), { recursive: true, force: true })
}

/** The gateway with its control servers, as `start` and `demo` run it. */
export async function startAll(
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<{ gateway: Gateway; keys: AdminKeys | null; log: AppLog }> {
  const log = createAppLog({ level: settings.logLevel })
  const keys = needsAdminKeys(settings) ? resolveAdminKeys(settings) : null
  for (const warning of keys?.warnings ?? []) log.warn({}, warning)
  const gateway = await startGateway(settings, {
    env,
    log: (level, fields, message) => log.log(level, fields, message),
    fronts: (control) => startFronts(control, keys, log),
  }).catch((error: unknown) => {
    forgetTemporaryKey(keys)
    throw error
  })
  return { gateway, keys, log }
}

/** What an operator wants to see first. The admin key itself is never shown. */
function summary(gateway: Gateway, keys: AdminKeys | null): string {
  const { settings, addresses } = gateway
  const status = gateway.status()
  const rejected = status.documents.filter((document) => document.state === 'rejected').length
  const rows: [string, string][] = [
    ['traffic', gateway.listeners.map(({ protocol, address }) => `${protocol}://${address}`).join(', ')],
    ['admin', addresses.admin === null ? 'off' : `http://${addresses.admin}`],
    ...addresses.apis.map(({ dialect, address }): [string, string] => [dialect, `http://${address}`]),
    ['admin key', keys === null ? '-' : (keys.file ?? 'as given')],
    ['status', addresses.status === null ? 'off' : `http://${addresses.status}`],
    ['store', status.store.readOnly === null ? status.store.name : `${status.store.name} (read-only)`],
    [
      'documents',
      `${status.documents.length}${rejected > 0 ? `, ${rejected} of them set aside (see the log)` : ''}, revision ${status.revision}`,
    ],
    ['workers', `${status.workers.length}`],
    ['connections', `${settings.limits.maxConnections} at most`],
  ]
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`)
  return `headgate ${VERSION} is ready\n${lines.join('\n')}\n`
}
