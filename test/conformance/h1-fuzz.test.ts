/**
 * Mutation fuzz of the corpus. `HEADGATE_FUZZ` sets the number of inputs, `HEADGATE_FUZZ_SEED` the seed. Every input is read whole and in pieces:
 * both must agree, nothing may throw, nothing may wait for bytes that cannot come, and what is accepted must go out canonical.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ANSWERS } from './corpus/answers.ts'
import { REQUESTS } from './corpus/requests.ts'
import { mutate, randomCuts, seededRandom } from './mutate.ts'
import { type ReadConnection, readAnswers, readRequests } from './read-connection.ts'

const INPUTS = Number(process.env.HEADGATE_FUZZ ?? 20_000)
const SEED = Number(process.env.HEADGATE_FUZZ_SEED ?? 20_261_125)

// The grammar of what goes out, written down a second time and in another way than in the parser.
const LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ (\/[!"$-~]*|\*) 1\.[01]( own)?$/
const STATUS_LINE = /^1\.[01] [1-5][0-9][0-9] [\t -~\x80-\xff]*$/
const FIELDS = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*$/
const HOST = /^(([0-9A-Za-z\-._~]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)?$/

function isCanonical(connection: ReadConnection, isAnswer: boolean): boolean {
  return connection.messages.every((message) => {
    const names = message.fields.filter(([, , kind]) => kind === 0).map(([name]) => name.toLowerCase())
    const [length, isChunked] = message.framing.split(' ')
    return (
      (isAnswer ? STATUS_LINE : LINE).test(message.line) &&
      HOST.test(message.host) &&
      FIELDS.test(message.forwarded) &&
      !names.some((name) =>
        /^(content-length|transfer-encoding|host|connection|te|upgrade|trailer)$/.test(name),
      ) &&
      (length === '-1' || isChunked === 'false')
    )
  })
}

/** A reader that waits inside a head although the head is over, or broken, by what it already has. */
function isHung(connection: ReadConnection): boolean {
  const isInHead = connection.end === 'cut' && connection.messages.at(-1)?.isComplete !== false
  return isInHead && (/(?<!\r)\n/.test(connection.rest) || connection.rest.includes('\r\n\r\n'))
}

it(`survives ${INPUTS} mutations of the corpus`, () => {
  const random = seededRandom(SEED)
  const sources = [
    ...REQUESTS.map((each) => ({
      text: each.input,
      isAnswer: false,
      method: 'GET',
      passes: each.outcome === 'pass',
    })),
    ...ANSWERS.map((each) => ({
      text: each.input,
      isAnswer: true,
      method: each.method ?? 'GET',
      passes: each.outcome === 'pass',
    })),
  ].filter((each) => each.text.length < 2000)
  const texts = sources.map((each) => each.text)
  // What is refused as it stands is rarely accepted with a change: most inputs begin with something good.
  const good = sources.filter((each) => each.passes)
  const bad: Record<'crashes' | 'non-canonical' | 'hung' | 'differing', string[]> = {
    crashes: [],
    'non-canonical': [],
    hung: [],
    differing: [],
  }
  let accepted = 0
  for (let i = 0; i < INPUTS; i++) {
    const from = random() < 0.8 ? good : sources
    const source = from[Math.floor(random() * from.length)] as (typeof sources)[number]
    const text = mutate(source.text, texts, random)
    const cuts = randomCuts(text, random)
    try {
      const read = source.isAnswer
        ? (at: Iterable<number>) => readAnswers(text, source.method, at)
        : (at: Iterable<number>) => readRequests(text, at)
      const whole = read([])
      const pieces = read(cuts)
      accepted += whole.messages.length
      if (JSON.stringify(whole) !== JSON.stringify(pieces)) bad.differing.push(text)
      if (!isCanonical(whole, source.isAnswer)) bad['non-canonical'].push(text)
      if (isHung(whole)) bad.hung.push(text)
    } catch (error) {
      bad.crashes.push(`${text} ${String(error)}`)
    }
  }
  const figures = Object.entries(bad).map(([name, inputs]) => `${inputs.length} ${name}`)
  console.log(`fuzz ${INPUTS}: ${figures.join(', ')} (${accepted} messages accepted, seed ${SEED})`)
  for (const [name, inputs] of Object.entries(bad)) {
    assert.equal(inputs.length, 0, `${name}: ${JSON.stringify(inputs.slice(0, 5))}`)
  }
  assert.ok(accepted > INPUTS / 10, 'too few mutations were accepted to say anything')
})
