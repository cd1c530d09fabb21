import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { test } from 'node:test'
import type { PlannedListener } from '../model/listener.ts'
import type { ToWorker } from './messages.ts'
import { PlannedListeners } from './planned-listeners.ts'

/** Listeners that documents ask for, with real ports and workers that only hear of them. */

function setUp() {
  const sent: ToWorker[] = []
  const events: string[] = []
  let onEvent = (): void => {}
  const planned = new PlannedListeners({
    broadcast: (message) => void sent.push(message),
    settle: async () => {},
    log: () => {},
    emit: (_type, text) => {
      events.push(text)
      onEvent()
    },
    retryMs: 20,
  })
  const nextEvent = (): Promise<void> =>
    new Promise((resolve) => {
      onEvent = resolve
    })
  const told = () =>
    sent.map((message) => {
      if (message.type === 'openPlanned')
        return message.sockets.map(({ id, protocol }) => `open ${id} ${protocol}`).join()
      return message.type === 'closePlanned' ? `close ${message.ids.join()}` : message.type
    })
  return { planned, told, events, nextEvent }
}

function listener(id: string, port: number, protocol: 'http' | 'tcp' = 'http'): PlannedListener {
  return {
    kind: 'listener',
    id,
    name: `outbound ${id}`,
    origin: { dialect: 'kuma', kind: 'dataplane', id: 'default:site', path: '' },
    protocol,
    address: '127.0.0.1',
    port,
    section: 'kuma',
  }
}

/** A port that somebody listens on, and its end. */
async function occupy(): Promise<{ readonly port: number; free(): Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    free: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** One that is free now. */
async function freePort(): Promise<number> {
  const { port, free } = await occupy()
  await free()
  return port
}

const asked = (upserts: readonly PlannedListener[], gone: readonly string[] = []) => ({
  upserts,
  removals: gone.map((id) => ({ kind: 'listener', id })),
})

test('nothing is opened before the gateway is ready for it, then everything is, and what goes is closed', async () => {
  const { planned, told } = setUp()
  const port = await freePort()
  planned.note(asked([listener('a', port)]))
  assert.deepEqual(told(), [])
  await planned.open()
  assert.deepEqual(told(), ['open a http'])
  assert.deepEqual(
    planned.plans().map(({ host, port: at, section }) => [host, at, section]),
    [['127.0.0.1', port, 'kuma']],
  )
  assert.equal(planned.statuses()[0]?.reason, null)
  planned.note(asked([], ['a']))
  await planned.close()
  assert.deepEqual(told(), ['open a http', 'close a'])
  assert.deepEqual(planned.statuses(), [])
})

test('a port in use keeps nobody else from serving, is told once, and is opened when it is free', async () => {
  const { planned, told, events, nextEvent } = setUp()
  const taken = await occupy()
  planned.note(asked([listener('taken', taken.port), listener('free', await freePort())]))
  await planned.open()
  assert.deepEqual(told(), ['open free http'])
  const reason = planned.statuses().find(({ id }) => id === 'taken')?.reason
  assert.match(reason ?? '', /in use/)
  await planned.open()
  assert.equal(events.length, 1)
  const opened = nextEvent()
  await taken.free()
  await opened
  assert.match(events[1] ?? '', /^outbound taken is open$/)
  await planned.open()
  assert.deepEqual(told(), ['open free http', 'open taken http'])
  await planned.close()
})

test('a listener that speaks something else now keeps its socket', async () => {
  const { planned, told } = setUp()
  const port = await freePort()
  planned.note(asked([listener('a', port)]))
  await planned.open()
  planned.note(asked([listener('a', port, 'tcp')]))
  await planned.open()
  assert.deepEqual(told(), ['open a http', 'open a tcp'])
  await planned.close()
})

test('an address that one listener leaves can be taken by another in the same change', async () => {
  const { planned, told } = setUp()
  const port = await freePort()
  planned.note(asked([listener('a', port)]))
  await planned.open()
  planned.note(asked([listener('b', port)], ['a']))
  await planned.open()
  assert.deepEqual(told(), ['open a http', 'close a', 'open b http'])
  await planned.close()
})

test('an address that moves is looked at once the workers have closed it', async (t) => {
  const servers = new Map<string, Server>()
  const left: Server[] = []
  const opened: Promise<unknown>[] = []
  let settles = 0
  const planned = new PlannedListeners({
    broadcast: (message) => {
      if (message.type === 'openPlanned')
        for (const { id, host, port } of message.sockets) {
          const server = createServer().listen({ host, port, reusePort: true })
          servers.set(id, server)
          opened.push(once(server, 'listening'))
        }
      else if (message.type === 'closePlanned')
        for (const id of message.ids) left.push(servers.get(id) as Server)
    },
    // a worker comes to its messages when it has the time
    settle: async () => {
      settles++
      for (const server of left.splice(0)) server.close()
    },
    log: () => {},
    emit: () => {},
  })
  t.after(async () => {
    await planned.close()
    for (const server of servers.values()) server.close()
  })
  const taken = [await occupy(), await occupy()] as const
  const [first, second] = [taken[0].port, taken[1].port]
  for (const { free } of taken) await free()
  planned.note(asked([listener('a', first), listener('b', second)]))
  await planned.open()
  await Promise.all(opened)
  planned.note(asked([listener('c', first), listener('d', second)], ['a', 'b']))
  await planned.open()
  assert.deepEqual(
    planned.statuses().map(({ id, reason }) => [id, reason]),
    [
      ['c', null],
      ['d', null],
    ],
  )
  assert.equal(settles, 1)
})

test('of several that ask for one place the first by id has it, and the others are told whose it is', async (t) => {
  const { planned, told, events } = setUp()
  t.after(() => planned.close())
  const port = await freePort()
  planned.note(asked([listener('b', port)]))
  await planned.open()
  planned.note(asked([listener('a', port, 'tcp'), listener('c', port)]))
  await planned.open()
  assert.deepEqual(told(), ['open b http', 'close b', 'open a tcp'])
  const reasons = () => planned.statuses().map(({ id, reason }) => `${id}: ${reason}`)
  const why = 'outbound a of dataplane/default:site has that address'
  assert.deepEqual(reasons(), [`b: ${why}`, 'a: null', `c: ${why}`])
  assert.equal(events.length, 2)
  planned.note(asked([], ['a']))
  await planned.open()
  assert.deepEqual(told().slice(3), ['close a', 'open b http'])
})

test('what one worker cannot open is closed in all, told, and tried again', async () => {
  const { planned, told, events, nextEvent } = setUp()
  planned.note(asked([listener('a', await freePort())]))
  await planned.open()
  const failed = nextEvent()
  planned.noteFailure('a', 'no descriptor is left')
  await failed
  assert.match(planned.statuses()[0]?.reason ?? '', /no descriptor is left/)
  assert.deepEqual(planned.plans(), [])
  await nextEvent()
  assert.match(events[1] ?? '', /^outbound a is open$/)
  await planned.open()
  assert.deepEqual(told(), ['open a http', 'close a', 'open a http'])
  await planned.close()
})
