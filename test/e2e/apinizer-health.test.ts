import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { EndpointView } from '../../src/model/endpoint-view.ts'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { waitFor } from '../support/tools.ts'

/** How addresses of Apinizer are taken out and come back: the circuit breaker and the checks of a proxy in a file, with two workers. */

type Value = Record<string, unknown>

interface Target {
  readonly backend: Backend
  /** Of its answers to requests and to checks. */
  status: number
  checkStatus: number
  /** Requests that are no checks. */
  asked(): number
}

async function startTargets(t: TestContext, count: number): Promise<Target[]> {
  const targets = await Promise.all(
    Array.from({ length: count }, async () => {
      const backend = await startBackend()
      const isCheck = (path: string): boolean => path === '/live'
      const target: Target = {
        backend,
        status: 200,
        checkStatus: 200,
        asked: () => backend.requests.filter((request) => !isCheck(request.target)).length,
      }
      backend.answer = (request) => {
        const status = isCheck(request.target) ? target.checkStatus : target.status
        return answerText(`from ${backend.port}`, { status: `${status} Test` })
      }
      return target
    }),
  )
  t.after(() => Promise.all(targets.map(({ backend }) => backend.close())))
  return targets
}

/** A gateway with one proxy, `shop` at `/shop`, whose errors go to the client: nothing is tried again. */
async function start(
  t: TestContext,
  targets: readonly Target[],
  { breaker, checks }: { readonly breaker?: Value; readonly checks?: Value },
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-health-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'proxies.yaml')
  const proxy = {
    apiProxyName: 'shop',
    apiProxyCreationType: 'REVERSE_PROXY',
    clientRoute: { relativePathList: ['/shop'] },
    routingInfo: {
      routingAddressList: targets.map(({ backend }) => ({
        address: `http://${backend.node}`,
        ...(checks === undefined ? {} : { healthCheckPath: '/live' }),
      })),
      failoverRetryCount: 0,
      ...(checks === undefined ? {} : { healthCheck: checks }),
    },
    ...(breaker === undefined ? {} : { circuitBreaker: { circuitBreakerEnabled: true, ...breaker } }),
  }
  writeFileSync(file, toYaml({ apinizer: { proxies: [proxy] } } as never))
  const gateway = await startGateway(['--workers', '2', '--config', file])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

const ask = (gateway: GatewayProcess) => callHttp({ port: gateway.port, method: 'GET', path: '/shop' })

/** Views of the endpoints, in the order of the targets. */
async function views(gateway: GatewayProcess): Promise<readonly EndpointView[]> {
  const list = (await gateway.admin('GET', '/headgate/v1/upstreams')).json as { list: { id: string }[] }
  const id = list.list.find((upstream) => upstream.id.includes('shop'))?.id
  assert.ok(id !== undefined, JSON.stringify(list))
  const { json } = await gateway.admin('GET', `/headgate/v1/upstreams/${encodeURIComponent(id)}/endpoints`)
  return (json as { endpoints: EndpointView[] }).endpoints
}

/** The view of the first target, once it is as asked. */
const becomes = (gateway: GatewayProcess, what: string, isIt: (view: EndpointView) => boolean) =>
  waitFor(what, async () => (await views(gateway)).slice(0, 1).find(isIt))

/** Asks until the first target has had so many requests. */
async function askUntil(gateway: GatewayProcess, { asked }: Target, count: number): Promise<void> {
  await waitFor(`${count} requests`, async () => {
    if (asked() < count) await ask(gateway)
    return asked() >= count ? true : undefined
  })
}

const HOUR = 3600

test('COUNT: so many errors of a window open the circuit, and all open circuits are ERR-135', async (t) => {
  const [one, two] = (await startTargets(t, 2)) as [Target, Target]
  const gateway = await start(t, [one, two], {
    breaker: { errorWindow: HOUR, errorThresholdValue: 3, sleepWindow: HOUR, halfOpenEnabled: true },
  })
  one.status = 404
  await askUntil(gateway, one, 2)
  const closed = (await views(gateway))[0]
  assert.deepEqual(
    [closed?.state, closed?.openedBy, closed?.windowErrors, closed?.windowTotal],
    ['up', null, 2, 2],
  )
  await askUntil(gateway, one, 3)
  const open = await becomes(gateway, 'an open circuit', ({ returnsAtMs }) => returnsAtMs !== null)
  assert.deepEqual(
    [open.state, open.openedBy, open.windowErrors, open.windowTotal],
    ['ejected', 'breaker', 0, 0],
  )
  assert.ok((open.returnsAtMs as number) > Date.now() + 3_500_000)
  for (let i = 0; i < 6; i++) assert.equal((await ask(gateway)).text, `from ${two.backend.port}`)
  assert.equal(one.asked(), 3)
  two.status = 500
  const before = two.asked()
  await askUntil(gateway, two, before + 3)
  for (let i = 0; i < 4; i++) {
    const answer = await ask(gateway)
    assert.equal(answer.status, 503)
    assert.match(answer.text, /ERR-135/)
  }
  assert.deepEqual([one.asked(), two.asked()], [3, before + 3])
})

test('PERCENT: errors open the circuit at their share of the requests to the address', async (t) => {
  const [one, two] = (await startTargets(t, 2)) as [Target, Target]
  const gateway = await start(t, [one, two], {
    breaker: {
      errorWindow: HOUR,
      enumErrorThresholdType: 'PERCENT',
      errorThresholdValue: 50,
      sleepWindow: HOUR,
    },
  })
  await askUntil(gateway, one, 2)
  one.status = 404
  await askUntil(gateway, one, 3)
  const closed = (await views(gateway))[0]
  assert.deepEqual([closed?.state, closed?.windowErrors, closed?.windowTotal], ['up', 1, 3])
  await askUntil(gateway, one, 4)
  assert.equal((await views(gateway))[0]?.state, 'ejected')
  for (let i = 0; i < 4; i++) assert.equal((await ask(gateway)).status, 200)
  assert.equal(one.asked(), 4)
})

test('half open, one request goes first: others take the address as open, its error opens again, its success closes', async (t) => {
  const [one, two] = (await startTargets(t, 2)) as [Target, Target]
  const gateway = await start(t, [one, two], {
    breaker: { errorWindow: HOUR, errorThresholdValue: 2, sleepWindow: 1, halfOpenEnabled: true },
  })
  one.status = 404
  await askUntil(gateway, one, 2)
  const halfOpen = await becomes(gateway, 'a half-open circuit', ({ state }) => state === 'trial')
  assert.equal(halfOpen.openedBy, 'breaker')
  await askUntil(gateway, one, 3)
  const again = await becomes(gateway, 'a second sleep', ({ ejections }) => ejections === 2)
  assert.ok(again.state === 'ejected' || again.state === 'trial')
  await becomes(gateway, 'a half-open circuit again', ({ state }) => state === 'trial')
  const held = Promise.withResolvers<() => void>()
  one.backend.answer = (_request, socket) => {
    held.resolve(() => socket.write(answerText('at last')))
    return null
  }
  const asked: Promise<{ readonly text: string }>[] = []
  await waitFor('the one request', async () => {
    if (one.asked() === 4) return true
    const answer = ask(gateway)
    asked.push(answer)
    await Promise.race([answer, held.promise])
    return undefined
  })
  const release = await held.promise
  for (let i = 0; i < 6; i++) assert.equal((await ask(gateway)).text, `from ${two.backend.port}`)
  assert.equal(one.asked(), 4)
  release()
  const answers = (await Promise.all(asked)).map(({ text }) => text)
  assert.equal(answers.at(-1), 'at last')
  const closed = await becomes(gateway, 'a closed circuit', ({ state }) => state === 'up')
  assert.equal(closed.openedBy, null)
})

test('without half-open the sleep ends with all counts at 0', async (t) => {
  const [one, two] = (await startTargets(t, 2)) as [Target, Target]
  const gateway = await start(t, [one, two], {
    breaker: { errorWindow: HOUR, errorThresholdValue: 2, sleepWindow: 1, halfOpenEnabled: false },
  })
  one.status = 404
  await askUntil(gateway, one, 2)
  await becomes(
    gateway,
    'a closed circuit that was open',
    ({ state, ejections }) => state === 'up' && ejections === 1,
  )
  await askUntil(gateway, one, 3)
  const counted = (await views(gateway))[0]
  assert.deepEqual([counted?.state, counted?.windowErrors], ['up', 1])
  await askUntil(gateway, one, 4)
  await becomes(gateway, 'a circuit open again', ({ ejections }) => ejections === 2)
})

test('checks take the only address out, which is ERR-014, and bring it back', async (t) => {
  const [one] = (await startTargets(t, 1)) as [Target]
  const gateway = await start(t, [one], { checks: { interval: 5, failThreshold: 1, passThreshold: 1 } })
  one.checkStatus = 404
  const out = await becomes(gateway, 'an address out by its check', ({ state }) => state === 'unhealthy')
  assert.deepEqual(
    [out.openedBy, out.consecutivePasses, out.consecutiveFailures, out.lastProbe?.isSuccess],
    ['health', 0, 1, false],
  )
  const answer = await ask(gateway)
  assert.equal(answer.status, 503)
  assert.match(answer.text, /ERR-014/)
  assert.equal(one.asked(), 0)
  one.checkStatus = 302
  const back = await becomes(gateway, 'the address back', ({ state }) => state === 'up')
  assert.deepEqual([back.openedBy, back.consecutivePasses, back.consecutiveFailures], [null, 1, 0])
  assert.equal((await ask(gateway)).status, 200)
})

test('a check that passes closes a circuit that errors opened, long before its sleep is over', async (t) => {
  const [one, two] = (await startTargets(t, 2)) as [Target, Target]
  const gateway = await start(t, [one, two], {
    breaker: { errorWindow: HOUR, errorThresholdValue: 1, sleepWindow: HOUR, halfOpenEnabled: true },
    checks: { interval: 5, failThreshold: 1, passThreshold: 1 },
  })
  one.status = 404
  await askUntil(gateway, one, 1)
  one.status = 200
  const closed = await becomes(
    gateway,
    'a closed circuit that was open',
    ({ state, ejections }) => state === 'up' && ejections === 1,
  )
  assert.deepEqual([closed.openedBy, closed.returnsAtMs], [null, null])
  assert.ok(closed.consecutivePasses >= 1)
  await askUntil(gateway, one, 2)
})
