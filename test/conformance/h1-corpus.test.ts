import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANSWERS } from './corpus/answers.ts'
import { REQUESTS } from './corpus/requests.ts'
import { everyByte, NEVER_FORWARDED, readAnswers, readRequests } from './read-connection.ts'

const FOLLOWER = 'GET /follower HTTP/1.1\r\nHost: follower\r\n\r\n'

describe('request corpus', () => {
  it('holds at least 150 requests', () => {
    assert.ok(REQUESTS.length >= 150)
    console.log(`h1 corpus: ${REQUESTS.length} requests, ${ANSWERS.length} answers`)
  })

  for (const { name, input, outcome, connection, seen } of REQUESTS) {
    it(`request: ${name}`, () => {
      const result = readRequests(input)
      const [first] = result.messages
      if (typeof outcome === 'number') {
        assert.ok(typeof result.end === 'object', `it was not refused but ${result.end}`)
        assert.equal(result.end.status, outcome, result.end.error)
        assert.ok(first === undefined || !first.isComplete)
        // Whatever the connection does next, a refused head gives no later request.
        if (connection === 'close')
          assert.equal(readRequests(input + FOLLOWER).messages.length, result.messages.length)
        return
      }
      if (outcome === 'cut') {
        assert.equal(result.end, 'cut')
        assert.ok(first === undefined || !first.isComplete)
        return
      }
      assert.ok(first, JSON.stringify(result.end))
      assert.ok(first.isComplete)
      assert.equal(first.line.endsWith(' own'), outcome === 'own')
      if (connection !== 'either') {
        const followed = readRequests(input + FOLLOWER)
        assert.equal(followed.messages.length, connection === 'keep' ? 2 : 1)
        if (connection === 'keep') assert.equal(followed.messages[1]?.line, 'GET /follower 1.1')
      }
      const [method, target] = first.line.split(' ')
      if (seen?.method !== undefined) assert.equal(method, seen.method)
      if (seen?.target !== undefined) assert.equal(target, seen.target)
      if (seen?.host !== undefined) assert.equal(first.host, seen.host)
      if (seen?.body !== undefined) assert.equal(first.body, seen.body)
      for (const absent of seen?.without ?? []) {
        for (const [field, , kind] of first.fields) {
          assert.ok(
            field.toLowerCase() !== absent || NEVER_FORWARDED.has(kind),
            `${absent} would be forwarded`,
          )
        }
      }
      for (const [field, value] of Object.entries(seen?.fields ?? {})) {
        const values: string[] = first.fields
          .filter((each) => each[0].toLowerCase() === field)
          .map((each) => each[1])
        assert.equal(values.join(', '), value)
      }
    })
  }

  it('reads every request the same, whole or cut behind every byte', () => {
    for (const { name, input } of REQUESTS) {
      const text = input + FOLLOWER
      assert.deepEqual(readRequests(text, everyByte(text)), readRequests(text), name)
    }
  })
})

describe('answer corpus', () => {
  it('holds at least 50 answers', () => {
    assert.ok(ANSWERS.length >= 50)
  })

  for (const { name, input, method, outcome, reuse, status, body } of ANSWERS) {
    it(`answer: ${name}`, () => {
      const result = readAnswers(input, method ?? 'GET')
      const final = result.messages.find((message) => !message.line.startsWith('1.1 1'))
      if (outcome === 'refused') {
        assert.equal(final, undefined)
        assert.ok(result.end !== 'closed')
        return
      }
      assert.ok(final, JSON.stringify(result.end))
      assert.equal(final.isComplete, outcome === 'pass')
      if (status !== undefined) assert.equal(final.line.split(' ')[1], String(status))
      if (body !== undefined) assert.equal(final.body, body)
      if (reuse !== undefined) {
        const isClean = result.end === 'open' && result.messages.at(-1) === final
        assert.equal(isClean && final.keepAlive, reuse)
      }
    })
  }

  it('reads every answer the same, whole or cut behind every byte', () => {
    for (const { name, input, method } of ANSWERS) {
      const whole = readAnswers(input, method ?? 'GET')
      assert.deepEqual(readAnswers(input, method ?? 'GET', everyByte(input)), whole, name)
    }
  })
})
