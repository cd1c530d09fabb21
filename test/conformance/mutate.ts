/** A small seeded generator (mulberry32): the same seed gives the same inputs on every machine. Returns numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Texts that matter to a parser. */
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '"',
  '\\',
  '%',
  '%2e',
  '..',
  '/',
  '#',
  '?',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  '5',
  'a',
  'FFFF',
  '0\r\n\r\n',
  'chunked',
  'close',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Host: h\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  'GET / HTTP/1.1\r\n',
  ' x: y\r\n',
  'X_Y: z\r\n',
]

/** `text` with one to four small changes; `others` are spliced in now and then. All byte strings. */
export function mutate(text: string, others: readonly string[], random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  let result = text
  for (let round = Math.floor(random() ** 2 * 4); round >= 0; round--) {
    const at = Math.floor(random() * (result.length + 1))
    const length = 1 + Math.floor(random() ** 3 * 40)
    const before = result.slice(0, at)
    switch (Math.floor(random() * 7)) {
      case 0: // another byte
        result = before + String.fromCharCode(Math.floor(random() * 256)) + result.slice(at + 1)
        break
      case 1:
        result = before + pick(PIECES) + result.slice(at)
        break
      case 2:
        result = before + pick(PIECES) + result.slice(at + length)
        break
      case 3:
        result = before + result.slice(at + length)
        break
      case 4: // a part twice
        result = before + result.slice(at, at + length) + result.slice(at)
        break
      case 5: // the tail of another one
        result = before + pick(others).slice(Math.floor(random() * 60))
        break
      default: // one bit
        result =
          before +
          String.fromCharCode((result.charCodeAt(at) || 0) ^ (1 << Math.floor(random() * 8))) +
          result.slice(at + 1)
    }
  }
  return result
}

/** Some sorted places in the text. */
export function randomCuts(text: string, random: () => number): number[] {
  const cuts = new Set<number>()
  for (let i = Math.floor(random() * 6); i >= 0; i--) cuts.add(Math.floor(random() * text.length))
  return [...cuts].filter((place) => place > 0).sort((a, b) => a - b)
}
