import { join } from 'node:path'
import { fitToMachine } from '../gateway/limits.ts'
import { resolveSettings, type SettingFlags } from '../gateway/settings.ts'
import type { Settings } from '../model/settings.ts'
import type { ClientFlags } from './client.ts'
import { type AskedGateway, askGateway } from './doctor/ask-gateway.ts'
import { type Check, fail, type Level, ok } from './doctor/check.ts'
import { judgeDirectory, judgeDisk, judgeKeyFile, judgePort } from './doctor/judge-files.ts'
import { judgeMachine, needsOf } from './doctor/judge-machine.ts'
import { readDiskFacts, readFileFacts, readMachineFacts, readPortFacts } from './doctor/machine-facts.ts'
import { type CliIo, paint, printable, processIo, type Style } from './output.ts'

export interface DoctorOptions
  extends ClientFlags,
    Pick<SettingFlags, 'settings' | 'config' | 'store' | 'listen' | 'workers'> {
  readonly output: 'text' | 'json'
  /** Only what is not ok. */
  readonly quiet?: boolean
}

/** `headgate doctor`. Resolves to the exit status: 0 without fails (warnings are allowed), else 1. Changes nothing. */
export async function runDoctor(options: DoctorOptions, io: CliIo = processIo()): Promise<number> {
  const { settings: file, config, store, listen, workers } = options
  const settings = fitToMachine(
    resolveSettings({ settings: file, config, store, listen, workers }, io.environment),
  )
  const machine = await readMachineFacts()
  const gateway = await askGateway(options, settings, io.environment)
  const checks = [
    ...judgeMachine(machine, needsOf(settings)),
    ...(await judgePorts(settings, gateway)),
    ...judgeFiles(settings, machine.user),
    ...gateway.checks,
  ]
  const shown = options.quiet === true ? checks.filter(({ level }) => level !== 'ok') : checks
  io.write(options.output === 'json' ? toJson(checks, shown) : toText(checks, shown, io))
  return checks.some(({ level }) => level === 'fail') ? 1 : 0
}

async function judgePorts({ listen, admin, status }: Settings, gateway: AskedGateway): Promise<Check[]> {
  const places = [
    ...listen.map((address) => ['traffic', address] as const),
    ...(admin.listen === null ? [] : [['admin', admin.listen] as const]),
    ...(status === null ? [] : [['status', status] as const]),
  ]
  const holder = isSameMachine(gateway.host) ? gateway.holder : 'unknown'
  return Promise.all(
    places.map(async ([what, address]) => judgePort(what, address, await readPortFacts(address), holder)),
  )
}

function isSameMachine(host: string): boolean {
  return /^(?:127\.|localhost(?::|$)|\[::1\])/.test(host)
}

function judgeFiles({ store, config }: Settings, user: number | null): Check[] {
  if (config !== null) {
    const found = readFileFacts(config)
    if (found.kind === 'file' || found.kind === 'directory')
      return [ok('config', `${config}: headgate validate -f looks inside`)]
    return [fail('config', `${config} cannot be read`, 'correct --config, or let the user of the gateway in')]
  }
  if (store === 'memory') return [ok('data-directory', 'none: documents go with the process')]
  const key = join(store, 'admin.key')
  return [
    judgeDirectory(store, readFileFacts(store), user),
    judgeKeyFile(key, readFileFacts(key), user),
    judgeDisk(store, readDiskFacts(store)),
  ]
}

const STYLES: Readonly<Record<Level, Style>> = { ok: 'green', warn: 'yellow', fail: 'red' }

function toText(checks: readonly Check[], shown: readonly Check[], io: CliIo): string {
  const width = Math.max(0, ...shown.map(({ name }) => name.length))
  const lines = shown.map(({ name, level, value, advice }) => {
    const told = advice === null ? '' : paint(io, 'dim', `  → ${printable(advice)}`)
    return `${paint(io, STYLES[level], level.padEnd(4))}  ${name.padEnd(width)}  ${printable(value)}${told}`
  })
  const { ok: good, warn: warnings, fail: fails } = countLevels(checks)
  return `${[...lines, `${good} ok, ${warnings} warn, ${fails} fail`].join('\n')}\n`
}

function toJson(checks: readonly Check[], shown: readonly Check[]): string {
  return `${JSON.stringify({ ...countLevels(checks), checks: shown }, null, 2)}\n`
}

function countLevels(checks: readonly Check[]): Record<Level, number> {
  const counts = { ok: 0, warn: 0, fail: 0 }
  for (const { level } of checks) counts[level]++
  return counts
}
