import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { runTool, waitFor } from '../support/tools.ts'

/** `--config`: routing documents from files, watched. */

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-files-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function startBackends(t: TestContext): Promise<[Backend, Backend]> {
  const backends: [Backend, Backend] = [await startBackend('one'), await startBackend('two')]
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  return backends
}

async function serve(
  t: TestContext,
  target: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const gateway = await startGateway(['--config', target, '--workers', '1', ...flags], env)
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

/** One route, as it stands in a file; line 3, column 10 is the value of `uri`. */
function routeText(id: string, uri: string, backend: Backend): string {
  return `routes:
  - id: ${id}
    uri: ${uri}
    upstream:
      type: roundrobin
      nodes: {"${backend.node}": 1}
`
}

async function bodyOf(gateway: GatewayProcess, path: string): Promise<string> {
  const answer = await requestOnce(gateway.port, path)
  return answer.status === 200 ? answer.body : `${answer.status}`
}

/** Polls until a path is answered so; how long that took, in milliseconds. */
async function untilServed(gateway: GatewayProcess, path: string, body: string): Promise<number> {
  const from = performance.now()
  await waitFor(`${path} to be ${body}`, async () =>
    (await bodyOf(gateway, path)) === body ? true : undefined,
  )
  return performance.now() - from
}

function untilLogged(gateway: GatewayProcess, text: RegExp): Promise<true> {
  return waitFor(`the log to say ${text}`, () => (text.test(gateway.stderr()) ? true : undefined))
}

/** As editors and deployment tools write: aside, then in place by its name. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

test('the routes of a file are served, and a change to it acts within 200 ms', async (t) => {
  const [one, two] = await startBackends(t)
  const file = join(folder(t), 'routes.yaml')
  writeFileSync(file, routeText('1', '/a', one))
  const gateway = await serve(t, file)
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  assert.equal(await bodyOf(gateway, '/b'), '404')
  const times: number[] = []
  for (let i = 0; i < 10; i++) {
    const text = routeText('1', `/a${i}`, i % 2 === 0 ? two : one)
    if (i % 3 === 0) writeFileSync(file, text)
    else replaceFile(file, text)
    times.push(await untilServed(gateway, `/a${i}`, i % 2 === 0 ? 'two' : 'one'))
    assert.equal(await bodyOf(gateway, i === 0 ? '/a' : `/a${i - 1}`), '404')
  }
  times.sort((a, b) => a - b)
  console.log(
    `file change: acts after ${Math.round(times[5] as number)} ms, at most ${Math.round(times[9] as number)} ms of 10`,
  )
  // the promise is 200 ms; half of the changes must keep it even on a machine that has other work
  assert.ok((times[4] as number) < 200, `${times}`)
})

test('a broken file is told with its position, keeps its last good routes, and the others go on changing', async (t) => {
  const [one, two] = await startBackends(t)
  const directory = folder(t)
  const [a, b] = [join(directory, 'a.yaml'), join(directory, 'b.yaml')]
  writeFileSync(a, routeText('a', '/a', one))
  writeFileSync(b, routeText('b', '/b', two))
  const gateway = await serve(t, directory)
  assert.deepEqual([await bodyOf(gateway, '/a'), await bodyOf(gateway, '/b')], ['one', 'two'])

  // no YAML
  replaceFile(b, `${routeText('b', '/changed', one)}  ]\n`)
  await untilLogged(gateway, /b\.yaml:7:\d+"/)
  assert.deepEqual([await bodyOf(gateway, '/a'), await bodyOf(gateway, '/b')], ['one', 'two'])
  // YAML, but no route
  replaceFile(b, routeText('b', '5', one))
  await untilLogged(gateway, /b\.yaml:3:10"/)
  assert.deepEqual([await bodyOf(gateway, '/b'), await bodyOf(gateway, '/changed')], ['two', '404'])
  // the other file is not held up
  replaceFile(a, routeText('a', '/a2', two))
  await untilServed(gateway, '/a2', 'two')
  assert.equal(await bodyOf(gateway, '/b'), 'two')
  const faulty = (await gateway.admin('GET', '/headgate/v1/status')).json as { store: { faults: object[] } }
  assert.equal(faulty.store.faults.length, 1)
  // mended
  replaceFile(b, routeText('b', '/b2', one))
  await untilServed(gateway, '/b2', 'one')
  assert.deepEqual([await bodyOf(gateway, '/a2'), await bodyOf(gateway, '/b')], ['two', '404'])
  const mended = (await gateway.admin('GET', '/headgate/v1/status')).json as { store: { faults: object[] } }
  assert.deepEqual(mended.store.faults, [])
  // one more file, and one less
  writeFileSync(
    join(directory, 'c.json'),
    JSON.stringify({ routes: [{ id: 'c', uri: '/c', upstream: { nodes: { [one.node]: 1 } } }] }),
  )
  await untilServed(gateway, '/c', 'one')
  rmSync(a)
  await untilServed(gateway, '/a2', '404')
  assert.deepEqual([await bodyOf(gateway, '/b2'), await bodyOf(gateway, '/c')], ['one', 'one'])
})

test('the Admin API reads what the files say, and refuses writes with 409 that names them', async (t) => {
  const [one] = await startBackends(t)
  const file = join(folder(t), 'routes.yaml')
  writeFileSync(file, routeText('1', '/a', one))
  const gateway = await serve(t, file)
  const read = await gateway.admin('GET', '/apisix/admin/routes/1')
  assert.equal(read.status, 200)
  assert.equal((read.json as { value: { uri: string } }).value.uri, '/a')
  const body = { uri: '/b', upstream: { nodes: { [one.node]: 1 } } }
  for (const [method, path, value] of [
    ['PUT', '/apisix/admin/routes/1', body],
    ['PUT', '/apisix/admin/routes/2', body],
    ['POST', '/apisix/admin/routes', body],
    ['PATCH', '/apisix/admin/routes/1', { uri: '/b' }],
    ['DELETE', '/apisix/admin/routes/1', undefined],
  ] as const) {
    const answer = await gateway.admin(method, path, value)
    assert.equal(answer.status, 409, `${method} ${path}: ${answer.text}`)
    assert.ok(answer.text.includes(file), answer.text)
  }
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  assert.equal(await bodyOf(gateway, '/b'), '404')
})

test('SIGHUP reads files again that changed where no watcher sees it', async (t) => {
  const [one, two] = await startBackends(t)
  const [directory, elsewhere] = [folder(t), folder(t)]
  const file = join(directory, 'routes.yaml')
  const secondName = join(elsewhere, 'routes.yaml')
  writeFileSync(file, routeText('1', '/a', one))
  linkSync(file, secondName)
  const gateway = await serve(t, file)
  // the same file by its other name: the watched folder hears nothing of it
  writeFileSync(secondName, routeText('1', '/a', two))
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  gateway.child.kill('SIGHUP')
  await untilServed(gateway, '/a', 'two')
  await untilLogged(gateway, /reading files again/)
})

test('an apisix.yaml acts only when its last line is #END, so a half-written one never does', async (t) => {
  const [one, two] = await startBackends(t)
  const file = join(folder(t), 'apisix.yaml')
  writeFileSync(file, `${routeText('1', '/a', one)}#END\n`)
  const gateway = await serve(t, file)
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  writeFileSync(file, routeText('1', '/a', two))
  await untilLogged(gateway, /the last line is not #END/)
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  truncateSync(file, 30)
  appendFileSync(file, '\n')
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  writeFileSync(file, `${routeText('1', '/a', two)}#END\n`)
  await untilServed(gateway, '/a', 'two')
})

test('settings under gateway: hold, flags win over them, and a bad one is told with its position', async (t) => {
  const [one] = await startBackends(t)
  const directory = folder(t)
  const file = join(directory, 'all.yaml')
  const log = join(directory, 'access.log')
  const settings = `gateway:
  errorField: false
  workers: 2
  accessLog: {path: ${log}, format: combined}
  apisix: {serverTokens: false}
`
  writeFileSync(file, settings + routeText('1', '/a', one))
  const gateway = await serve(t, file, [], { HEADGATE_ACCESS_LOG: 'off' })
  const miss = await requestOnce(gateway.port, '/nothing')
  assert.equal(miss.status, 404)
  assert.equal(miss.field('x-headgate-error'), undefined)
  assert.equal(miss.field('server'), 'APISIX')
  const { workers } = (await gateway.admin('GET', '/headgate/v1/status')).json as { workers: object[] }
  assert.equal(workers.length, 1, 'the flag says 1')
  assert.equal(existsSync(log), false, 'the environment says off')
  assert.equal(await gateway.stop(), 0)

  writeFileSync(file, `gateway:\n  errorfield: false\n  workers: many\n${routeText('1', '/a', one)}`)
  const bad = await runTool(process.execPath, [join(ROOT, 'bin/headgate.js'), 'start', '--config', file])
  assert.equal(bad.code, 2)
  assert.match(bad.stderr, /all\.yaml:2:\d+: gateway\.errorfield: .*did you mean errorField\?/)
  assert.match(bad.stderr, /all\.yaml:3:12: gateway\.workers: must be an integer/)
})

test('with nothing usable the gateway does not start, and says where to look in one line', async (t) => {
  const [one] = await startBackends(t)
  const directory = folder(t)
  const file = join(directory, 'broken.yaml')
  writeFileSync(file, routeText('1', '5', one))
  mkdirSync(join(directory, 'empty'))
  for (const [target, code, text] of [
    [file, 1, /broken\.yaml:3:10: /],
    [join(directory, 'missing.yaml'), 2, /missing\.yaml.*cannot be read/],
  ] as const) {
    const ended = await runTool(process.execPath, [
      join(ROOT, 'bin/headgate.js'),
      'start',
      '--config',
      target,
      '--listen',
      '127.0.0.1:0',
      '--admin',
      'off',
      '--status',
      'off',
    ])
    assert.equal(ended.code, code, ended.stderr)
    assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
    assert.match(ended.stderr, text)
  }
  // a folder without files is an empty configuration; a file that comes later acts
  const gateway = await serve(t, join(directory, 'empty'))
  assert.equal(await bodyOf(gateway, '/a'), '404')
  writeFileSync(join(directory, 'empty', 'a.yaml'), routeText('1', '/a', one))
  await untilServed(gateway, '/a', 'one')
})

test('at the start the good documents are served beside a broken one, which is told', async (t) => {
  const [one, two] = await startBackends(t)
  const directory = folder(t)
  writeFileSync(join(directory, 'a.yaml'), routeText('a', '/a', one))
  writeFileSync(join(directory, 'b.yaml'), routeText('b', '5', two))
  const gateway = await serve(t, directory)
  assert.equal(await bodyOf(gateway, '/a'), 'one')
  assert.match(gateway.stderr(), /b\.yaml:3:10/)
  replaceFile(join(directory, 'b.yaml'), routeText('b', '/b', two))
  await untilServed(gateway, '/b', 'two')
})
