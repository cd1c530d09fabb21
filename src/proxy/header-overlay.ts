import type { HeadFields } from './http1/head-fields.ts'

/** Names whose value in `headers` of a rewrite has no effect: Host has its own setting, X-Real-IP is always the client (apisix.md 9.1). */
const IGNORED: ReadonlySet<string> = new Set(['host', 'x-real-ip'])
/** Fields that the gateway makes itself; an edit of them is read by compose-request.ts. */
const FORWARDING: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
])

/** Edits of header fields by request filters, laid over the fields as they came. Made only for requests that are edited. */
export class HeaderOverlay {
  readonly #dropped = new Set<string>()
  #lines: (readonly [name: string, value: string])[] = []

  apply(dropped: ReadonlySet<string>, lines: readonly (readonly [string, string])[]): void {
    if (dropped.size > 0) {
      for (const name of dropped) if (!IGNORED.has(name)) this.#dropped.add(name)
      this.#lines = this.#lines.filter(([name]) => !dropped.has(name.toLowerCase()))
    }
    for (const line of lines) if (!IGNORED.has(line[0].toLowerCase())) this.#lines.push(line)
  }

  /** Another one with the same edits, and its own from then on. */
  copy(): HeaderOverlay {
    const copy = new HeaderOverlay()
    for (const name of this.#dropped) copy.#dropped.add(name)
    copy.#lines = [...this.#lines]
    return copy
  }

  /** The field as rules see it. */
  get(name: string, fields: HeadFields): string | undefined {
    let value = this.#dropped.has(name) ? undefined : fields.getLoose(name)
    for (const [other, text] of this.#lines) {
      if (other.toLowerCase() !== name) continue
      value = value === undefined ? text : `${value}, ${text}`
    }
    return value
  }

  /** The first line of a field as rules see it. `name`: as it must be written; null: in any case. */
  first(name: string | null, lowerName: string, fields: HeadFields): string | undefined {
    if (!this.#dropped.has(lowerName)) {
      const at = name === null ? fields.find(lowerName) : fields.findExact(name)
      if (at >= 0) return fields.value(at)
    }
    return this.#lines.find(([other]) =>
      name === null ? other.toLowerCase() === lowerName : other === name,
    )?.[1]
  }

  /** Cookie as rules see it, several lines as one. */
  cookies(fields: HeadFields): string | undefined {
    return this.join('cookie', '; ', fields)
  }

  /** The lines of a field as rules see them, with a text between them. */
  join(lowerName: string, separator: string, fields: HeadFields): string | undefined {
    let value = this.#dropped.has(lowerName) ? undefined : fields.join(lowerName, separator)
    for (const [name, text] of this.#lines) {
      if (name.toLowerCase() !== lowerName) continue
      value = value === undefined ? text : `${value}${separator}${text}`
    }
    return value
  }

  /** Whether an edit took the field away or made a line of it. */
  touches(lowerName: string): boolean {
    return this.#dropped.has(lowerName) || this.#lines.some(([name]) => name.toLowerCase() === lowerName)
  }

  drops(lowerName: string): boolean {
    return this.#dropped.has(lowerName)
  }

  /** Lines to send beside those that came, without the forwarding fields. */
  lines(): string {
    let text = ''
    for (const [name, value] of this.#lines)
      if (!FORWARDING.has(name.toLowerCase())) text += `${name}: ${value}\r\n`
    return text
  }

  /** X-Forwarded-For as it stands before the client's address is appended: what came, unless it was set or removed, then what was added. */
  forwardedFor(came: string | undefined): string | undefined {
    let value = this.#dropped.has('x-forwarded-for') ? undefined : came
    for (const [name, text] of this.#lines) {
      if (name.toLowerCase() !== 'x-forwarded-for' || text === '') continue
      value = value === undefined || value === '' ? text : `${value}, ${text}`
    }
    return value
  }

  /** What an edit made of a forwarding field: a value, null (removed), or undefined (not touched). */
  forwarding(lowerName: string): string | null | undefined {
    let value: string | null | undefined = this.#dropped.has(lowerName) ? null : undefined
    for (const [name, text] of this.#lines) if (name.toLowerCase() === lowerName) value = text
    return value
  }
}
