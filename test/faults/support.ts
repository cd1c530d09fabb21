import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayProcess } from '../support/gateway.ts'
import { connectRaw, type RawAnswer, type RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

export const MIB = 1_048_576

/** Sum over all series of a metric; NaN if it is not there. */
export async function readGauge(gateway: GatewayProcess, name: string): Promise<number> {
  const { text } = await gateway.status('/metrics')
  let sum = Number.NaN
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:]+)(?:\{.*\})? (\S+)$/.exec(line)
    if (match?.[1] === name) sum = (Number.isNaN(sum) ? 0 : sum) + Number(match[2])
  }
  return sum
}

/** Resident memory of a process, bytes. */
export function readRss(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) * 1024
}

/** Open descriptors of a process. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Waits until nothing is under way: no client connection, no request, no request at an endpoint. */
export async function waitForRest(gateway: GatewayProcess, timeoutMs = 30_000): Promise<void> {
  const names = ['headgate_connections', 'headgate_requests_in_flight', 'headgate_upstream_node_in_flight']
  let state = ''
  try {
    await waitFor(
      'rest',
      async () => {
        const values = await Promise.all(names.map((name) => readGauge(gateway, name)))
        state = names.map((name, i) => `${name} ${values[i]}`).join(', ')
        return values.every((value) => value === 0 || Number.isNaN(value)) ? true : undefined
      },
      timeoutMs,
    )
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${state}`, { cause: error })
  }
}

/** Waits until a number stays the same for so long, and gives it. */
export async function waitForStill(
  what: string,
  read: () => Promise<number> | number,
  forMs: number,
): Promise<number> {
  let last = await read()
  let since = performance.now()
  return waitFor(`${what} to stand still`, async () => {
    const now = await read()
    if (now !== last) since = performance.now()
    last = now
    return performance.now() - since >= forMs ? now : undefined
  })
}

/** Bytes that the system holds for the connections to a port of this machine: sent and not taken by the other side, or received and not read. */
export function readQueues(port: number): number {
  let sum = 0
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local, remote, , queues] = line.trim().split(/\s+/)
    if (local === undefined || remote === undefined || queues === undefined) continue
    if (![local, remote].some((address) => Number.parseInt(address.slice(-4), 16) === port)) continue
    const [sent = '', received = ''] = queues.split(':')
    sum += Number.parseInt(sent, 16) + Number.parseInt(received, 16)
  }
  return sum
}

/** The value below which `share` of the numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export interface LoadReport {
  /** Requests that were answered or failed. */
  total: number
  /** No complete answer, or another status than 200. */
  failed: number
  /** The first few failures in words. */
  readonly reasons: string[]
  /** Milliseconds from the last byte written to the whole answer. */
  readonly latencies: number[]
}

/** What one client of a load asks next: the bytes of a request, and what they are called in reports. */
export type NextRequest = (client: number, turn: number) => { readonly bytes: string; readonly name: string }

export interface Load {
  readonly report: LoadReport
  /** Lets the requests under way end and closes the connections. */
  stop(): Promise<LoadReport>
}

/**
 * Kept-alive clients that ask one thing after the other until they are stopped. A client whose connection ends behind an answer that said so
 * connects anew; an end at any other time is a failed request. `pauseMs`: the longest time between two requests of a client.
 */
export function startLoad(
  port: number,
  clients: number,
  options: {
    readonly next?: NextRequest
    readonly pauseMs?: number
    readonly isExpected?: (name: string, answer: RawAnswer | Error) => boolean
  } = {},
): Load {
  const report: LoadReport = { total: 0, failed: 0, reasons: [], latencies: [] }
  const next: NextRequest =
    options.next ?? (() => ({ bytes: 'GET /load HTTP/1.1\r\nHost: load\r\n\r\n', name: 'GET' }))
  const isExpected =
    options.isExpected ?? ((_name, answer) => !(answer instanceof Error) && answer.status === 200)
  let isStopped = false
  const run = async (number: number): Promise<void> => {
    let client: RawClient | null = null
    for (let turn = 0; !isStopped; turn++) {
      const { bytes, name } = next(number, turn)
      let outcome: RawAnswer | Error
      try {
        client ??= await connectRaw(port)
        const start = performance.now()
        outcome = await client.exchange(bytes, { timeoutMs: 20_000 })
        report.latencies.push(performance.now() - start)
      } catch (error) {
        outcome = error as Error
      }
      report.total++
      if (!isExpected(name, outcome)) {
        report.failed++
        if (report.reasons.length < 5) {
          report.reasons.push(
            `${name}: ${outcome instanceof Error ? outcome.message.slice(0, 200) : `${outcome.statusLine} ${outcome.field('x-headgate-error')}`}`,
          )
        }
      }
      if (outcome instanceof Error || outcome.field('connection') === 'close') {
        client?.close()
        client = null
      }
      if (options.pauseMs !== undefined) {
        const ms = Math.random() * options.pauseMs
        await new Promise((resolve) => setTimeout(resolve, ms))
      }
    }
    client?.close()
  }
  const all = Promise.all(Array.from({ length: clients }, (_, i) => run(i)))
  return {
    report,
    stop: async () => {
      isStopped = true
      await all
      return report
    },
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A settings file in a folder of its own. */
export function writeSettings(settings: object): { readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-settings-'))
  const file = join(folder, 'settings.json')
  writeFileSync(file, JSON.stringify(settings))
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
