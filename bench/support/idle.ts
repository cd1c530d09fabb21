import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DRIVING, type Program, spawnPinned, stopChild } from './program.ts'

const SCRIPT = resolve(fileURLToPath(import.meta.url), '../../peers/idle-clients.ts')

export interface IdleClients extends Program {
  /** How many of them the other side has closed by now. */
  lost(): number
}

/** Whether the one request is a plain one, or opens a WebSocket. */
export type IdleKind = 'http' | 'websocket'

/** Connections that have sent one request and are then silent, held by a process of their own. Resolves when all have had their answer. */
export async function startIdleClients(
  port: number,
  count: number,
  kind: IdleKind = 'http',
): Promise<IdleClients> {
  const child = spawnPinned(DRIVING, [process.execPath, SCRIPT, String(port), String(count), kind], {
    stdout: 'pipe',
  })
  let lost = 0
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-2000)
  })
  await new Promise<void>((done, fail) => {
    child.once('exit', () => fail(new Error(`the process that holds idle connections ended: ${errors}`)))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        if (line.startsWith('lost ')) lost = Number(line.slice(5))
        if (line === 'ready') done()
        else fail(new Error(`${lost} of ${count} idle connections could not be opened`))
      }
    })
  })
  return { pid: child.pid as number, lost: () => lost, stop: () => stopChild(child) }
}
