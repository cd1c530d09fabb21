import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quantile } from '../report/statistics.ts'
import { DRIVING, runPinned } from './program.ts'

/** What a load generator is asked to do. */
export interface LoadOptions {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** `name: value` each. */
  readonly headers?: readonly string[]
  /** A file that is sent as the body, by POST. h2load only. */
  readonly body?: string
}

export interface Load {
  /** Good answers only (2xx). */
  readonly requests: number
  readonly seconds: number
  /** Answers that were not 2xx, and connections that failed, were cut or timed out. */
  readonly errors: number
  /** Milliseconds; NaN where the generator was not asked. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** wrk: as many requests as the connections carry, one after the other. Whole seconds, at least one. */
export async function runWrk(options: LoadOptions): Promise<Load> {
  const seconds = Math.max(1, Math.round(options.seconds))
  const flags = ['-t1', `-c${options.connections}`, `-d${seconds}s`, '--latency', ...headerFlags(options)]
  return readWrk(await runPinned(DRIVING, ['wrk', ...flags, options.url]))
}

/** What wrk printed. Throws when there is nothing to read. */
export function readWrk(text: string): Load {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(text)
  if (total === null) throw new Error(`wrk printed nothing to read: ${text}`)
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0)
  return {
    requests: Number(total[1]) - bad,
    seconds: toMs(total[2], total[3]) / 1000,
    errors: bad + sum(sockets?.slice(1) ?? []),
    p50Ms: timeOf(/50%\s+([\d.]+)(us|ms|s|m)/, text),
    p99Ms: timeOf(/99%\s+([\d.]+)(us|ms|s|m)/, text),
    maxMs: Number.NaN,
  }
}

/** What h2load is asked beside that. */
export interface H2loadOptions extends LoadOptions {
  /** Requests a second on each connection; null: as many as go through. */
  readonly ratePerConnection: number | null
  /** Streams of HTTP/2 that a connection has open at most. Default: HTTP/1.1. */
  readonly streams?: number
  readonly logFile?: string
}

/**
 * h2load with so many requests per second on each connection: both sides of a comparison do the same work. With `logFile` it also writes
 * every request's time there, and the quantiles are those of the log. Over TLS it takes the one suite that the others would agree on.
 */
export async function runH2load(options: H2loadOptions): Promise<Load> {
  const protocol = options.streams === undefined ? ['--h1'] : [`-m${options.streams}`]
  const command = [
    'h2load',
    ...protocol,
    `-c${options.connections}`,
    '--tls13-ciphers=TLS_AES_256_GCM_SHA384',
  ]
  if (options.ratePerConnection !== null) command.push('--rps', String(options.ratePerConnection))
  if (options.body !== undefined) command.push('-d', options.body)
  command.push('-D', `${Math.round(options.seconds * 1000)}ms`, ...headerFlags(options))
  if (options.logFile !== undefined) command.push(`--log-file=${options.logFile}`)
  const load = readH2load(await runPinned(DRIVING, [...command, options.url]), options.seconds)
  return options.logFile === undefined
    ? load
    : { ...load, ...readLog(readFileSync(options.logFile, 'latin1')) }
}

/** What h2load printed after a run of so many seconds. Throws when there is nothing to read. */
export function readH2load(text: string, seconds: number): Load {
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text)
  const failed = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(text)
  if (codes === null || failed === null) throw new Error(`h2load printed nothing to read: ${text}`)
  return {
    requests: Number(codes[1]),
    seconds,
    // a failed request is an errored or a timed out one as well
    errors: sum(codes.slice(2)) + Math.max(Number(failed[1]), sum(failed.slice(2))),
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    maxMs: timeOf(/time for request:\s+\S+\s+([\d.]+)(us|ms|s|m)/, text),
  }
}

/** Quantiles of h2load's log: start, status and duration of each request in microseconds, between tabs. */
export function readLog(text: string): { p50Ms: number; p99Ms: number; maxMs: number } {
  const times: number[] = []
  for (const line of text.split('\n')) {
    const micros = Number(line.split('\t')[2])
    if (line !== '' && !Number.isNaN(micros)) times.push(micros / 1000)
  }
  times.sort((a, b) => a - b)
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), maxMs: quantile(times, 1) }
}

/** Handshakes of TLS 1.3 without resumption, from so many processes of openssl at once, in whole seconds. */
export async function runHandshakes(port: number, processes: number, seconds: number): Promise<Load> {
  const whole = Math.max(1, Math.round(seconds))
  const command = ['openssl', 's_time', '-connect', `127.0.0.1:${port}`, '-new', '-time', String(whole)]
  const texts = await Promise.all(Array.from({ length: processes }, () => runPinned(DRIVING, command)))
  return {
    ...NO_TIMES,
    requests: sum(texts.map((text) => String(readHandshakes(text)))),
    seconds: whole,
    errors: 0,
  }
}

/** How many connections `openssl s_time` says it made. Throws when there is nothing to read. */
export function readHandshakes(text: string): number {
  const made = /(\d+) connections in \d+ real seconds/.exec(text)
  if (made === null) throw new Error(`openssl printed nothing to read: ${text}`)
  return Number(made[1])
}

const STREAM_LOAD = resolve(fileURLToPath(import.meta.url), '../../peers/stream-load.ts')

/** What bench/peers/stream-load.ts drives; `requests` are messages, bytes or connections. */
export async function runStreamLoad(
  kind: 'websocket' | 'bytes' | 'connections',
  port: number,
  connections: number,
  seconds: number,
): Promise<Load> {
  const flags = [kind, String(port), String(connections), String(seconds)]
  const text = await runPinned(DRIVING, [process.execPath, STREAM_LOAD, ...flags])
  const {
    count,
    seconds: spent,
    errors,
  } = JSON.parse(text) as { count: number; seconds: number; errors: number }
  return { ...NO_TIMES, requests: count, seconds: spent, errors }
}

const NO_TIMES = { p50Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN }

function headerFlags(options: LoadOptions): string[] {
  return (options.headers ?? []).flatMap((header) => ['-H', header])
}

function sum(texts: readonly string[]): number {
  return texts.reduce((total, each) => total + Number(each), 0)
}

function timeOf(pattern: RegExp, text: string): number {
  const match = pattern.exec(text)
  return match === null ? Number.NaN : toMs(match[1], match[2])
}

function toMs(number: string | undefined, unit: string | undefined): number {
  const factor = { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit ?? ''] ?? Number.NaN
  return Number(number) * factor
}
