/**
 * What both this codec and llhttp accept must mean the same to both: method, target, fields, framing, body. And what goes out must be
 * read by llhttp as it was meant. Inputs: the corpus and mutations of it (`HEADGATE_DIFFERENTIAL` sets their number).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANSWERS } from './corpus/answers.ts'
import { REQUESTS } from './corpus/requests.ts'
import { type LlhttpMessage, readWithLlhttp } from './llhttp.ts'
import { mutate, seededRandom } from './mutate.ts'
import { type ReadMessage, readAnswers, readRequests } from './read-connection.ts'

const INPUTS = Number(process.env.HEADGATE_DIFFERENTIAL ?? 10_000)
const SEED = Number(process.env.HEADGATE_FUZZ_SEED ?? 20_261_125)

/**
 * Differences on purpose, by name, with the number of times they were met. `llhttp is stricter` lists the reasons for which it may refuse
 * what we accept; any other reason fails the test.
 */
class Differences {
  readonly met = new Map<string, number>()
  count(name: string): void {
    this.met.set(name, (this.met.get(name) ?? 0) + 1)
  }
  toString(): string {
    return [...this.met].map(([name, times]) => `${name} ${times}`).join(', ')
  }
}

/** Why llhttp may refuse a request that we accept. */
const STRICTER_ON_REQUESTS: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD: 'it knows a fixed list of methods, we pass any token',
  HPE_CLOSED_CONNECTION: 'it reports bytes behind the last request, we ignore them',
  HPE_INVALID_EOF_STATE: 'the input ends inside a later message',
  HPE_PAUSED_UPGRADE: 'it stops behind an Upgrade, we serve the request as plain',
}

/** The same behind a message with trailers. */
const IN_TRAILERS: Readonly<Record<string, string>> = {
  HPE_INVALID_CONTENT_LENGTH: 'it acts on framing fields in trailers, we drop them',
  HPE_INVALID_TRANSFER_ENCODING: 'it acts on framing fields in trailers, we drop them',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'it acts on framing fields in trailers, we drop them',
}

/** Why llhttp may refuse an answer that we accept. */
const STRICTER_ON_ANSWERS: Readonly<Record<string, string>> = {
  HPE_UNEXPECTED_CONTENT_LENGTH: 'it refuses a second Content-Length, we collapse equal ones',
}

function targetOf(message: ReadMessage): string {
  return message.line.split(' ')[1] ?? ''
}

function compareRequests(ours: ReadMessage, theirs: LlhttpMessage, differences: Differences): void {
  const [method, target] = ours.line.split(' ')
  const [theirMethod, theirTarget = ''] = theirs.line.split(' ')
  assert.equal(method, theirMethod)
  if (/^http:\/\//i.test(theirTarget)) {
    differences.count('absolute form: origin form and Host are made from it')
    assert.ok(
      theirTarget.endsWith(target ?? '') || target === '/' || target === '*' || target?.startsWith('/?'),
    )
    assert.ok(theirTarget.slice(7).startsWith(ours.host))
  } else {
    assert.equal(target, theirTarget)
  }
  assert.equal(Number(ours.line.split(' ')[2]?.[2]), theirs.minorVersion)
  compareFields(ours, theirs)
  if (ours.isComplete && theirs.isComplete) assert.equal(ours.body, theirs.body)
  if (ours.keepAlive !== theirs.keepAlive) {
    // A 1.0 client that sends a body without a length: we close behind it.
    assert.ok(theirs.keepAlive && ours.line.includes(' 1.0'), 'keepAlive differs')
    differences.count('1.0 request without length: we close')
  }
}

function compareFields(ours: ReadMessage, theirs: LlhttpMessage): void {
  assert.deepEqual(
    ours.fields.map(([name, value]) => `${name}: ${value}`),
    theirs.fields.map(([name, value]) => `${name}: ${value}`),
  )
}

function compareAllRequests(text: string, differences: Differences): number {
  const ours = readRequests(text)
  const theirs = readWithLlhttp(text, null)
  let compared = 0
  for (const [i, message] of ours.messages.entries()) {
    const counterpart = theirs.messages[i]
    if (counterpart === undefined) {
      const hasTrailers = ours.messages.some((each) => each.trailers !== null)
      const reason =
        STRICTER_ON_REQUESTS[theirs.error ?? ''] ??
        (hasTrailers ? IN_TRAILERS[theirs.error ?? ''] : undefined)
      assert.ok(reason, `llhttp alone refuses: ${theirs.error}`)
      differences.count(reason)
      return compared
    }
    compareRequests(message, counterpart, differences)
    compared++
    if (counterpart.upgrade) {
      differences.count('Upgrade: llhttp hands the rest over, we read on')
      return compared
    }
  }
  return compared
}

/** The message as a forwarder writes it, from what was read. */
function rewrite(message: ReadMessage): string {
  const [method] = message.line.split(' ')
  const [length, isChunked] = message.framing.split(' ')
  const body = message.body
  const framing =
    isChunked === 'true'
      ? 'Transfer-Encoding: chunked\r\n'
      : length === '-1'
        ? ''
        : `Content-Length: ${length}\r\n`
  const written =
    isChunked === 'true'
      ? `${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`
      : body
  const host = message.host === '' ? 'upstream' : message.host
  return `${method} ${targetOf(message)} HTTP/1.1\r\nHost: ${host}\r\n${message.forwarded}${framing}\r\n${written}`
}

describe('llhttp', () => {
  it('reads every request of the corpus that both accept as we do', () => {
    const differences = new Differences()
    let compared = 0
    for (const { name, input } of REQUESTS) {
      try {
        compared += compareAllRequests(input, differences)
      } catch (error) {
        throw new Error(`${name}: ${String(error)}`)
      }
    }
    console.log(`llhttp differential, corpus: ${compared} requests agree; on purpose: ${differences}`)
    assert.ok(compared > 80)
  })

  it('reads mutated requests that both accept as we do', () => {
    const random = seededRandom(SEED)
    const good = REQUESTS.filter((each) => each.outcome === 'pass' && each.input.length < 2000).map(
      (each) => each.input,
    )
    const differences = new Differences()
    let compared = 0
    for (let i = 0; i < INPUTS; i++) {
      const text = mutate(good[Math.floor(random() * good.length)] ?? '', good, random)
      try {
        compared += compareAllRequests(text, differences)
      } catch (error) {
        throw new Error(`${JSON.stringify(text)}: ${String(error)}`)
      }
    }
    console.log(
      `llhttp differential, ${INPUTS} mutations: ${compared} requests agree; on purpose: ${differences}`,
    )
    assert.ok(compared > INPUTS / 10)
  })

  it('reads what we would send upstream as exactly the request that we read', () => {
    let sent = 0
    for (const { name, input } of REQUESTS) {
      for (const message of readRequests(input).messages) {
        const [method] = message.line.split(' ')
        if (!message.isComplete || message.line.endsWith(' own')) continue
        const { messages, error } = readWithLlhttp(rewrite(message), null)
        if (error === 'HPE_INVALID_METHOD') continue
        assert.equal(error, null, name)
        assert.equal(messages.length, 1, name)
        assert.equal(messages[0]?.line, `${method} ${targetOf(message)}`, name)
        assert.equal(messages[0]?.body, message.body, name)
        sent++
      }
    }
    console.log(`llhttp reads ${sent} rewritten requests`)
    assert.ok(sent > 80)
  })

  it('reads answers that both accept as we do', () => {
    const random = seededRandom(SEED + 1)
    const good = ANSWERS.filter((each) => each.outcome === 'pass')
    const texts = good.map((each) => each.input)
    const differences = new Differences()
    let compared = 0
    for (let i = 0; i < INPUTS + ANSWERS.length; i++) {
      const source = ANSWERS[i] ?? good[Math.floor(random() * good.length)]
      if (source === undefined) break
      const text = i < ANSWERS.length ? source.input : mutate(source.input, texts, random)
      const method = source.method ?? 'GET'
      const ours = readAnswers(text, method)
      const theirs = readWithLlhttp(text, method)
      for (const [j, message] of ours.messages.entries()) {
        const counterpart = theirs.messages[j]
        if (message.line.startsWith('1.1 101')) {
          differences.count('101: llhttp hands the rest over, the codec leaves that to its caller')
          break
        }
        if (counterpart === undefined) {
          const reason = STRICTER_ON_ANSWERS[theirs.error ?? '']
          assert.ok(reason, `llhttp alone refuses: ${theirs.error} ${JSON.stringify(text)}`)
          differences.count(reason)
          break
        }
        try {
          assert.equal(message.line.slice(4), counterpart.line)
          compareFields(message, counterpart)
          if (counterpart.upgrade) break
          if (message.framing.includes(' chunked ') && /chunked[ \t]*\t/i.test(text)) {
            // RFC 9110 section 5.5: blanks around a value, TAB too, are no part of it.
            differences.count('a TAB behind chunked: llhttp takes it for another coding')
            break
          }
          if (message.framing.includes(' none ')) {
            // RFC 9112 section 6.3: whatever the fields say.
            if (counterpart.body !== '') differences.count('llhttp reads a body behind 1xx, 204 or 304')
            if (!counterpart.isComplete || counterpart.body !== '') break
          } else if (message.isComplete && counterpart.isComplete) {
            assert.equal(message.body, counterpart.body)
          }
        } catch (error) {
          throw new Error(`${JSON.stringify(text)}: ${String(error)}`)
        }
        compared++
      }
    }
    console.log(`llhttp differential, answers: ${compared} agree; on purpose: ${differences}`)
    assert.ok(compared > INPUTS / 10)
  })
})
