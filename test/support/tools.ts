import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
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

/** Ports on 127.0.0.1 that were free a moment ago. Whoever binds them can still lose a race, and should then try others. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, '127.0.0.1', resolve)
      })
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
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
