/** Time to read one request head and to write its fields again. `node bench/micro/request-head.bench.ts`; mirrors src/proxy/http1/. */
import { FIELD } from '../../src/proxy/http1/head-fields.ts'
import { parseRequestHead, RequestHead } from '../../src/proxy/http1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../src/proxy/http1/response-head.ts'
import { resolveTarget } from '../../src/proxy/http1/target.ts'
import { appendFields, skipKinds } from '../../src/proxy/http1/write-fields.ts'

const LIMITS = {
  maxTargetBytes: 8192,
  maxHeadBytes: 32_768,
  maxFields: 100,
  maxResponseHeadBytes: 65_536,
  maxResponseFields: 100,
}
const ROUNDS = 100_000
const RUNS = 15

const small = Buffer.from(
  'GET /api/v1/items?page=2 HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n' +
    'X-Request-Id: 0f3a9c1e5b7d2468\r\nConnection: keep-alive\r\n\r\n',
)
const browser = Buffer.from(
  `GET /assets/app.css HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n` +
    `User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n` +
    `Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n` +
    `Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nReferer: https://shop.example/\r\n` +
    `Cookie: ${'session=abcdef0123456789; '.repeat(10)}\r\nIf-None-Match: "abc"\r\nUpgrade-Insecure-Requests: 1\r\n\r\n`,
)
const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Wed, 25 Nov 2026 22:00:00 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 12\r\nConnection: keep-alive\r\n\r\n',
)

const head = new RequestHead(LIMITS.maxFields)
const answerHead = new ResponseHead(LIMITS.maxResponseFields)
const skip = skipKinds(FIELD.HOST, FIELD.CONNECTION, FIELD.CONTENT_LENGTH)
const resolved = { path: '', query: null as string | null }
let sink = 0

function readRequest(input: Buffer): void {
  head.reset()
  const end = parseRequestHead(head, input.toString('latin1', 0, input.length), 0, LIMITS)
  if (end !== input.length) throw new Error(`not read: ${head.error}`)
  sink += head.fields.count
}

/** The best of several runs, in processor time, so that other work on the machine disturbs little. */
function measure(name: string, work: () => void): void {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage().user
    for (let i = 0; i < ROUNDS; i++) work()
    best = Math.min(best, ((process.cpuUsage().user - before) * 1000) / ROUNDS)
  }
  console.log(`${name}: ${best.toFixed(0)} ns`)
}

measure('latin1 text of a head of 5 fields', () => {
  sink += small.toString('latin1', 0, small.length).length
})
measure('request head, 5 fields (text included)', () => readRequest(small))
measure('the same, buffer given', () => {
  head.reset()
  sink += parseRequestHead(head, small.toString('latin1', 0, small.length), 0, LIMITS, small)
})
measure('request head, 12 fields of a browser', () => readRequest(browser))
measure('answer head, 5 fields', () => {
  answerHead.reset()
  sink += parseResponseHead(answerHead, answer.toString('latin1', 0, answer.length), 0, LIMITS)
})
readRequest(small)
measure('resolve a plain target', () => {
  if (resolveTarget(head.target, resolved)) sink += resolved.path.length
})
measure('write the fields again', () => {
  sink += appendFields(head.fields, skip).length
})
if (sink === 0) throw new Error('nothing was measured')
