import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** The client verbs as people run them, on a gateway with 5 000 routes. Tests run in order, each on what the ones before it left. */

const ROUTES = 5_000
const UPSTREAMS = 20

interface Run {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

let gateway: GatewayProcess
let folder: string

before(async () => {
  gateway = await startGateway(['--workers', '1'])
  folder = mkdtempSync(join(tmpdir(), 'headgate-verbs-'))
})
after(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:HEADGATE|NODE)_/.test(name))
  const server = { HEADGATE_SERVER: `127.0.0.1:${gateway.adminPort}`, HEADGATE_ADMIN_KEY: gateway.key }
  const env = { ...Object.fromEntries(clean), ...server, ...environment }
  return spawn(process.execPath, [resolve(ROOT, 'bin/headgate.js'), ...args], {
    cwd: folder,
    env,
    stdio: 'pipe',
  })
}

async function headgate(args: string[], input = '', environment: Record<string, string> = {}): Promise<Run> {
  const child = start(args, environment)
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin?.on('error', () => {}) // it may end without reading
  child.stdin?.end(input)
  const status = await new Promise<number | null>((done) => child.once('close', done))
  return { status, out, err }
}

/** Runs it and expects status 0 and nothing on standard error. */
async function fine(args: string[], input = ''): Promise<string> {
  const { status, out, err } = await headgate(args, input)
  assert.deepEqual([status, err], [0, ''], `headgate ${args.join(' ')}: ${err}${out}`)
  return out
}

/** Expects one clear line on standard error and nothing else. */
async function oneLine(
  args: string[],
  status: number,
  text: RegExp,
  input = '',
  environment = {},
): Promise<void> {
  const run = await headgate(args, input, environment)
  assert.equal(run.status, status, run.err)
  assert.match(run.err, text)
  assert.equal(run.err.trim().split('\n').length, 1, run.err)
  assert.equal(run.out, '')
}

function writeConfiguration(): void {
  mkdirSync(join(folder, 'config'), { recursive: true })
  const routes = Array.from({ length: ROUTES }, (_, i) => ({
    id: `r${i}`,
    uri: `/service-${i}/*`,
    labels: { team: i % 10 === 0 ? 'web' : 'api' },
    upstream_id: `u${i % UPSTREAMS}`,
  }))
  writeFileSync(join(folder, 'config/routes.json'), JSON.stringify({ routes }, null, 1))
  const upstreams = Array.from(
    { length: UPSTREAMS },
    (_, i) => `- {id: u${i}, name: up-${i}, nodes: {"127.0.0.1:${1 + i}": 1}}\n`,
  )
  writeFileSync(join(folder, 'config/upstreams.yaml'), `upstreams:\n${upstreams.join('')}`)
}

async function revision(): Promise<number> {
  const answer = await gateway.admin('GET', '/headgate/v1/status?limit=1')
  return (answer.json as { revision: number }).revision
}

test('apply writes a directory of 5 000 routes as one revision, and nothing when asked again', async () => {
  writeConfiguration()
  const dry = await fine(['apply', '-f', 'config', '--dry-run'])
  assert.match(dry, /5020 documents: 5020 created \(dry run: nothing was changed\)\n$/)
  assert.equal(await revision(), 0)
  const first = await fine(['apply', '-f', 'config', '-m', 'all of it'])
  assert.match(first, /^apisix\/routes\/r0 created\n/)
  assert.match(first, /5020 documents: 5020 created \(revision 1\)\n$/)
  assert.equal(await fine(['diff', '-f', 'config']), '')
  assert.equal(await fine(['apply', '-f', 'config']), '5020 documents: 5020 unchanged (revision 1)\n')
  assert.match(
    await fine(['history']),
    /REV +TIME +BY +CHANGES +MESSAGE\n +1 .* admin +5020 documents +all of it\n$/,
  )
})

test('get lists, filters and shows documents in every form', async () => {
  const names = (await fine(['get', 'routes', '-o', 'name'])).trim().split('\n')
  assert.equal(names.length, ROUTES)
  assert.equal(names[0], 'apisix/routes/r0')
  assert.equal(
    (await fine(['get', 'Route', '-l', 'team=web', '-o', 'name'])).trim().split('\n').length,
    ROUTES / 10,
  )
  assert.match(
    await fine(['get', 'route', 'r4999']),
    /^ID +STATE +REV +WHAT\nr4999 +accepted +1 +\/service-4999\/\* to upstream u19\n$/,
  )
  assert.match(await fine(['get', 'upstreams', '-o', 'wide']), /up-3 +accepted +1 +- +- +- +127\.0\.0\.1:4\n/)
  const one = JSON.parse(await fine(['get', 'route/r7', '-o', 'json']))
  assert.deepEqual(one.value, { id: 'r7', uri: '/service-7/*', labels: { team: 'api' }, upstream_id: 'u7' })
  assert.equal(JSON.parse(await fine(['get', 'all', '-o', 'json'])).length, ROUTES + UPSTREAMS)
  const file = await fine(['get', 'route', 'r7', '-o', 'yaml'])
  assert.match(file, /^routes:\n {2}- id: r7\n/)
  const edited = file.replace('/service-7/*', '/seven/*')
  assert.match(
    await fine(['apply', '-f', '-'], edited),
    /^apisix\/routes\/r7 changed\n1 document: 1 changed \(revision 2\)\n$/,
  )
  await oneLine(['get', 'rotes'], 2, /there is no kind rotes; did you mean routes\?/)
  await oneLine(['get', 'route', 'r49990'], 1, /there is no route r49990; did you mean r49\d\d\?/)
})

test('diff shows what differs and nothing else: no defaults, times, order of keys or 1 for "1"', async () => {
  const same =
    '{"routes": [{"upstream_id": "u7", "status": 1, "priority": 0, "uri": "/seven/*", "labels": {"team": "api"}, "id": "r7"}]}'
  assert.equal(await fine(['diff', '-f', '-'], same), '')
  const other = same.replace('"u7"', '"u8"').replace('"priority": 0', '"priority": 1.0')
  const { status, out, err } = await headgate(['diff', '-f', '-'], other)
  assert.deepEqual([status, err], [2, ''])
  assert.equal(
    out,
    [
      '--- apisix/routes/r7',
      '+++ apisix/routes/r7\t<stdin>:1:13',
      '@@ -2,4 +2,5 @@',
      ...[
        ' uri: /seven/*',
        ' labels:',
        '   team: api',
        '-upstream_id: u7',
        '+upstream_id: u8',
        '+priority: 1',
        '',
      ],
    ].join('\n'),
  )
  assert.equal(await revision(), 2)
})

test('every fault of the files is told at its line, those that only the gateway can find as well, and nothing is changed', async () => {
  writeFileSync(
    join(folder, 'bad.yaml'),
    'routes:\n  - id: a\n    uri: 5\n  - id: b\n    uri: /b\n    upstream_id: none\n    priority: x\n',
  )
  const run = await headgate(['apply', '-f', 'bad.yaml'])
  assert.equal(run.status, 1)
  assert.equal(run.out, '')
  assert.match(run.err, /^bad\.yaml:3:10: routes\[0\]\.uri: .*\n {2}3 \| {5}uri: 5\n/m)
  assert.match(run.err, /^bad\.yaml:7:15: routes\[1\]\.priority: /m)
  assert.match(run.err, /faults; nothing was changed\n$/)
  const lost = await headgate(['diff', '-f', '-'], 'kind: route\nid: x\nuri: /x\nupstream_id: none\n')
  assert.equal(lost.status, 1)
  assert.match(
    lost.err,
    /^<stdin>:4:14: upstream_id: there is no apisix\/upstreams\/none \(send it along, or write it first\)/,
  )
  const syntax = await headgate(['apply', '-f', '-'], 'routes: [\n')
  assert.equal(syntax.status, 1)
  assert.match(syntax.err, /^<stdin>:2:1: .*\nheadgate: -: 1 fault; nothing was sent\n$/)
  assert.equal(await revision(), 2)
})

test('warnings of an accepted document stand at its line; secrets of the environment are not shown', async () => {
  const file = `kind: route
id: warned
uri: /warned
upstream_id: u1
plugins:
  response-rewrite: {headers: {set: {x-token: "\${{SITE_TOKEN}}"}}, bdoy: x}
`
  const environment = { SITE_TOKEN: 'very-secret-0001' }
  const diff = await headgate(['diff', '-f', '-'], file, environment)
  assert.equal(diff.status, 2)
  assert.match(diff.out, /x-token: \*\*\*\n/)
  assert.ok(!diff.out.includes('very-secret'))
  const run = await headgate(['apply', '-f', '-', '-m', 'with a warning'], file, environment)
  assert.equal(run.status, 0)
  assert.match(run.err, /^<stdin>:6:\d+: warning: plugins\.response-rewrite\.bdoy: /)
  assert.match(
    await fine(['get', 'routes', '--state', 'degraded', '-o', 'name']),
    /^apisix\/routes\/warned\n$/,
  )
  assert.match(await fine(['describe', 'route/warned']), /Remarks\n {2}plugins\.response-rewrite\.bdoy: /)
  const { value } = JSON.parse(await fine(['get', 'route', 'warned', '-o', 'json']))
  assert.equal(value.plugins['response-rewrite'].headers.set['x-token'], 'very-secret-0001')
  assert.equal(await fine(['delete', 'route', 'warned']), 'apisix/routes/warned deleted\n')
})

test('split set changes the weights in the document, and the traffic follows exactly', async (t) => {
  const blue = await startBackend('blue')
  const green = await startBackend('green')
  t.after(() => Promise.all([blue.close(), green.close()]))
  const document = `
upstreams:
- {id: blue, name: blue, nodes: {"${blue.node}": 1}}
- {id: green, name: green, nodes: {"${green.node}": 1}}
routes:
- id: shop
  uri: /shop
  upstream_id: green
  plugins:
    traffic-split:
      rules:
      - match: [{vars: [[arg_beta, ==, "1"]]}]
        weighted_upstreams: [{upstream_id: blue, weight: 1}, {weight: 1}]
      - weighted_upstreams: [{upstream_id: blue, weight: 3}, {weight: 2}]
`
  await fine(['apply', '-f', '-'], document)
  assert.match(
    await fine(['split', 'get', 'route/shop']),
    /rule 1: .*, always\n SHARE +WEIGHT +# +TARGET\n60\.0 % +3 +0 +blue\n40\.0 % +2 +1 +green \(default\)\n$/,
  )
  const share = async (): Promise<[number, number]> => {
    const first = [blue.requests.length, green.requests.length] as const
    for (let i = 0; i < 20; i++) await callHttp({ port: gateway.port, method: 'GET', path: '/shop' })
    return [blue.requests.length - first[0], green.requests.length - first[1]]
  }
  assert.deepEqual(await share(), [12, 8])
  await oneLine(
    ['split', 'set', 'route/shop', 'blue=1'],
    2,
    /holds several splits, say which with --rule: 0 \(.*\), 1 \(/,
  )
  await oneLine(
    ['split', 'set', 'route/shop', 'blu=1', '--rule', '1'],
    2,
    /no target is called blu, did you mean blue\?; there are: 0 \(blue\); 1/,
  )
  await oneLine(['split', 'set', 'route/shop', 'blue=-1', '--rule', '1'], 2, /say TARGET=WEIGHT/)
  const dry = await fine(['split', 'set', 'route/shop', 'blue=9', '1=1', '--rule', '1', '--dry-run'])
  assert.match(dry, /-\s+weight: 3\n.*\+\s+weight: 9\n/s)
  assert.match(dry, /90\.0 % +9 +0 +blue\n10\.0 % +1 +1 +green.*dry run: nothing was changed\n$/s)
  assert.deepEqual(await share(), [12, 8])
  const set = await fine([
    'split',
    'set',
    'route/shop',
    'blue=9',
    'green=1',
    '--rule',
    '1',
    '-m',
    'more blue',
  ])
  assert.equal(`${set}dry run: nothing was changed\n`, dry)
  assert.deepEqual(await share(), [18, 2])
  await fine(['split', 'set', 'route/shop', 'default=0', '--rule', '1'])
  assert.deepEqual(await share(), [20, 0])
  assert.match(await fine(['history', '-n', '2']), /apisix\/routes\/shop +more blue\n$/)
})

test('describe tells state, splits, users and history; what is used is not deleted', async () => {
  const text = await fine(['describe', 'upstream', 'blue'])
  assert.match(text, /^apisix\/upstreams\/blue\n {2}name +blue\n {2}state +accepted since /)
  assert.match(
    text,
    /Used by\n {2}apisix\/routes\/shop \(plugins\.traffic-split\.rules\[0\]\.weighted_upstreams\[0\]\.upstream_id\)\n/,
  )
  assert.match(await fine(['describe', 'route/shop']), /Splits\n {2}rule 0: .* if \[\{"vars"/)
  const { splits, history } = JSON.parse(await fine(['describe', 'route/shop', '-o', 'json']))
  assert.deepEqual([splits.length, history.length], [2, 3])
  await oneLine(['delete', 'upstream', 'blue'], 1, /apisix\/routes\/shop still uses it/)
  assert.equal(await fine(['delete', 'route', 'shop', '-m', 'gone']), 'apisix/routes/shop deleted\n')
  await oneLine(['delete', 'route', 'shop'], 1, /there is no route shop/)
})

test('history shows a revision, and rollback brings back what stood', async () => {
  const gone = await revision()
  const shown = await fine(['history', String(gone)])
  assert.match(
    shown,
    new RegExp(
      `^revision ${gone}, .*, by admin\\n {2}gone\\n--- apisix/routes/shop\\n\\+\\+\\+ /dev/null\\n`,
    ),
  )
  assert.match(
    await fine(['rollback', String(gone - 1), '--dry-run']),
    /\+id: shop\n.*\(dry run: nothing was changed\)\n$/s,
  )
  assert.equal(
    await fine(['rollback', String(gone - 1), '-m', 'it was needed']),
    `apisix/routes/shop created\n1 document: 1 created (revision ${gone + 1})\n`,
  )
  assert.equal((await callHttp({ port: gateway.port, method: 'GET', path: '/shop' })).status, 502) // the backends are gone, the route is not
  await oneLine(['rollback', '99999'], 1, /revision 99999 is yet to come/)
  await oneLine(['history', '99999'], 1, /the history has no revision 99999/)
  await oneLine(['rollback', 'x'], 2, /a revision is a whole number/)
})

test('export and apply to another gateway give the same bytes', async (t) => {
  const text = await fine(['export'])
  const second = await startGateway(['--workers', '1'])
  t.after(() => second.stop())
  const to = ['--server', `127.0.0.1:${second.adminPort}`]
  writeFileSync(join(folder, 'export.yaml'), text)
  assert.match(
    await fine(['apply', '-f', 'export.yaml', ...to]),
    new RegExp(`${ROUTES + UPSTREAMS + 3} created`),
  )
  assert.equal(await fine(['export', ...to]), text)
  assert.equal(await fine(['diff', '-f', 'export.yaml', ...to]), '')
})

test('documents of two dialects live side by side; a word that they share means both', async () => {
  const file = `headgate: 1
upstreams:
  - {id: red, endpoints: ["127.0.0.1:1"]}
  - {id: white, endpoints: ["127.0.0.1:2"]}
routes:
  - id: r3
    paths: [/native/*]
    split: [{upstream: red, weight: 1}, {upstream: white, weight: 3}]
`
  assert.match(await fine(['apply', '-f', '-'], file), /native\/routes\/r3 created\n3 documents: 3 created/)
  assert.equal(await fine(['diff', '-f', '-'], file), '')
  await oneLine(
    ['describe', 'route', 'r3'],
    2,
    /r3 is in several dialects: say native\/route or apisix\/route/,
  )
  assert.match(await fine(['split', 'set', 'native/route/r3', 'white=1']), /50\.0 % +1 +1 +white\n$/)
  const names = (await fine(['get', 'routes', '-o', 'name'])).trim().split('\n')
  assert.deepEqual(
    [names.length, names.filter((name) => name.startsWith('native/'))],
    [ROUTES + 2, ['native/routes/r3']],
  )
  const both = await fine(['export'])
  assert.match(both, /^headgate: 1\n.*\n---\nupstreams:\n.*\n#END\n$/s)
  assert.equal(await fine(['diff', '-f', '-'], both), '')
  await oneLine(
    ['delete', 'native/upstream/red'],
    1,
    /native\/routes\/r3 still uses it \(split\[0\]\.upstream\)/,
  )
  for (const name of ['native/route/r3', 'native/upstream/red', 'native/upstream/white'])
    assert.match(await fine(['delete', name, '--yes']), /deleted\n$/)
})

test('get --watch shows what changes until Ctrl-C', async (t) => {
  const child = start(['get', 'routes', '-l', 'team=web', '--watch', '-o', 'json'])
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  await waitFor('the list', async () =>
    out.includes('"id": "r990"') && out.endsWith(']\n') ? true : undefined,
  )
  const start_ = out.length
  await gateway.admin('PATCH', '/apisix/admin/routes/r10', { priority: 5 })
  await gateway.admin('DELETE', '/apisix/admin/routes/r20')
  const lines = await waitFor('the changes', async () => {
    const found = out.slice(start_).trim().split('\n')
    return found.length >= 2 && out.endsWith('\n') ? found : undefined
  })
  const seen = lines.map((line) => JSON.parse(line) as { type: string; document: { id: string } })
  assert.deepEqual(
    seen.map(({ type, document }) => `${type} ${document.id}`),
    ['changed r10', 'deleted r20'],
  )
  child.kill('SIGINT')
  assert.equal(await ended, 0)
})

test('bad input is one clear line, an exit status, and nothing changed', async (t) => {
  const before = await revision()
  const [port = 0] = await findFreePorts(1)
  const good = '{"routes": [{"id": "n", "uri": "/n", "upstream_id": "u1"}]}'
  await oneLine(
    ['apply', '-f', '-', '--server', `127.0.0.1:${port}`],
    1,
    /nobody listens there; is the gateway running/,
    good,
  )
  await oneLine(['get', 'routes', '--admin-key', 'another-key-that-is-wrong-00001'], 1, /401: wrong key/)
  await oneLine(['get', 'routes', '--server', 'ftp://x'], 2, /not the address of an Admin API/)
  await oneLine(['apply', '-f', 'nowhere.yaml'], 2, /nowhere\.yaml: cannot be read: ENOENT/)
  mkdirSync(join(folder, 'empty'))
  await oneLine(['apply', '-f', 'empty'], 1, /no configuration file is in it/)
  writeFileSync(join(folder, 'program'), readFileSync(process.execPath).subarray(0, 100_000))
  const binary = await headgate(['apply', '-f', 'program'])
  assert.deepEqual(
    [binary.status, binary.err],
    [
      1,
      'program:1:1: is no text: it holds bytes that are not UTF-8\nheadgate: program: 1 fault; nothing was sent\n',
    ],
  )
  const unknown = await headgate(['apply', '-f', '-'], '{"apiVersion": "v1", "kind": "Secret"}')
  assert.equal(unknown.status, 1)
  assert.match(unknown.err, /^<stdin>:1:\d+: kind: Secret is no kind of document/)
  assert.equal(await revision(), before)
  // somebody who is no gateway
  const stranger = await startBackend('<html>hello</html>')
  t.after(() => stranger.close())
  await oneLine(
    ['get', 'routes', '--server', stranger.node],
    1,
    /something that is no JSON: is it a Headgate Admin API\?/,
  )
})

test('with a gateway that reads files, get names their lines, diff works and apply names the files', async (t: TestContext) => {
  const directory = join(folder, 'served')
  mkdirSync(directory)
  const file = join(directory, 'a.yaml')
  writeFileSync(file, 'routes:\n- id: 1\n  uri: /a\n  upstream: {nodes: {"127.0.0.1:1": 1}}\n')
  const served = await startGateway(['--config', directory, '--workers', '1'])
  t.after(() => served.stop())
  const to = ['--server', `127.0.0.1:${served.adminPort}`]
  assert.match(await fine(['get', 'routes', '-o', 'wide', ...to]), /a\.yaml:2:3/)
  assert.equal(await fine(['diff', '-f', 'served', ...to]), '')
  await oneLine(
    ['apply', '-f', 'served', ...to],
    1,
    /409: the configuration comes from .*served; change the file instead/,
  )
})
