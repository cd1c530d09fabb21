import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command, Option } from 'commander'
import { findNames, type NameSource, readWords } from './complete.ts'
import { describeVerbs, flatten } from './verb-tree.ts'

function program(): Command {
  const root = new Command('headgate')
  root
    .command('get')
    .argument('<kind>')
    .argument('[id]')
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']))
    .option('--server <url>')
    .option('--watch')
  root.command('delete').argument('<kind>').argument('<ids...>')
  const split = root.command('split')
  split.command('set').argument('<kind/id>').argument('<target=weight...>')
  root.command('top').option('--id <id>')
  root.command('logs').option('--route <id,…>').option('-f, --file <file>')
  return root
}

const asked: string[] = []
const SOURCE: NameSource = {
  kinds: ['upstreams', 'routes'],
  fullKinds: ['apisix/upstreams', 'apisix/routes'],
  async ids(kind, part) {
    asked.push(`${kind} ${part}`)
    return ['1', '10', 'shop', 'a b', '$(rm)']
  },
  async endpoints(upstream) {
    return [`${upstream}.test:80`]
  },
  async targets(kind, id) {
    asked.push(`${kind} ${id}`)
    return ['v1', 'v2']
  },
}

async function names(...words: string[]): Promise<readonly string[]> {
  asked.length = 0
  return findNames(readWords(describeVerbs(program()), words), SOURCE)
}

test('kinds and ids are completed where they stand, whatever flags come between', async () => {
  assert.deepEqual(await names('get', ''), ['upstreams', 'routes'])
  assert.deepEqual(await names('get', 'r'), ['routes'])
  assert.deepEqual(await names('get', 'routes', '1'), ['1', '10'])
  assert.deepEqual(asked, ['routes 1'])
  assert.deepEqual(await names('get', '-o', 'json', '--server=x', '--watch', 'routes', 's'), ['shop'])
  assert.deepEqual(await names('delete', 'routes', '1', '10'), ['10'])
})

test('nothing is asked where no name stands', async () => {
  assert.deepEqual(await names('get', 'routes', '1', ''), [])
  assert.deepEqual(await names('get', '--server', ''), [])
  assert.deepEqual(await names('nowhere', ''), [])
  assert.deepEqual(await names(), [])
  assert.deepEqual(asked, [])
})

test('pairs of kind and id, and targets with a weight to come', async () => {
  assert.deepEqual(await names('split', 'set', ''), ['upstream/', 'route/'])
  assert.deepEqual(await names('split', 'set', 'routes/s'), ['routes/shop'])
  assert.deepEqual(await names('split', 'set', 'routes/1', ''), ['v1=', 'v2='])
  assert.deepEqual(asked, ['routes 1'])
  assert.deepEqual(await names('split', 'set', 'routes/1', 'v1=3', 'v2'), ['v2='])
  assert.deepEqual(await names('get', 'routes/1'), ['routes/1', 'routes/10'])
})

test('a flag that takes an id completes ids of the kind that it names', async () => {
  assert.deepEqual(await names('logs', '--route', 'sh'), ['shop'])
  assert.deepEqual(asked, ['route sh'])
  assert.deepEqual(await names('logs', '--route=sh'), ['shop'])
  assert.deepEqual(await names('logs', '--route', '1,10,s'), ['1,10,shop'])
  assert.deepEqual(await names('top', '--id', ''), ['apisix/upstreams/', 'apisix/routes/'])
  assert.deepEqual(await names('top', '--id', 'apisix/routes/s'), ['apisix/routes/shop'])
})

test('names that a shell would read otherwise are left out', async () => {
  assert.deepEqual(await names('get', 'routes', ''), ['1', '10', 'shop'])
})

test('the tree of verbs has what the program has', () => {
  const verbs = flatten(describeVerbs(program()))
  assert.deepEqual(
    verbs.map(({ path }) => path),
    ['', 'get', 'delete', 'split', 'split set', 'top', 'logs'],
  )
  const output = verbs[1]?.flags.find(({ names: flags }) => flags.includes('--output'))
  assert.deepEqual(output?.names, ['-o', '--output'])
  assert.deepEqual(output?.value, { kind: 'choices', choices: ['text', 'json'], name: 'form' })
  assert.equal(verbs.at(-1)?.flags.find(({ names: flags }) => flags.includes('-f'))?.value?.kind, 'file')
})
