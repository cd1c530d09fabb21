import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELP, parseCommand } from './command.ts'
import { scenarios } from './load/index.ts'
import type { Plan } from './load/scenario.ts'
import { whatIsMissing } from './requirements.ts'

function run(...flags: string[]) {
  const command = parseCommand(flags, scenarios)
  assert.equal(command.kind, 'run', JSON.stringify(command))
  return command as Extract<typeof command, { kind: 'run' }>
}

function wrong(...flags: string[]): string {
  const command = parseCommand(flags, scenarios)
  assert.equal(command.kind, 'wrong')
  return (command as Extract<typeof command, { kind: 'wrong' }>).message
}

test('a whole run writes the page under docs, a part or a quick one to standard output', () => {
  assert.equal(run().report, 'docs/benchmark.md')
  assert.equal(run('--pairs', '40').report, 'docs/benchmark.md')
  assert.equal(run('--quick').report, null)
  assert.equal(run('--only', 'b').report, null)
  assert.equal(run('--seconds', '1').report, null)
  assert.equal(run('--only', 'b', '--report', 'x.md').report, 'x.md')
  assert.equal(run('--report', '-').report, null)
})

test('flags choose how much is measured', () => {
  const plan = ({ pairs, seconds }: Plan) => [pairs, seconds]
  assert.deepEqual(plan(run().plan), [20, 4])
  assert.deepEqual(plan(run('--quick').plan), [5, 2])
  assert.deepEqual(plan(run('--quick', '--pairs', '7', '--seconds', '0.5').plan), [7, 0.5])
})

test('scenarios run in their own order, each once', () => {
  assert.deepEqual(
    run('--only', 'c, b,c').chosen.map(({ id }) => id),
    ['b', 'c'],
  )
  assert.deepEqual(
    run('--only', 'tcp,tls,h2').chosen.map(({ id }) => id),
    ['tls', 'h2', 'tcp'],
  )
})

test('another checkout is measured against this one alone, unless more is named', () => {
  const ids = (...flags: string[]) => run(...flags).chosen.map(({ id }) => id)
  assert.deepEqual(ids('--against', '.', '--pairs', '40'), ['earlier'])
  assert.deepEqual(ids('--against', '.', '--only', 'b'), ['b', 'earlier'])
  assert.equal(run('--against', '.', '--pairs', '40').report, null)
  assert.match(wrong('--against', '/nowhere'), /there is no \/nowhere\/bin\/headgate.js/)
})

test('wrong flags are told in one sentence', () => {
  assert.match(wrong('--pairs', '0'), /--pairs takes a whole number from 1 to 200, not 0/)
  assert.match(wrong('--pairs', '1.5'), /whole number/)
  assert.match(wrong('--seconds', 'x'), /--seconds takes a number from 0.5 to 60, not x/)
  assert.match(wrong('--only', 'serch'), /no scenario "serch", did you mean "search"\? There are machine, a,/)
  assert.match(wrong('--quik'), /--quik/)
  assert.match(wrong('--report', ''), /--report needs a file/)
})

test('the help names every scenario', () => {
  const named = /some of: (\S+)/.exec(HELP)?.[1]?.split(',')
  assert.deepEqual(
    named,
    scenarios.map(({ id }) => id),
  )
  assert.equal(parseCommand(['--help', '--quick'], scenarios).kind, 'help')
})

test('a whole run is meant to take at most 70 minutes, a quick one at most 16', () => {
  const minutes = (plan: Plan) => scenarios.reduce((sum, each) => sum + each.estimate(plan), 0) / 60
  assert.ok(minutes(run().plan) <= 70, `${minutes(run().plan)}`)
  assert.ok(minutes(run('--quick').plan) <= 16, `${minutes(run('--quick').plan)}`)
})

test('programs that are missing are named with their Debian packages', () => {
  assert.equal(
    whatIsMissing(run('--only', 'b').chosen, 2, (tool) => tool !== 'h2load'),
    'needs h2load, which is not installed. On Debian: apt-get install nghttp2-client',
  )
  assert.match(
    whatIsMissing(scenarios, 2, () => false) ?? '',
    /apt-get install util-linux nginx wrk nghttp2-client haproxy openssl/,
  )
  assert.match(whatIsMissing(scenarios, 1, () => true) ?? '', /two processors/)
  assert.equal(
    whatIsMissing(run('--only', 'search').chosen, 2, (tool) => tool === 'taskset'),
    null,
  )
})
