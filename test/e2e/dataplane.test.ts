import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Backend, startBackend } from '../support/backends.ts'
import { type DataplaneProcess, startDataplane } from '../support/dataplane.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** A control plane, and proxies that are processes of their own: two versions of a backend, and a site that calls them. */

let folder: string
let controlPort: number
let controlPlane: GatewayProcess
let apps: readonly Backend[]
let site: DataplaneProcess
let backends: DataplaneProcess[]
let ports: { readonly out: number; readonly taken: number; readonly in: readonly number[] }
const occupant = createServer((socket) => socket.destroy())

const startControlPlane = () =>
  startGateway(['--kuma', `127.0.0.1:${controlPort}`, '--store', join(folder, 'data'), '--workers', '1'])

const kuma = (method: string, path: string, body?: object) =>
  callHttp({ port: controlPort, method, path, body })

function backendDocument(i: number) {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name: `backend-${i + 1}`,
    networking: {
      address: '127.0.0.1',
      inbound: [
        {
          port: ports.in[i],
          servicePort: apps[i]?.port,
          serviceAddress: '127.0.0.1',
          serviceProbe: { interval: '100ms', tcp: {} },
          tags: { 'kuma.io/service': 'backend', 'kuma.io/protocol': 'http', version: `v${i + 1}` },
        },
      ],
    },
  }
}

/** What becomes of requests of the site to the backend. */
async function route(conf: object): Promise<void> {
  const answer = await kuma('PUT', '/meshes/default/traffic-routes/versions', {
    type: 'TrafficRoute',
    mesh: 'default',
    name: 'versions',
    sources: [{ match: { 'kuma.io/service': 'site' } }],
    destinations: [{ match: { 'kuma.io/service': 'backend' } }],
    conf,
  })
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
}

/** `weights` of the versions, in their order. */
const split = (...weights: readonly number[]) =>
  route({
    split: weights.map((weight, i) => ({
      weight,
      destination: { 'kuma.io/service': 'backend', version: `v${i + 1}` },
    })),
  })

const ask = async () => {
  const { status, text } = await callHttp({ port: ports.out, method: 'GET', path: '/' })
  return `${status} ${text}`
}

/** Asks so often, one after the other, and counts the answers. */
async function count(requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < requests; i++) {
    const answer = await ask()
    counts[answer] = (counts[answer] ?? 0) + 1
  }
  return counts
}

/** Asks all the time, eight at a time, until the returned function is called, which gives how many answers of each kind there were. */
function startLoad(): () => Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  let isOver = false
  const loop = async () => {
    while (!isOver) {
      const answer = await ask().catch((error: Error) => error.message)
      counts[answer] = (counts[answer] ?? 0) + 1
    }
  }
  const loops = Array.from({ length: 8 }, loop)
  return async () => {
    isOver = true
    await Promise.all(loops)
    return counts
  }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-mesh-'))
  const [control = 0, out = 0, taken = 0, ...inbound] = await findFreePorts(5)
  controlPort = control
  ports = { out, taken, in: inbound }
  apps = [await startBackend('v1'), await startBackend('v2')]
  await new Promise<void>((resolve) => occupant.listen(taken, '127.0.0.1', resolve))
  controlPlane = await startControlPlane()
  backends = await Promise.all([0, 1].map((i) => startDataplane(controlPort, [backendDocument(i)])))
  site = await startDataplane(controlPort, [
    {
      type: 'Dataplane',
      mesh: 'default',
      name: 'site-1',
      networking: {
        address: '127.0.0.1',
        gateway: { tags: { 'kuma.io/service': 'site' } },
        outbound: [
          { port: out, tags: { 'kuma.io/service': 'backend' } },
          { port: taken, tags: { 'kuma.io/service': 'backend' } },
        ],
      },
    },
  ])
})

after(async () => {
  await Promise.all([site, ...backends].map((proxy) => proxy?.stop()))
  await controlPlane?.stop()
  for (const app of apps ?? []) await app.close()
  occupant.close()
  rmSync(folder, { recursive: true, force: true })
})

test('proxies register, are found by their probes, and serve; a port in use keeps the others from nothing', async () => {
  const stored = await kuma('GET', '/meshes/default/dataplanes/backend-1')
  assert.equal(stored.status, 200, stored.text)
  await waitFor('both versions to be ready', async () => {
    const counts = await count(2)
    return counts['200 v1'] === 1 && counts['200 v2'] === 1 ? true : undefined
  })
  const ready = await site.ready()
  assert.equal(ready.status, 200)
  assert.match(ready.text, new RegExp(`:${ports.taken}\\) is not open: .*in use`))
  occupant.close()
  await waitFor('the port to be taken once it is free', async () =>
    (await site.ready()).text === 'ready\n' ? true : undefined,
  )
  const answer = await callHttp({ port: ports.taken, method: 'GET', path: '/' })
  assert.equal(answer.status, 200)
})

test('an application that does not listen any more gets nothing, and gets it again when it does', async () => {
  const [app] = apps
  assert.ok(app !== undefined)
  const { port } = app
  await app.close()
  await waitFor('v1 to be taken out', async () => {
    const overview = await kuma('GET', '/meshes/default/dataplanes/backend-1')
    return /"ready":\s*false/.test(overview.text) && (await count(4))['200 v2'] === 4 ? true : undefined
  })
  apps = [await startBackend('v1', { port }), ...apps.slice(1)]
  await waitFor('v1 to be back', async () => ((await count(4))['200 v1'] === 2 ? true : undefined))
})

test('changes of weights under load lose nothing, and weight 0 stops a version', async () => {
  const stop = startLoad()
  let answers: Record<string, number>
  try {
    // others ask meanwhile, so what comes to this one is no exact share, but a version of weight 0 gets none: each step changes which one that is
    for (const [a, b] of [
      [0, 100],
      [50, 50],
      [100, 0],
      [70, 30],
      [0, 100],
    ] as const) {
      await split(a, b)
      await waitFor(`the split of ${a} to ${b}`, async () => {
        const { '200 v1': first = 0, '200 v2': second = 0 } = await count(20)
        return (first === 0) === (a === 0) && (second === 0) === (b === 0) ? true : undefined
      })
    }
  } finally {
    answers = await stop()
  }
  assert.deepEqual(Object.keys(answers).sort(), ['200 v1', '200 v2'])
  await split(90, 10)
  await waitFor('90 to 10', async () => {
    const counts = await count(100)
    return counts['200 v1'] === 90 && counts['200 v2'] === 10 ? true : undefined
  })
})

test('while the control plane is away the last model serves, and when it is back changes come again', async () => {
  await split(50, 50)
  await waitFor('50 to 50', async () => ((await count(10))['200 v1'] === 5 ? true : undefined))
  const stop = startLoad()
  await controlPlane.stop('SIGKILL')
  await waitFor('the proxy to notice', async () => {
    const { status, text } = await site.ready()
    assert.equal(status, 200)
    return text.includes('the control plane is away') ? true : undefined
  })
  const asked = await count(20)
  assert.equal((asked['200 v1'] ?? 0) + (asked['200 v2'] ?? 0), 20)
  controlPlane = await startControlPlane()
  await waitFor(
    'all proxies to be back',
    async () => {
      const answers = await Promise.all([site, ...backends].map((proxy) => proxy.ready()))
      return answers.every(({ text }) => text === 'ready\n') ? true : undefined
    },
    40_000,
  )
  await split(100, 0)
  await waitFor('the change', async () => ((await count(10))['200 v1'] === 10 ? true : undefined))
  assert.deepEqual(Object.keys(await stop()).sort(), ['200 v1', '200 v2'])
})

test('a proxy that is told to stop says so first, loses nothing, and takes its document back', async () => {
  // all instances, whatever their version: a leg of one that is gone would keep its share, and answer 503
  await route({ destination: { 'kuma.io/service': 'backend' } })
  await waitFor('both', async () => ((await count(10))['200 v2'] === 5 ? true : undefined))
  const stop = startLoad()
  const [, second] = backends
  assert.ok(second !== undefined)
  const ended = second.stop()
  const { status, text } = await waitFor('its readiness to fail', async () => {
    const answer = await second.ready()
    return answer.status === 503 ? answer : undefined
  })
  assert.equal(status, 503)
  assert.match(text, /it is stopping/)
  assert.equal(await ended, 0)
  assert.equal((await kuma('GET', '/meshes/default/dataplanes/backend-2')).status, 404)
  assert.deepEqual(Object.keys(await stop()).sort(), ['200 v1', '200 v2'])
  assert.deepEqual(await count(10), { '200 v1': 10 })
})

test('a token that is no good, or for another proxy, ends the start with the reason', async () => {
  const document = { ...backendDocument(1), name: 'backend-3' }
  const made = await kuma('POST', '/tokens/dataplane', { name: 'backend-4', mesh: 'default', validFor: '1h' })
  assert.equal(made.status, 200)
  const file = join(folder, 'token')
  const start = (token: string) => {
    writeFileSync(file, `${token}\n`)
    return startDataplane(controlPort, [document], ['--dataplane-token-file', file])
  }
  await assert.rejects(start(made.text), /ended with 1: .*\(403\): the token is for the proxy backend-4/s)
  await assert.rejects(start('no.good.token'), /ended with 1: .*\(401\): the token is no JSON Web Token/s)
  const own = await kuma('POST', '/tokens/dataplane', {
    name: 'backend-3',
    tags: { 'kuma.io/service': ['backend'] },
    validFor: '1h',
  })
  const proxy = await start(own.text)
  assert.equal(await proxy.stop(), 0)
})
