import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findTool } from '../../../test/support/tools.ts'
import { SHELLS } from '../commands/completion.ts'
import { createProgram } from '../main.ts'
import { renderCompletion } from './render.ts'

/** A folder with the three scripts, a directory to complete files in, and a `headgate` that answers what is asked of it. */
function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-completion-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const program = createProgram()
  for (const shell of SHELLS)
    writeFileSync(join(folder, `headgate.${shell}`), renderCompletion(shell, program))
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files', 'one.yaml'), '')
  writeFileSync(join(folder, 'files', 'with blank.yaml'), '')
  writeFileSync(
    join(folder, 'headgate'),
    `#!/bin/sh\nprintf '%s\\n' "$*" >> ${folder}/asked\nprintf 'shop\\nrout-1\\n'\n`,
  )
  chmodSync(join(folder, 'headgate'), 0o755)
  return folder
}

/** Why a test is skipped: only bash is on every machine that runs the tests. */
function without(shell: string): string | false {
  return findTool(shell) === null ? `${shell} is not installed here` : false
}

function run(shell: string, args: readonly string[], folder: string) {
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}`, HOME: folder }
  const done = spawnSync(shell, args, { cwd: join(folder, 'files'), env, encoding: 'utf8', timeout: 20_000 })
  assert.equal(done.stderr, '')
  assert.equal(done.status, 0)
  return done.stdout.split('\n').filter((line) => line !== '')
}

/** What bash offers for a line, with words as readline cuts them (at blanks, and around = and :). */
function completeInBash(folder: string, line: string): string[] {
  const words: string[] = line.match(/[^\s=:]+|[=:]+/g) ?? []
  if (/[\s]$/.test(line)) words.push('')
  const script = `
    source ${folder}/headgate.bash
    COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
    COMP_LINE=$1 COMP_POINT=\${#1}; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _headgate
    printf '%s\\n' "\${COMPREPLY[@]}"`
  return run('bash', ['--norc', '-c', script, 'bash', line, ...words], folder)
}

test('bash completes verbs, flags, choices and files', { skip: without('bash') }, (t) => {
  const folder = makeFolder(t)
  const complete = (line: string): string[] => completeInBash(folder, line)
  assert.deepEqual(complete('headgate doc'), ['doctor'])
  assert.ok(complete('headgate ').includes('start'))
  assert.ok(!complete('headgate ').includes('__complete'), 'hidden verbs stay hidden')
  assert.deepEqual(complete('headgate doctor --admin-key-'), ['--admin-key-file'])
  assert.deepEqual(complete('headgate doctor -o '), ['text', 'json'])
  assert.deepEqual(complete('headgate doctor --quiet --output j'), ['json'])
  assert.deepEqual(complete('headgate doctor --output=j'), ['json'])
  assert.deepEqual(complete('headgate completion z'), ['zsh'])
  assert.deepEqual(complete('headgate validate -f w'), ['with blank.yaml'])
  assert.deepEqual(complete('headgate doctor --server '), [], 'free text has no candidates')
  assert.deepEqual(complete('headgate doctor --server http://127.0.0.1:9180 --qui'), ['--quiet'])
})

test('bash asks the command for kinds, ids and targets, with all words that stand before', {
  skip: without('bash'),
}, (t) => {
  const folder = makeFolder(t)
  const complete = (line: string): string[] => completeInBash(folder, line)
  assert.deepEqual(complete('headgate split s'), ['set'])
  assert.deepEqual(complete('headgate get ro'), ['shop', 'rout-1'])
  assert.deepEqual(complete('headgate get --server http://127.0.0.1:1 routes s'), ['shop', 'rout-1'])
  assert.deepEqual(complete('headgate split set route/1 '), ['shop', 'rout-1'])
  assert.deepEqual(complete('headgate get -o '), ['table', 'wide', 'json', 'yaml', 'name'])
  assert.deepEqual(readFileSync(join(folder, 'asked'), 'utf8').split('\n').slice(0, -1), [
    '__complete -- get ro',
    '__complete -- get --server http://127.0.0.1:1 routes s',
    '__complete -- split set route/1 ',
  ])
})

for (const shell of ['zsh', 'fish'] as const) {
  test(`${shell} reads its script without complaint`, { skip: without(shell) }, (t) => {
    const folder = makeFolder(t)
    run(shell, ['-n', join(folder, `headgate.${shell}`)], folder)
  })
}

test('fish completes verbs, flags and choices', { skip: without('fish') }, (t) => {
  const folder = makeFolder(t)
  const complete = (line: string): string[] =>
    run('fish', ['--no-config', '-c', `source ${folder}/headgate.fish; complete -C '${line}'`], folder).map(
      (text) => text.split('\t')[0] as string,
    )
  assert.deepEqual(complete('headgate doc'), ['doctor'])
  assert.deepEqual(complete('headgate doctor -o '), ['json', 'text'])
  assert.deepEqual(complete('headgate doctor --admin-key-'), ['--admin-key-file'])
  assert.deepEqual(complete('headgate completion z'), ['zsh'])
})
