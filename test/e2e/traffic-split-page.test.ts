import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Nginx, startNginx } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { runTool, skipWithout, waitFor } from '../support/tools.ts'

/**
 * The APISIX traffic-split page as its reader meets it: each command is pasted into a shell as printed, against the ports and the key that
 * are printed there, with nginx behind them. What the page says of the answers is then counted.
 */

const KEY = 'edd1c9f034335f136f87ad84b625c8f1'
const TRAFFIC = 9080
const ADMIN = 9180
const OLD = 'hello 1980\n'
const NEW = 'world 1981\n'

const commands = readCommands(readFileSync(join(ROOT, 'test/fixtures/traffic-split-page.md'), 'utf8'))

function readCommands(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const match of text.matchAll(/^## (\S+)\n\n```shell\n(.*?)```$/gms)) {
    found.set(match[1] as string, match[2] as string)
  }
  return found
}

/** Runs a printed command; status and body of the answer. */
async function paste(name: string): Promise<{ status: number; type: string; body: string }> {
  const command = commands.get(name)
  assert.ok(command !== undefined, `the fixture has no command ${name}`)
  // the shell adds only what the page does by hand: looking at the status where `-i` does not show it
  const hasHead = / -i$/m.test(command)
  const script = hasHead ? command : `${command.trimEnd()} -sS -w '\\n%{http_code}'`
  const { code, stdout, stderr } = await runTool('bash', ['-c', script])
  assert.equal(code, 0, `${name}: ${stderr}`)
  if (!hasHead) {
    const cut = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(cut + 1)), type: '', body: stdout.slice(0, cut) }
  }
  const cut = stdout.indexOf('\r\n\r\n')
  const head = stdout.slice(0, cut)
  const type = /^content-type: (.*)$/im.exec(head)?.[1]?.trim() ?? ''
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), type, body: stdout.slice(cut + 4) }
}

/** Pastes a command that configures something; it must be taken. */
async function configure(name: string): Promise<void> {
  const { status, body } = await paste(name)
  assert.ok(status === 200 || status === 201, `${name}: ${status} ${body}`)
}

type Way = 'on one connection' | 'on a new connection each'
const WAYS: readonly Way[] = ['on one connection', 'on a new connection each']

/** Bodies of `count` requests, one after the other. */
async function ask(
  way: Way,
  count: number,
  path = '/index.html',
  fields: readonly string[] = [],
): Promise<string[]> {
  const bodies: string[] = []
  if (way === 'on a new connection each') {
    for (let i = 0; i < count; i++) {
      const answer = await requestOnce(TRAFFIC, path, { headers: fields })
      assert.equal(answer.status, 200)
      bodies.push(answer.body)
    }
    return bodies
  }
  const head = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${TRAFFIC}`, ...fields, '', ''].join('\r\n')
  const client = await connectRaw(TRAFFIC)
  for (let i = 0; i < count; i++) {
    const answer = await client.exchange(head)
    assert.equal(answer.status, 200)
    bodies.push(answer.body)
  }
  client.close()
  return bodies
}

/** In every window as long as the weights' sum each body comes as often as its weight says. */
function assertExact(bodies: readonly string[], weights: Readonly<Record<string, number>>): void {
  const cycle = Object.values(weights).reduce((sum, weight) => sum + weight, 0)
  for (let i = 0; i + cycle <= bodies.length; i++) {
    const window = bodies.slice(i, i + cycle)
    for (const [body, weight] of Object.entries(weights)) {
      const count = window.filter((other) => other === body).length
      assert.equal(count, weight, `requests ${i} to ${i + cycle - 1}: ${JSON.stringify(window)}`)
    }
  }
}

/** What the page promises of its 3:2 examples. */
async function assertThreeToTwo(path: string, fields: readonly string[] = []): Promise<void> {
  for (const way of WAYS) {
    const bodies = await ask(way, 500, path, fields)
    assertExact(bodies, { [NEW]: 3, [OLD]: 2 })
    for (let i = 2; i < bodies.length; i++) {
      assert.ok(
        bodies[i] !== bodies[i - 1] || bodies[i] !== bodies[i - 2],
        `three in a row at ${i} ${way}: ${bodies[i]}`,
      )
    }
    assert.equal(bodies.filter((body) => body === NEW).length, 300, way)
    assert.equal(bodies.filter((body) => body === OLD).length, 200, way)
  }
}

async function assertAll(body: string, path: string, fields: readonly string[] = []): Promise<void> {
  for (const way of WAYS) {
    assert.deepEqual(new Set(await ask(way, 10, path, fields)), new Set([body]), way)
  }
}

/** Runs a printed request several times; all answers look as printed, and their bodies are among `bodies`. */
async function pasteRequests(name: string, count: number, bodies: readonly string[]): Promise<string[]> {
  const seen: string[] = []
  for (let i = 0; i < count; i++) {
    const answer = await paste(name)
    assert.equal(answer.status, 200, name)
    assert.equal(answer.type, 'text/html; charset=utf-8', name)
    assert.ok(bodies.includes(answer.body), `${name}: ${answer.body}`)
    seen.push(answer.body)
  }
  return seen
}

async function waitForPort(port: number): Promise<void> {
  const isFree = (): Promise<true | undefined> =>
    new Promise((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
  await waitFor(`port ${port} of 127.0.0.1, which the page's commands name: another program has it`, isFree)
}

test('the fixture has every command of the page', () => {
  assert.equal(commands.size, 22)
  assert.equal([...commands.values()].filter((command) => command.includes(':9180/')).length, 8)
})

describe('the traffic-split page', { skip: skipWithout('nginx', 'curl', 'bash') }, () => {
  let nginx: Nginx
  before(async () => {
    for (const port of [TRAFFIC, ADMIN, 1980, 1981, 1982]) await waitForPort(port)
    nginx = await startNginx(
      [
        { port: 1980, body: 'hello 1980' },
        { port: 1981, body: 'world 1981' },
        { port: 1982, body: 'hello 1982' },
      ],
      { extra: 'types {}' }, // else .html would have a type without the charset that the page shows
    )
  })
  after(() => nginx.close())

  for (const workers of ['1', '2']) {
    describe(`with ${workers} worker${workers === '1' ? '' : 's'}`, () => {
      let gateway: GatewayProcess
      before(async () => {
        gateway = await startGateway([
          '--listen',
          `127.0.0.1:${TRAFFIC}`,
          '--admin',
          `127.0.0.1:${ADMIN}`,
          '--admin-key',
          KEY,
          '--insecure-admin-key',
          '--workers',
          workers,
        ])
      })
      after(() => gateway.stop())

      test('enabling it: weights 1 and 1 take turns', async () => {
        await configure('enable')
        for (const way of WAYS) assertExact(await ask(way, 100), { [NEW]: 1, [OLD]: 1 })
      })

      test('an upstream by its id does the same', async () => {
        const stored = await gateway.admin('PUT', '/apisix/admin/upstreams/1', {
          type: 'roundrobin',
          nodes: { '127.0.0.1:1981': 1 },
        })
        assert.equal(stored.status, 201)
        await configure('enable-by-id')
        for (const way of WAYS) assertExact(await ask(way, 100), { [NEW]: 1, [OLD]: 1 })
      })

      test('an inline upstream, one by id and the own one share a rule', async () => {
        const weighted_upstreams = [
          { upstream: { type: 'roundrobin', nodes: { '127.0.0.1:1982': 1 } }, weight: 2 },
          { upstream_id: 1, weight: 3 },
          { weight: 1 },
        ]
        const stored = await gateway.admin('PUT', '/apisix/admin/routes/1', {
          uri: '/index.html',
          plugins: { 'traffic-split': { rules: [{ weighted_upstreams }] } },
          upstream: { type: 'roundrobin', nodes: { '127.0.0.1:1980': 1 } },
        })
        assert.equal(stored.status, 200)
        for (const way of WAYS) {
          assertExact(await ask(way, 120), { 'hello 1982\n': 2, [NEW]: 3, [OLD]: 1 })
        }
      })

      test('canary release: of any 5 requests 3 go to the new version and 2 to the old one', async () => {
        await configure('canary')
        const first = await pasteRequests('canary-request', 5, [OLD, NEW])
        const again = await pasteRequests('canary-request-again', 5, [OLD, NEW])
        assertExact([...first, ...again], { [NEW]: 3, [OLD]: 2 })
        await assertThreeToTwo('/index.html')
      })

      test('blue-green release: the header decides', async () => {
        await configure('blue-green')
        await pasteRequests('blue-green-new', 2, [NEW])
        await pasteRequests('blue-green-old', 2, [OLD])
        await assertAll(NEW, '/index.html', ['release: new_release'])
        await assertAll(OLD, '/index.html', ['release: old_release'])
        await assertAll(OLD, '/index.html')
      })

      test('custom release: one condition of three parts, all of which must hold', async () => {
        await configure('custom')
        const both = await pasteRequests('custom-matching', 5, [OLD, NEW])
        // The page prints the same command for the case that the rule fails. It matches, so it takes part in the split.
        const said = await pasteRequests('custom-said-to-fail', 5, [OLD, NEW])
        assertExact([...both, ...said], { [NEW]: 3, [OLD]: 2 })
        await assertThreeToTwo('/index.html?name=jack', ['user-id:30', 'apisix-key: hello'])
        await assertAll(OLD, '/index.html?name=jack', ['user-id:3', 'apisix-key: hello'])
        await assertAll(OLD, '/index.html?name=jack', ['user-id:30', 'apisix-key: 42'])
        await assertAll(OLD, '/index.html?name=jill', ['user-id:30', 'apisix-key: hello'])
        await assertAll(OLD, '/index.html')
      })

      test('custom release: two conditions, one of which must hold', async () => {
        await configure('custom-or')
        const rose = ['user-id:30', 'user-id2:22', 'apisix-key: hello', 'apisix-key2: world']
        const bodies: string[] = []
        for (const name of [
          'custom-or-both',
          'custom-or-both-again',
          'custom-or-first',
          'custom-or-first-again',
        ]) {
          bodies.push(...(await pasteRequests(name, 5, [OLD, NEW])))
        }
        assertExact(bodies, { [NEW]: 3, [OLD]: 2 })
        await pasteRequests('custom-or-neither', 3, [OLD])
        await assertThreeToTwo('/index.html?name=jack&name2=rose', rose)
        await assertThreeToTwo('/index.html?name=jack', rose)
        // only the second one, whose middle part is turned around
        await assertThreeToTwo('/index.html?name2=rose', ['user-id2:22', 'apisix-key2: world'])
        await assertAll(OLD, '/index.html?name2=rose', ['user-id2:34', 'apisix-key2: world'])
        await assertAll(OLD, '/index.html?name=jack')
      })

      test('several rules, each with an upstream of its own', async () => {
        await configure('rules')
        for (const [value, body] of [
          ['1', '1981\n'],
          ['2', '1982\n'],
          ['3', '1980\n'],
        ] as const) {
          const answer = await paste(`rules-${value}`)
          assert.deepEqual([answer.status, answer.body], [200, body])
          await assertAll(body, '/hello', [`x-api-id: ${value}`])
        }
      })

      test('disabling it: everything goes to the upstream of the route', async () => {
        await configure('disable')
        await assertAll(OLD, '/index.html')
      })
    })
  }
})
