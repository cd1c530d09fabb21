import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { answerText, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { MIB, readRss, sleep, waitForRest } from './support.ts'

/** Promise H5: memory is bounded by limits, not by peers; and no byte of one client reaches another. */

const LONG = process.env.HEADGATE_LONG === '1'
const CLIENTS = LONG ? 100 : 50
const SECONDS = LONG ? 30 : 5
const BODY = LONG ? 1024 * MIB : 128 * MIB

let gateway: GatewayProcess

before(async () => {
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway.stop()
})

async function route(node: string): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [node]: 1 } },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** Byte `at` of the body numbered `seed`: a pattern whose period is no power of two, so that a slip shows. */
const PERIOD = 65_521
function patternOf(seed: number): Buffer {
  const pattern = Buffer.alloc(2 * PERIOD)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < PERIOD; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    pattern[i] = state >>> 24
    pattern[i + PERIOD] = state >>> 24
  }
  return pattern
}

/** Bytes `[at, at + length)` of a body, without a copy; at most PERIOD of them. */
function pieceOf(pattern: Buffer, at: number, length: number): Buffer {
  const from = at % PERIOD
  return pattern.subarray(from, from + Math.min(length, PERIOD))
}

/** Compares what comes with a pattern; the number of wrong bytes counts once per piece. */
class Comparer {
  at = 0
  isWrong = false
  readonly #pattern: Buffer
  constructor(pattern: Buffer) {
    this.#pattern = pattern
  }
  take(chunk: Buffer): void {
    for (let i = 0; i < chunk.length; ) {
      const piece = pieceOf(this.#pattern, this.at, chunk.length - i)
      if (piece.compare(chunk, i, i + piece.length) !== 0) this.isWrong = true
      i += piece.length
      this.at += piece.length
    }
  }
}

/** Writes `total` bytes of a pattern as fast as the peer takes them, in chunks if `isChunked`. */
function pour(socket: Socket, pattern: Buffer, total: number, isChunked: boolean, done: () => void): void {
  let at = 0
  const go = (): void => {
    while (at < total) {
      const piece = pieceOf(pattern, at, Math.min(48_000, total - at))
      at += piece.length
      if (isChunked) socket.write(`${piece.length.toString(16)}\r\n`)
      const isFree = socket.write(piece)
      if (isChunked) socket.write('\r\n')
      if (!isFree) {
        socket.once('drain', go)
        return
      }
    }
    if (isChunked) socket.write('0\r\n\r\n')
    done()
  }
  go()
}

/** A backend that answers `GET /<seed>/<length>/<length|chunked>` with that body, and checks bodies that are sent to such a path. */
function startPatterns(): ReturnType<typeof startRawBackend> {
  return startRawBackend((socket) => {
    let head = ''
    let comparer: Comparer | null = null
    let left = 0
    const finish = (): void => {
      const isRight = comparer !== null && !comparer.isWrong
      comparer = null
      socket.write(answerText(isRight ? 'right' : 'wrong'))
    }
    const chunks = new Unchunker()
    let isChunked = false
    const takeBody = (bytes: Buffer): void => {
      if (comparer === null) return
      if (isChunked) {
        if (chunks.take(bytes, comparer)) finish()
        return
      }
      comparer.take(bytes)
      left -= bytes.length
      if (left === 0) finish()
    }
    socket.on('data', (chunk: Buffer) => {
      if (comparer !== null) return takeBody(chunk)
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const match = /^(\w+) \/(\d+)\/(\d+)\/(\w+)/.exec(head)
      assert.ok(match)
      const [, method, seed, size, framing] = match
      const pattern = patternOf(Number(seed))
      const rest = Buffer.from(head.slice(end + 4), 'latin1')
      head = ''
      if (method === 'GET') {
        socket.write(
          `HTTP/1.1 200 OK\r\n${framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`}\r\n\r\n`,
        )
        pour(socket, pattern, Number(size), framing === 'chunked', () => {})
        return
      }
      comparer = new Comparer(pattern)
      isChunked = framing === 'chunked'
      left = Number(size)
      if (rest.length > 0) takeBody(rest)
    })
    socket.on('end', () => socket.end())
  })
}

/** Takes chunk framing off; strict enough for what a gateway sends. */
class Unchunker {
  #line = ''
  #left = 0
  #inData = false
  #isLast = false
  /** True when the last chunk is read. */
  take(bytes: Buffer, comparer: Comparer): boolean {
    let i = 0
    while (i < bytes.length) {
      if (this.#inData) {
        const end = Math.min(bytes.length, i + this.#left)
        comparer.take(bytes.subarray(i, end))
        this.#left -= end - i
        i = end
        if (this.#left === 0) {
          this.#inData = false
          this.#line = ''
        }
        continue
      }
      const byte = String.fromCharCode(bytes[i++] as number)
      if (byte !== '\n') {
        if (byte !== '\r') this.#line += byte
        continue
      }
      if (this.#line === '') {
        if (this.#isLast) return this.#reset()
        continue // the end of a chunk's data
      }
      this.#left = Number.parseInt(this.#line, 16)
      this.#line = ''
      if (this.#left === 0) this.#isLast = true
      else this.#inData = true
    }
    return false
  }
  #reset(): true {
    this.#isLast = false
    return true
  }
}

/** Reads a head and hands the body's bytes on. */
function readBody(socket: Socket, onBytes: (bytes: Buffer) => void): void {
  let head: string | null = ''
  socket.on('data', (chunk: Buffer) => {
    if (head === null) return onBytes(chunk)
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const rest = Buffer.from(head.slice(end + 4), 'latin1')
    head = null
    if (rest.length > 0) onBytes(rest)
  })
}

/** Reads at most `bytes` each `ms`, until the client is closed. */
function trickle(socket: Socket, bytes: number, ms: number): void {
  let allowed = bytes
  socket.on('data', (chunk: Buffer) => {
    allowed -= chunk.length
    if (allowed <= 0) socket.pause()
  })
  const timer = setInterval(() => {
    allowed = Math.min(bytes, allowed + bytes)
    if (allowed > 0) socket.resume()
  }, ms)
  socket.on('close', () => clearInterval(timer))
}

test('many trickling readers and many uploads to a stalled backend take bounded memory', async () => {
  const patterns = await startPatterns()
  const stalled = await startRawBackend((socket) => socket.pause())
  await route(patterns.node)
  // code and buffers warm
  await download(1, 4 * MIB, 'length')
  const before = readRss(gateway.pid)
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, readRss(gateway.pid))
  }, 50)
  const clients: Socket[] = []
  for (let i = 0; i < CLIENTS; i++) {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    trickle(socket, 1024, 1000)
    socket.write(`GET /${i}/${1024 * MIB}/${i % 2 === 0 ? 'length' : 'chunked'} HTTP/1.1\r\nHost: a\r\n\r\n`)
    clients.push(socket)
  }
  await sleep(SECONDS * 500)
  const reading = most
  await route(stalled.node)
  const part = Buffer.alloc(64 * 1024, 'u')
  for (let i = 0; i < CLIENTS; i++) {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${1024 * MIB}\r\n\r\n`)
    const push = (): void => {
      while (socket.write(part));
      socket.once('drain', push)
    }
    push()
    clients.push(socket)
  }
  await sleep(SECONDS * 1000)
  clearInterval(watch)
  const grown = (most - before) / MIB
  console.log(
    `backpressure: RSS +${grown.toFixed(0)} MiB (${CLIENTS} slow readers +${((reading - before) / MIB).toFixed(0)}, then ${CLIENTS} uploads to a stalled backend)`,
  )
  for (const socket of clients) socket.destroy()
  await stalled.close()
  await patterns.close()
  await waitForRest(gateway)
  assert.ok(grown <= 64, `RSS grew by ${grown} MiB`)
})

function download(
  seed: number,
  size: number,
  framing: string,
  onStart?: (s: Socket) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1')
    const comparer = new Comparer(patternOf(seed))
    const chunks = new Unchunker()
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${comparer.at} of ${size} bytes`)))
    onStart?.(socket)
    readBody(socket, (bytes) => {
      let isDone = false
      if (framing === 'chunked') isDone = chunks.take(bytes, comparer)
      else {
        comparer.take(bytes)
        isDone = comparer.at === size
      }
      if (!isDone) return
      resolve(!comparer.isWrong && comparer.at === size)
      socket.destroy()
    })
    socket.write(`GET /${seed}/${size}/${framing} HTTP/1.1\r\nHost: a\r\n\r\n`)
  })
}

function upload(seed: number, size: number, framing: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', reject)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!/\r\n\r\n(right|wrong|<)/.test(text)) return
      resolve(text.slice(text.indexOf('\r\n\r\n') + 4))
      socket.destroy()
    })
    socket.on('close', () => reject(new Error(`closed: ${text}`)))
    const field = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
    socket.write(`PUT /${seed}/${size}/${framing} HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`)
    pour(socket, patternOf(seed), size, framing === 'chunked', () => {})
  })
}

test('slow readers with distinct bodies each get their own bytes, and so do slow backends', async () => {
  const patterns = await startPatterns()
  await route(patterns.node)
  const size = 3 * MIB
  const results = await Promise.all(
    Array.from({ length: 24 }, async (_, i) => {
      const framing = i % 2 === 0 ? 'length' : 'chunked'
      // every other reader stops again and again, each at its own pace
      const isRight = await download(100 + i, size + i, framing, (socket) => {
        if (i % 4 === 3) return
        const timer = setInterval(
          () => {
            socket.pause()
            setTimeout(() => socket.resume(), 2 + (i % 7))
          },
          9 + (i % 5),
        )
        socket.once('close', () => clearInterval(timer))
      })
      const said = await upload(200 + i, MIB + i, framing)
      return isRight && said === 'right'
    }),
  )
  const right = results.filter((isRight) => isRight).length
  console.log(`distinct bodies: ${right} of ${results.length} clients got and sent exactly their own bytes`)
  assert.equal(right, results.length)
  await patterns.close()
  await waitForRest(gateway)
})

test('a large body through a slow reader keeps memory flat, both ways and in both framings', async () => {
  const patterns = await startPatterns()
  await route(patterns.node)
  await download(1, 8 * MIB, 'chunked')
  await upload(1, 8 * MIB, 'chunked')
  const before = readRss(gateway.pid)
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, readRss(gateway.pid))
  }, 20)
  for (const framing of ['length', 'chunked']) {
    // stops for a moment every so often, so that the gateway has to wait for it
    const isRight = await download(7, BODY, framing, (socket) => {
      let bytes = 0
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes < 4 * MIB) return
        bytes = 0
        socket.pause()
        setTimeout(() => socket.resume(), 20)
      })
    })
    assert.ok(isRight, framing)
    assert.equal(await upload(8, BODY, framing), 'right')
  }
  clearInterval(watch)
  const grown = (most - before) / MIB
  console.log(`${BODY / MIB} MiB down and up, length and chunked: RSS +${grown.toFixed(0)} MiB`)
  // what is under way is a few hundred KiB; the rest is what the collector has not come to yet, whatever the length of the body
  assert.ok(grown <= 96, `RSS grew by ${grown} MiB`)
  await patterns.close()
  await waitForRest(gateway)
})
