import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommanderError } from 'commander'
import { examplesOf, listCommands } from '../../tools/render-cli.ts'
import { describeVerbs, findVerb } from './completion/verb-tree.ts'
import { createProgram } from './main.ts'

const commands = listCommands(createProgram())

/** The words of an example that are for headgate: without what comes before and behind it in a pipe, and without a remark. */
function wordsOf(example: string): readonly string[][] {
  const [line = ''] = example.split(/ {3,}(?![-'"])/)
  return line
    .split(/ \| | && |;|<\(|\)$|\$\(/)
    .map((part) => part.trim())
    .filter((part) => /^headgate( |$)/.test(part))
    .map((part) => {
      const [command = ''] = part.split(/ >+ /)
      return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).slice(1)
    })
}

for (const { command, path } of commands) {
  test(`${path} --help has a description and examples of itself`, () => {
    assert.match(command.description(), /\S/)
    for (const option of command.createHelp().visibleOptions(command)) {
      assert.match(option.description, /\S/, option.flags)
    }
    const examples = examplesOf(command)
    assert.ok(
      examples.some((example) => example.includes(path)),
      `no example of ${path} in ${JSON.stringify(examples)}`,
    )
  })

  test(`the examples of ${path} use verbs and flags that exist`, () => {
    const root = describeVerbs(createProgram())
    for (const example of examplesOf(command)) {
      for (const words of wordsOf(example)) {
        const { verb, depth } = findVerb(root, words)
        if (words.length > 0) assert.ok(depth > 0 || words[0]?.startsWith('-'), `${example}: no such verb`)
        const known = new Set(verb.flags.flatMap(({ names }) => names))
        for (const word of words.slice(depth)) {
          if (!/^--?[a-zA-Z]/.test(word)) continue
          assert.ok(known.has(word.split('=')[0] as string), `${example}: ${verb.path} has no ${word}`)
        }
      }
    }
  })

  test(`${path} with a mistyped flag names the one that was meant, and exits with 2`, async () => {
    const program = createProgram()
    let told = ''
    for (const { command: one } of listCommands(program)) {
      one.configureOutput({ writeErr: (text) => (told += text), writeOut: () => {} })
    }
    const flags = command
      .createHelp()
      .visibleOptions(command)
      .map(({ long }) => long as string)
    const meant = flags.find((flag) => flag.length > 6 && flag.at(-1) !== flag.at(-2)) ?? '--help'
    const typed = `${meant.slice(0, -2)}${meant.at(-1)}${meant.at(-2)}`
    // those that must be there are missed first
    const required = command.options
      .filter(({ mandatory }) => mandatory)
      .flatMap(({ long }) => [`${long}`, 'x'])
    const words = [...path.split(' ').slice(1), ...required]
    await assert.rejects(program.parseAsync([...words, typed], { from: 'user' }), (error) => {
      assert.ok(error instanceof CommanderError)
      assert.equal(error.exitCode, 1) // runMain makes 2 of every error of commander's
      return true
    })
    assert.match(told, new RegExp(`^headgate: unknown option '${typed}'[\\s\\S]*Did you mean .*${meant}`))
  })
}

test('every verb is there', () => {
  const paths = commands.map(({ path }) => path.replace('headgate ', ''))
  for (const path of [
    'start',
    'demo',
    'validate',
    'apply',
    'diff',
    'get',
    'describe',
    'delete',
    'split get',
    'split set',
    'explain',
    'history',
    'rollback',
    'export',
    'top',
    'logs',
    'events',
    'doctor',
    'completion',
    'version',
  ]) {
    assert.ok(paths.includes(path), path)
  }
})
