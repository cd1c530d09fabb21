import { readFileSync } from 'node:fs'
import { LinkRefused } from '../dataplane/control-plane-link.ts'
import { type DataplaneOptions, startDataplane } from '../dataplane/dataplane.ts'
import {
  fillVariables,
  readDataplaneFile,
  readVariables,
  type WrittenDataplane,
} from '../dataplane/read-dataplane.ts'
import { VERSION } from '../gateway/version.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { Settings } from '../model/settings.ts'
import { type AppLog, createAppLog } from '../observe/app-log.ts'
import { yaml } from '../store/files/yaml.ts'
import { CliError } from './cli-error.ts'
import { readTime } from './read-time.ts'

export interface DataplaneFlags {
  readonly cpAddress?: string
  readonly caCertFile?: string
  readonly dataplaneFile?: readonly string[]
  readonly dataplane?: string
  readonly dataplaneVar?: readonly string[]
  readonly name?: string
  readonly mesh?: string
  readonly dataplaneTokenFile?: string
  readonly dataplaneToken?: string
  readonly adminPort?: string
  readonly drainTime?: string
  readonly logLevel?: Settings['logLevel']
}

const DEFAULT_ADMIN_PORT = 9901
const DRAIN_MS = 30_000
const CUT_SHORT = 3

/** `headgate dataplane`: runs until a signal ends it. Resolves with the exit status. Throws GatewayError or CliError where it cannot start. */
export async function runDataplane(flags: DataplaneFlags): Promise<number> {
  const log = createAppLog({ level: flags.logLevel ?? 'info' })
  const options = readOptions(flags, log)
  const ended = Promise.withResolvers<number>()
  const stop = { now: null as (() => void) | null }
  // a signal that comes before there is anything to drain ends the process at once
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => (stop.now === null ? process.exit(0) : stop.now()))
  const dataplane = await startDataplane(options).catch((error: unknown) => {
    if (error instanceof LinkRefused) throw new CliError(error.message)
    throw error
  })
  process.on('uncaughtException', (error) => dataplane.fail(error))
  process.on('unhandledRejection', (error) => dataplane.fail(error))
  const end = (code: number | null): void => {
    dataplane.close().then(
      (own) => ended.resolve(code ?? own),
      (error: unknown) => {
        log.error({ error: String(error) }, 'stopping failed')
        ended.resolve(1)
      },
    )
  }
  void dataplane.failed.then(() => end(1))
  stop.now = () => {
    stop.now = () => process.exit(CUT_SHORT)
    log.info({ timeoutMs: options.drainMs }, 'stopping: what is under way ends')
    end(null)
  }
  const names = options.proxies.map(({ mesh, name }) => `${mesh}/${name}`).join(', ')
  const admin = dataplane.admin === null ? 'off' : `http://${dataplane.admin}/ready`
  process.stdout.write(`headgate ${VERSION} dataplane ${names} is ready\n  admin       ${admin}\n`)
  const code = await ended.promise
  log.info({ code }, code === 0 ? 'stopped' : 'stopped; something was cut')
  // the data plane has no other end than that of its thread, which is this one
  process.exit(code)
}

function readOptions(flags: DataplaneFlags, log: AppLog): DataplaneOptions {
  const written = readDataplanes(flags)
  const [first] = written
  return {
    controlPlane: readAddress(flags.cpAddress),
    ca: flags.caCertFile === undefined ? null : readText('--ca-cert-file', flags.caCertFile),
    token: tokenReader(flags),
    proxies:
      first === undefined
        ? [{ mesh: flags.mesh ?? 'default', name: flags.name ?? '', dataplane: null }]
        : written.map(({ mesh, name, value }) => ({ mesh, name, dataplane: value })),
    admin: readAdmin(flags.adminPort, first?.adminPort ?? DEFAULT_ADMIN_PORT),
    drainMs: flags.drainTime === undefined ? DRAIN_MS : readTime('--drain-time', flags.drainTime),
    logLevel: flags.logLevel ?? 'info',
    log: (level, fields, message) => log.log(level, fields, message),
  }
}

function readDataplanes(flags: DataplaneFlags): readonly WrittenDataplane[] {
  const files = flags.dataplaneFile ?? []
  const texts: (readonly [place: string, text: string])[] = files.map((file) => [
    file,
    readText('--dataplane-file', file === '-' ? '/dev/stdin' : file),
  ])
  if (flags.dataplane !== undefined) texts.push(['--dataplane', flags.dataplane])
  if (texts.length > 0 && flags.name !== undefined)
    throw new GatewayError(
      'BAD_SETTING',
      '--name is for a Dataplane that the control plane has; with a file the name stands in it',
    )
  if (texts.length === 0 && flags.name === undefined)
    throw new GatewayError(
      'BAD_SETTING',
      'which proxy? Give --dataplane-file, or --name of a Dataplane that the control plane has',
    )
  const variables = readVariables(flags.dataplaneVar ?? [])
  const written = texts.map(([place, text]) => {
    const document = yaml().parseDocument(fillVariables(text, variables, place), { uniqueKeys: true })
    const fault = document.errors[0]
    if (fault !== undefined)
      throw new GatewayError('BAD_SETTING', `${place}: ${fault.message.split('\n')[0]}`)
    const one = readDataplaneFile(document.toJS({ maxAliasCount: 100 }), place)
    if (flags.mesh !== undefined && flags.mesh !== one.mesh)
      throw new GatewayError('BAD_SETTING', `${place}: its mesh is ${one.mesh}, not ${flags.mesh} (--mesh)`)
    return one
  })
  const seen = new Set<string>()
  for (const { mesh, name } of written) {
    if (seen.has(`${mesh}/${name}`))
      throw new GatewayError(
        'BAD_SETTING',
        `${mesh}/${name} is given twice: each proxy of a process has its own name`,
      )
    seen.add(`${mesh}/${name}`)
  }
  return written
}

function readAddress(text: string | undefined): URL {
  if (text === undefined)
    throw new GatewayError(
      'BAD_SETTING',
      'where is the control plane? Give --cp-address http://host:5681, or KUMA_CONTROL_PLANE_URL',
    )
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new GatewayError(
      'BAD_SETTING',
      `--cp-address ${text}: an http or https URL is expected, such as http://127.0.0.1:5681`,
    )
  if (url.username !== '' || url.password !== '')
    throw new GatewayError(
      'BAD_SETTING',
      '--cp-address: a user or password in it would not be sent; a proxy says who it is by --dataplane-token-file',
    )
  // it would be dropped
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new GatewayError(
      'BAD_SETTING',
      `--cp-address ${text}: only a host and a port are expected, no path and no query: ${url.origin}`,
    )
  return url
}

function tokenReader({ dataplaneToken, dataplaneTokenFile }: DataplaneFlags): () => string | null {
  if (dataplaneToken !== undefined && dataplaneTokenFile !== undefined)
    throw new GatewayError('BAD_SETTING', 'give --dataplane-token or --dataplane-token-file, not both')
  if (dataplaneTokenFile === undefined) return () => dataplaneToken?.trim() ?? null
  const read = (): string => readText('--dataplane-token-file', dataplaneTokenFile).trim()
  read() // one that is not there is told at once
  return read
}

function readAdmin(text: string | undefined, otherwise: number): string | null {
  if (text === 'off') return null
  if (text !== undefined && (!/^\d{1,5}$/.test(text) || Number(text) > 65_535))
    throw new GatewayError('BAD_SETTING', `--admin-port ${text}: a port from 0 to 65535 is expected, or off`)
  return `127.0.0.1:${text ?? otherwise}`
}

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new GatewayError('BAD_SETTING', `${flag} ${file}: cannot be read (${code ?? String(error)})`)
  }
}
