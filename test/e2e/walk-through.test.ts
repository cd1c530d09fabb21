import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/gateway.ts'
import { findFreePorts, skipWithout } from '../support/tools.ts'

const PAGE = 'docs/walk-through.md'
/** Ports that the page names; the test puts free ones in their place. */
const PORTS = ['9080', '9180', '9091', '1980', '1981'] as const
/** Begins the line that the test puts out before each block. */
const MARK = '@@@ block '

interface Block {
  /** Of the page, from 1 on. */
  readonly line: number
  readonly commands: string
  /** What the page says is printed; null: it does not say. */
  readonly expected: string | null
}

/** Every `sh` block of the page, with the `text` block right behind it. */
function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = []
  for (const match of page.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm)) {
    const line = page.slice(0, match.index).split('\n').length
    blocks.push({ line, commands: match[1] as string, expected: match[2] ?? null })
  }
  return blocks
}

/**
 * Whether printed lines are those that are expected. `…` stands for any text in a line; alone on a line, for any lines. Blanks at ends of
 * lines do not count.
 */
function fits(expected: string, printed: string): boolean {
  const pattern = expected
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (line.trim() === '…') return '(?:.*\\n)*?'
      return `${line
        .trimEnd()
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ {2,}/g, ' {2,}'))
        .join('.*')} *\\n`
    })
    .join('')
  return new RegExp(`^${pattern}$`).test(`${printed.trimEnd()}\n`)
}

/** Runs all blocks in one bash, as somebody would who pastes them one after the other; gives what each printed. */
async function runBlocks(
  blocks: readonly Block[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly printed: readonly string[] }> {
  const script = blocks.map(({ commands }, i) => `echo '${MARK}${i}'\n${commands}`).join('')
  // like a shell that somebody sits at: no end at an error, but the test wants to know of it
  writeFileSync(
    join(folder, 'walk.sh'),
    `set -eE -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`,
  )
  const shell = spawn('bash', ['--norc', join(folder, 'walk.sh')], {
    cwd: join(folder, 'here'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  const take = (text: string): void => {
    out += text
  }
  shell.stdout.setEncoding('utf8').on('data', take)
  shell.stderr.setEncoding('utf8').on('data', take)
  const code = await new Promise<number | null>((done) => shell.once('close', done))
  const printed = out.split(new RegExp(`^${MARK}\\d+\\n`, 'm')).slice(1)
  return { code, printed }
}

test(`what ${PAGE} tells to type works, and prints what it says`, {
  timeout: 180_000,
  skip: skipWithout('bash', 'curl'),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-walk-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'here'))
  symlinkSync(process.execPath, join(folder, 'bin', 'node'))
  writeFileSync(
    join(folder, 'bin', 'headgate'),
    `#!/bin/sh\nexec ${process.execPath} ${resolve(ROOT, 'bin/headgate.js')} "$@"\n`,
  )
  chmodSync(join(folder, 'bin', 'headgate'), 0o755)

  const free = await findFreePorts(PORTS.length)
  const portOf = new Map<string, string>(PORTS.map((port, i) => [port, String(free[i])]))
  const page = readFileSync(resolve(ROOT, PAGE), 'utf8').replace(
    /\b(?:9080|9180|9091|1980|1981)\b/g,
    (port) => portOf.get(port) ?? port,
  )
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:HEADGATE|NODE)_/.test(name))
  const env = {
    ...Object.fromEntries(clean),
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    HEADGATE_LISTEN: `127.0.0.1:${portOf.get('9080')}`,
    HEADGATE_ADMIN: `127.0.0.1:${portOf.get('9180')}`,
    HEADGATE_STATUS: `127.0.0.1:${portOf.get('9091')}`,
    HEADGATE_SERVER: `http://127.0.0.1:${portOf.get('9180')}`,
    LC_ALL: 'C.UTF-8',
  }
  const blocks = readBlocks(page)
  assert.ok(blocks.length >= 15, `${blocks.length} blocks`)
  const { code, printed } = await runBlocks(blocks, folder, env)
  for (const [i, { line, commands, expected }] of blocks.entries()) {
    const shown = printed[i]
    assert.ok(shown !== undefined, `${PAGE}:${line} was not reached; before it:\n${printed[i - 1]}`)
    if (expected === null) continue
    assert.ok(
      fits(expected, shown),
      `${PAGE}:${line}\n${commands}\n---- expected\n${expected}\n---- printed\n${shown}`,
    )
  }
  assert.equal(code, 0, printed.at(-1))
  t.diagnostic(
    `${blocks.length} blocks, ${blocks.filter(({ expected }) => expected !== null).length} of them compared`,
  )
})

test('the comparison takes dots for any text and any lines, and nothing else', () => {
  assert.ok(fits('a … c\n…\nlast\n', 'a bb c\nx\ny\nlast\n'))
  assert.ok(fits('…\nlast\n', 'last\n'))
  assert.ok(fits('a  b\n', 'a      b  \n'))
  assert.ok(!fits('a b\n', 'a c\n'))
  assert.ok(!fits('a\n', 'a\nb\n'))
  assert.ok(!fits('a.b\n', 'axb\n'))
})
