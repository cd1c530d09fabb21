import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { callHttp, type HttpAnswer, ROOT } from './gateway.ts'
import { waitFor } from './tools.ts'

export interface DataplaneProcess {
  readonly pid: number
  readonly child: ChildProcess
  /** What it wrote so far. */
  stderr(): string
  ready(): Promise<HttpAnswer>
  /** Sends a signal (SIGTERM) and gives the exit code; null if the signal itself ended it. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts `headgate dataplane` as users do, with a file for each document, and waits until it is ready. Rejects with what it wrote if it ends. */
export async function startDataplane(
  controlPlane: number,
  documents: readonly object[],
  flags: readonly string[] = [],
): Promise<DataplaneProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-dataplane-'))
  const files = documents.map((document, i) => {
    const file = join(folder, `${i}.yaml`)
    writeFileSync(file, JSON.stringify(document)) // JSON is YAML
    return file
  })
  const args = ['--cp-address', `http://127.0.0.1:${controlPlane}`, '--admin-port', '0']
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:HEADGATE|NODE|KUMA)_/.test(name)),
  )
  const child = spawn(
    process.execPath,
    [
      resolve(ROOT, 'bin/headgate.js'),
      'dataplane',
      ...args,
      ...files.flatMap((file) => ['--dataplane-file', file]),
      ...flags,
    ],
    { cwd: ROOT, env: clean, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<number | null>((resolveEnd) => {
    child.once('close', (code) => {
      process.off('exit', onExit)
      rmSync(folder, { recursive: true, force: true })
      resolveEnd(code)
    })
  })
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  const readyPort = await waitFor(
    'the proxy to be ready',
    () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended with ${child.exitCode ?? child.signalCode}: ${stderr}`)
      const port = /is ready\n\s+admin\s+http:\/\/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]
      return port === undefined ? undefined : Number(port)
    },
    60_000,
  ).catch(async (error: unknown) => {
    await stop('SIGKILL')
    throw error
  })
  return {
    pid: child.pid as number,
    child,
    stderr: () => stderr,
    ready: () => callHttp({ port: readyPort, method: 'GET', path: '/ready' }),
    stop,
  }
}
