import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readH2load, readHandshakes, readLog, readWrk } from './load.ts'

const WRK = `Running 1s test @ http://127.0.0.1:18081/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   145.33us  107.69us   2.37ms   69.77%
    Req/Sec    21.14k   304.08    21.79k    80.00%
  Latency Distribution
     50%  130.00us
     75%  201.00us
     90%  255.00us
     99%    1.20ms
  20994 requests in 1.10s, 2.94MB read
Requests/sec:  20987.77
`

const H2LOAD = `finished in 501.18ms, 416.00 req/s, 61.75KB/s
requests: 208 total, 208 started, 208 done, 208 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 208 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 30.88KB (31616) total, 21.94KB (22464) headers (space savings 0.00%), 1.02KB (1040) data
                     min         max         mean         sd        +/- sd
time for request:      151us      3.34ms       542us       721us    92.31%
`

test('reads rate and quantiles of wrk, in any of its units', () => {
  assert.deepEqual(readWrk(WRK), {
    requests: 20_994,
    seconds: 1.1,
    errors: 0,
    p50Ms: 0.13,
    p99Ms: 1.2,
    maxMs: Number.NaN,
  })
  assert.equal(readWrk(WRK.replace('1.20ms', '2.50s')).p99Ms, 2500)
})

test('counts bad answers and broken connections of wrk as failed, and only good answers as requests', () => {
  const text = `${WRK}  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 94\n`
  const { requests, errors } = readWrk(text)
  assert.deepEqual({ requests, errors }, { requests: 20_900, errors: 104 })
})

test('reads counts and the longest time of h2load', () => {
  const { requests, errors, maxMs } = readH2load(H2LOAD, 0.5)
  assert.deepEqual({ requests, errors, maxMs }, { requests: 208, errors: 0, maxMs: 3.34 })
})

test('counts each failed request of h2load once, and bad answers', () => {
  const text = H2LOAD.replace('0 failed, 0 errored', '5 failed, 5 errored').replace(
    '208 2xx, 0 3xx, 0 4xx, 0 5xx',
    '200 2xx, 0 3xx, 1 4xx, 2 5xx',
  )
  assert.equal(readH2load(text, 0.5).errors, 8)
})

test('a generator that printed nothing is an error', () => {
  assert.throws(() => readWrk('unable to connect'), /wrk printed nothing to read: unable to connect/)
  assert.throws(() => readH2load('', 1), /h2load printed nothing/)
})

test('reads how many handshakes openssl made in the whole time, not in its own processor time', () => {
  const text =
    'Collecting connection statistics for 2 seconds\n\n\n610 connections in 0.61s; 1000.00 connections/user sec, bytes read 0\n611 connections in 3 real seconds, 0 bytes read per connection\n'
  assert.equal(readHandshakes(text), 611)
  assert.throws(() => readHandshakes('ERROR'), /openssl printed nothing to read: ERROR/)
})

test('quantiles come from the log of single requests', () => {
  const lines = Array.from({ length: 101 }, (_, i) => `1795678767096778\t200\t${i * 1000}`)
  assert.deepEqual(readLog(`${lines.join('\n')}\n`), { p50Ms: 50, p99Ms: 99, maxMs: 100 })
})
