import { VERSION } from '../../gateway/version.ts'
import type { Settings } from '../../model/settings.ts'
import { CliError } from '../cli-error.ts'
import { AdminClient, type ClientFlags, RefusedError } from '../client.ts'
import { type Check, fail, ok, warn } from './check.ts'
import type { PortHolder } from './judge-files.ts'
import { type GatewayFacts, judgeGateway, type StatusFacts } from './judge-gateway.ts'
import { sumMetrics } from './sum-metrics.ts'

export interface AskedGateway {
  readonly checks: readonly Check[]
  /** Who stands on the ports of the settings, as far as the answer tells. */
  readonly holder: PortHolder
  /** `host:port` that was asked; '' for none. */
  readonly host: string
}

/** A gateway that says nothing for so long is not well. */
const ANSWER_TIMEOUT_MS = 5_000

/**
 * Asks the gateway of `--server`, else the one that the settings describe, and judges what it tells. Rejects with BAD_SETTING for flags that
 * make no sense; whatever else goes wrong is a check.
 */
export async function askGateway(
  flags: ClientFlags,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
): Promise<AskedGateway> {
  const named = flags.server ?? environment.HEADGATE_SERVER
  if (named === undefined && settings.admin.listen === null) {
    return {
      checks: [ok('gateway', 'its Admin API is off, so it was not asked')],
      holder: 'unknown',
      host: '',
    }
  }
  const server = named ?? `http://${settings.admin.listen}`
  const client = new AdminClient({ ...flags, server }, environment, ANSWER_TIMEOUT_MS)
  const { host } = new URL(client.server)
  try {
    return { checks: judgeGateway(await readGateway(client)), holder: 'gateway', host }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const holder = error instanceof RefusedError ? 'unsure' : 'unknown'
    return { checks: [judgeSilence(client.server, error, named !== undefined)], holder, host }
  }
}

async function readGateway(client: AdminClient): Promise<GatewayFacts> {
  const answer = await client.call('GET', '/headgate/v1/status')
  const nowMs = Date.now()
  const { date } = answer.headers
  const serverNowMs = typeof date === 'string' ? Date.parse(date) : Number.NaN
  return {
    server: client.server,
    ownVersion: VERSION,
    nowMs,
    serverNowMs: Number.isNaN(serverNowMs) ? null : serverNowMs,
    status: readStatus(answer.body, client.server),
    ...(await readMetrics(client)),
  }
}

/** Throws CliError where the answer is not the one that this version knows. */
function readStatus(body: string, server: string): StatusFacts {
  try {
    const status = JSON.parse(body) as StatusFacts
    if (Array.isArray(status.workers) && Array.isArray(status.documents.items)) return status
  } catch {
    // told below
  }
  throw new CliError(`${server} answers, but not as the Admin API of Headgate does`)
}

/** Without them the rest is told all the same. */
async function readMetrics(client: AdminClient): Promise<Pick<GatewayFacts, 'metrics' | 'metricsFault'>> {
  try {
    const { body } = await client.call('GET', '/metrics')
    return { metrics: sumMetrics(body), metricsFault: null }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return { metrics: new Map(), metricsFault: error.message }
  }
}

/** Why the gateway could not be asked. Without --server it need not run. */
function judgeSilence(server: string, error: CliError, isExpected: boolean): Check {
  const name = 'gateway'
  if (error instanceof RefusedError) {
    const isKey = error.httpStatus === 401
    const advice = isKey ? 'give its key: --admin-key-file FILE' : 'look at the log of the gateway'
    return fail(name, error.message, advice)
  }
  if (isExpected) return fail(name, error.message, 'start it, or correct --server')
  return warn(name, `none answers at ${server}`, 'start it, or give --server, to have it checked as well')
}
