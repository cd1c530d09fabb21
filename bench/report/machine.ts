import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** On what a report was made. */
export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly memoryGiB: number
  readonly system: string
  /** Name and version of each program that was there. */
  readonly versions: readonly (readonly [name: string, version: string])[]
  /** Commit of the checkout; `, with changes` where files differ from it. `unknown` without git. */
  readonly commit: string
}

const ASKED: readonly (readonly [
  name: string,
  command: string,
  flags: readonly string[],
  pattern: RegExp,
])[] = [
  ['nginx', 'nginx', ['-v'], /nginx\/([\w.]+)/],
  ['HAProxy', 'haproxy', ['-v'], /version ([\w.+~-]+)/],
  ['wrk', 'wrk', ['-v'], /wrk (\S+)/],
  ['h2load', 'h2load', ['--version'], /nghttp2\/(\S+)/],
  ['nghttpx', 'nghttpx', ['--version'], /nghttp2\/(\S+)/],
  ['OpenSSL', 'openssl', ['version'], /OpenSSL (\S+)/],
]

export async function describeMachine(root: string): Promise<Machine> {
  const versions: (readonly [string, string])[] = [['Node', process.version]]
  for (const [name, command, flags, pattern] of ASKED)
    versions.push([name, await ask(command, flags, pattern)])
  const require = createRequire(import.meta.url)
  for (const name of ['http-proxy', '@fastify/http-proxy'])
    versions.push([name, (require(`${name}/package.json`) as { version: string }).version])
  return {
    processor: cpus()[0]?.model ?? 'unknown processor',
    processors: cpus().length,
    memoryGiB: totalmem() / 2 ** 30,
    system: `Linux ${release()}${systemName()}`,
    versions,
    commit: await commitOf(root),
  }
}

async function ask(command: string, flags: readonly string[], pattern: RegExp): Promise<string> {
  // some print their version and then fail, some on the other stream
  const { stdout, stderr } = await run(command, flags).catch(
    (error: { stdout?: string; stderr?: string }) => error,
  )
  return pattern.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[1] ?? 'not there'
}

function systemName(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
    return name === undefined ? '' : `, ${name}`
  } catch {
    // a system without this file has no name to show
    return ''
  }
}

async function commitOf(root: string): Promise<string> {
  try {
    const { stdout: commit } = await run('git', ['-C', root, 'rev-parse', '--short=12', 'HEAD'])
    const { stdout: changes } = await run('git', ['-C', root, 'status', '--porcelain', '--', 'src', 'bin'])
    return `${commit.trim()}${changes.trim() === '' ? '' : ', with changes'}`
  } catch {
    return 'unknown'
  }
}
