import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { RouteTraffic, SplitTraffic, TrafficFigures, TrafficReport } from '../model/traffic.ts'
import { CliError } from './cli-error.ts'
import type { CliIo } from './output.ts'
import { formatRows, formatScreen, formatTotals, runTop, type Screen } from './top.ts'

const PLAIN = { hasColor: false, columns: null }
const FIGURES: TrafficFigures = {
  requests: 500,
  rates: { last1s: 3.25, last10s: 50.4, last60s: 1234.5 },
  errorRatio: 0.0123,
  latencyMs: { p50: 0.42, p95: 18.6, p99: 1234 },
}
const target = (given: Partial<SplitTraffic>): SplitTraffic => ({
  kind: 'target',
  route: 'apisix/routes/1',
  name: 'shop',
  rule: 0,
  target: 0,
  variant: 'v1',
  upstream: 'u',
  weight: 3,
  configuredShare: 0.6,
  observedShare: 0.6,
  decisions: 300,
  ...FIGURES,
  ...given,
})
const route = (id: string, name = ''): RouteTraffic => ({
  kind: 'route',
  route: id,
  name,
  bytesInPerSecond: 999,
  bytesOutPerSecond: 1_234_000,
  ...FIGURES,
})
const report = (given: Partial<TrafficReport>): TrafficReport => ({
  atMs: 0,
  sampledSeconds: 60,
  isPartial: false,
  view: 'routes',
  totals: { ...FIGURES, connections: 7, inFlight: 2, upstreamConnections: 3 },
  rows: [],
  ...given,
})

test('shows the observed share next to the configured one, and none where nothing was chosen', () => {
  const rows = [target({}), target({ variant: 'v2', observedShare: null, decisions: 0, latencyMs: null })]
  const lines = formatRows(report({ view: 'splits', rows }), PLAIN).split('\n')
  assert.match(
    lines[1] ?? '',
    /^ {5}3 {7}60\.0% {5}60\.0% {4}3\.3 +50 +1235 +1\.2% +0\.4 +19 +1234 +v1 +apisix\/routes\/1 rule 0 \(shop\)$/,
  )
  assert.match(lines[2] ?? '', /60\.0% {9}- .* - +- +- +v2/)
})

test('colours errors, and a share that is off once enough choices tell', () => {
  const rows = [
    target({ observedShare: 0.4, decisions: 300 }),
    target({ observedShare: 0.4, decisions: 9, errorRatio: 0 }),
    target({ observedShare: 0.61, errorRatio: 0.2 }),
  ]
  const [, off, few, good] = formatRows(report({ view: 'splits', rows }), {
    hasColor: true,
    columns: null,
  }).split('\n')
  assert.match(off ?? '', /\u001b\[33m +40\.0%/)
  assert.doesNotMatch(few ?? '', /\u001b/)
  assert.match(good ?? '', /\u001b\[32m +61\.0%.*\u001b\[31m +20\.0%/)
})

test('names what belongs to no route, and tells when figures are young or not whole', () => {
  const rows = [route('apisix/routes/1', 'shop'), route(''), route('_other')]
  const lines = formatRows(report({ rows }), PLAIN).split('\n')
  assert.match(lines[1] ?? '', /999B +1\.2M +apisix\/routes\/1 \(shop\)$/)
  assert.match(lines[2] ?? '', /\(no route\)$/)
  assert.match(lines[3] ?? '', /\(other routes\)$/)
  assert.match(
    formatTotals(report({ sampledSeconds: 3.2, isPartial: true })),
    /7 connections {2}2 in flight {2}\(3 s of figures\) {2}\(not all/,
  )
})

test('a screen never has more lines or columns than the terminal', () => {
  const rows = Array.from({ length: 40 }, (_, i) => route(`apisix/routes/with-a-long-name-${i}`))
  for (const [height, columns] of [
    [24, 80],
    [10, 40],
    [4, 20],
  ] as const) {
    const text = formatScreen(report({ rows }), 'routes', 'rate', { hasColor: false, columns }, height)
    const lines = text.split('\n')
    assert.ok(lines.length <= Math.max(height, 7), `${lines.length} lines on ${height}`)
    for (const line of lines.slice(0, 2)) assert.ok(line.length <= columns)
    assert.match(lines.at(-1) ?? '', /^\d+ more$/)
  }
})

/** A server that streams what it is told to, and remembers what it was asked for. */
async function startServer() {
  const asked: URL[] = []
  const streams: ServerResponse[] = []
  let onAsked = (): void => {}
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://x'))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    streams.push(response)
    onAsked()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    streams,
    next: () =>
      new Promise<void>((resolve) => {
        onAsked = resolve
      }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

class FakeScreen implements Screen {
  drawn: string[] = []
  isOpen = false
  listeners = 0
  key: (key: string) => void = () => {}
  resize: () => void = () => {}
  columns = 120
  #wake = (): void => {}
  size() {
    return { rows: 20, columns: this.columns }
  }
  draw(text: string): void {
    this.drawn.push(text)
    this.#wake()
  }
  async drawnWith(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.drawn.at(-1) ?? '')) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
  onKey(listener: (key: string) => void) {
    this.key = listener
    this.listeners++
    return () => void this.listeners--
  }
  onResize(listener: () => void) {
    this.resize = listener
    this.listeners++
    return () => void this.listeners--
  }
  open(): void {
    this.isOpen = true
  }
  close(): void {
    this.isOpen = false
  }
}

const io: CliIo = {
  write: () => {},
  writeError: () => {},
  readInput: async () => '',
  environment: {},
  hasColor: false,
  isInteractive: true,
  columns: 120,
}

test('redraws with each second, changes the view by a key, and leaves the terminal as it was', async (t) => {
  const server = await startServer()
  t.after(() => server.close())
  const screen = new FakeScreen()
  let asked = server.next()
  const running = runTop('routes', { server: server.url, sort: 'rate', output: 'table' }, io, screen)
  await asked
  assert.equal(screen.isOpen, true)
  assert.match(screen.drawn.at(-1) ?? '', /waiting for the first second/)
  assert.equal(server.asked[0]?.search, '?view=routes&sort=rate&limit=100&watch=true')
  const event = (given: Partial<TrafficReport>) =>
    `event: traffic\ndata: ${JSON.stringify(report(given))}\n\n`
  server.streams[0]?.write(event({ rows: [route('apisix/routes/1', 'first')] }))
  await screen.drawnWith(/\(first\)/)
  screen.columns = 60
  screen.resize()
  assert.ok((screen.drawn.at(-1) ?? '').split('\n')[0]?.length === 60)
  asked = server.next()
  screen.key('s')
  await asked
  assert.equal(server.asked[1]?.searchParams.get('view'), 'splits')
  server.streams[1]?.write(event({ view: 'splits', rows: [target({ variant: 'canary-variant' })] }))
  await screen.drawnWith(/CONFIGURED/)
  asked = server.next()
  screen.key('o')
  await asked
  assert.equal(server.asked[2]?.searchParams.get('sort'), 'errors')
  screen.key('q')
  assert.equal(await running, 0)
  assert.equal(screen.isOpen, false)
  assert.equal(screen.listeners, 0)
})

test('a gateway that goes away ends it with one clear line, and the terminal is given back', async (t) => {
  const server = await startServer()
  t.after(() => server.close())
  const screen = new FakeScreen()
  const asked = server.next()
  const running = runTop('routes', { server: server.url, sort: 'rate', output: 'table' }, io, screen)
  await asked
  server.streams[0]?.end()
  await assert.rejects(running, (error) => error instanceof CliError && /ended/.test(error.message))
  assert.equal(screen.isOpen, false)
})
