/** Bytes that a command may have. */
const MAX_COMMAND = 65_536

/** Reads the commands of a connection that speaks as redis does: arrays of bulk strings, or words of a line. From: redis' protocol, RESP2. */
export class RedisReader {
  #text = ''

  /** Complete commands, each its words; null: one is too long, and nothing more can be read. */
  read(text: string): readonly (readonly string[])[] | null {
    this.#text += text
    const commands: string[][] = []
    for (;;) {
      const command = this.#next()
      if (command === null) break
      if (command.length > 0) commands.push(command)
    }
    return this.#text.length > MAX_COMMAND ? null : commands
  }

  /** null: the next one is not complete. */
  #next(): string[] | null {
    const line = this.#line(0)
    if (line === null) return null
    if (!line.text.startsWith('*')) {
      this.#text = this.#text.slice(line.end)
      return line.text.split(' ').filter((word) => word !== '')
    }
    const words: string[] = []
    let at = line.end
    for (let left = Number(line.text.slice(1)); left > 0; left--) {
      const size = this.#line(at)
      if (size === null) return null
      const end = size.end + Number(size.text.slice(1))
      if (!(this.#text.length >= end + 2)) return null
      words.push(this.#text.slice(size.end, end))
      at = end + 2
    }
    this.#text = this.#text.slice(at)
    return words
  }

  #line(from: number): { readonly text: string; readonly end: number } | null {
    const end = this.#text.indexOf('\n', from)
    return end < 0 ? null : { text: this.#text.slice(from, end).trimEnd(), end: end + 1 }
  }
}
