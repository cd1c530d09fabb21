import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { delimiter, join } from 'node:path'

/** Path of a program on this machine, or null. Looks in the system folders too, which a plain user's PATH may leave out. */
export function findTool(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    if (folder === '') continue
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not in this folder
    }
  }
  return null
}

/**
 * For `test(title, { skip: skipWithout('nginx') }, …)`: false if the tool is there, else the reason. Where HEADGATE_REQUIRE_TOOLS is set
 * (CI installs them all) a missing tool throws, so that no test vanishes unseen.
 */
export function skipWithout(...names: string[]): string | false {
  const missing = names.filter((name) => findTool(name) === null)
  if (missing.length === 0) return false
  const reason = `needs ${missing.join(', ')}, which .ci/run installs`
  if (process.env.HEADGATE_REQUIRE_TOOLS === '1') throw new Error(reason)
  return reason
}

/**
 * Where `findFreePorts` takes ports: below those that systems give to connections and to listeners on port 0 (from 32 768 on Linux), so that nobody takes one
 * in the time between. Each process has a slice for itself.
 */
const FIRST_PORT = 12_288
const SLICE = 256
const SLICES = 80

let slice: Promise<{ readonly first: number; next: number }> | undefined

/** Takes a slice that no living process has: its first port is listened on until this process ends. */
async function takeSlice(): Promise<{ readonly first: number; next: number }> {
  const start = process.pid % SLICES
  for (let i = 0; i < SLICES; i++) {
    const first = FIRST_PORT + ((start + i) % SLICES) * SLICE
    const guard = await listenOn(first)
    if (guard === null) continue
    guard.unref()
    return { first, next: 1 }
  }
  throw new Error(`all ports from ${FIRST_PORT} to ${FIRST_PORT + SLICES * SLICE - 1} are taken by tests`)
}

/** A server on that port of 127.0.0.1, null if somebody has it. */
function listenOn(port: number): Promise<Server | null> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/**
 * Ports on 127.0.0.1 that nobody listens on, and that no other process of tests is given while this one lives. One is given again only after 255 others.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  slice ??= takeSlice()
  const mine = await slice
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries >= SLICE)
      throw new Error(`no ${count} free ports from ${mine.first} to ${mine.first + SLICE - 1}`)
    const port = mine.first + mine.next
    mine.next = (mine.next % (SLICE - 1)) + 1
    const server = await listenOn(port)
    if (server === null) continue
    await new Promise((resolve) => server.close(resolve))
    ports.push(port)
  }
  return ports
}

/** Calls `probe` until it gives something other than undefined. Rejects after `timeoutMs` (default 20 000) with `what` in the message. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 20_000,
): Promise<T> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Runs a program to its end; rejects only if it cannot be started. Output as text. */
export function runTool(
  file: string,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe', cwd: options.cwd, env: options.env ?? process.env })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    // A program that ends without reading its input is its own business.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
