import { isUtf8 } from 'node:buffer'
import { readArguments } from '../expression/percent.ts'
import type { RequestView } from '../expression/request-view.ts'
import { compileVariable } from '../expression/variables.ts'
import { fromByteString, toByteString } from '../model/byte-string.ts'
import type { BodyForm, EventCall, EventValue } from '../model/event-call.ts'

/** What an event is made from. */
export interface EventSource extends RequestView {
  /** Lines of the fields that an endpoint would get, each with CRLF behind it. */
  readonly fieldLines: string
}

/** An event call, ready to be made. Texts are byte strings. */
export interface CompiledEventCall {
  readonly target: string
  /** The body that is sent. The client's must have been read. */
  compose(source: EventSource): string
  /** What the client gets for an answer that is no envelope; null: answers go out as they came. */
  readonly malformed: {
    readonly status: number
    compose(source: EventSource, fault: string): string
  } | null
}

export function compileEventCall({ target, event, envelope }: EventCall): CompiledEventCall {
  const write = compileValue(event)
  const malformed = envelope === null ? null : compileValue(envelope.malformed.body)
  return {
    target: toByteString(target),
    compose: (source) => toByteString(write(source, '') ?? 'null'),
    malformed:
      envelope === null || malformed === null
        ? null
        : {
            status: envelope.malformed.status,
            compose: (source, fault) => toByteString(malformed(source, fault) ?? 'null'),
          },
  }
}

/** JSON in Unicode; undefined: there is nothing to be written. */
type Write = (source: EventSource, fault: string) => string | undefined

function compileValue(value: EventValue): Write {
  switch (value.kind) {
    case 'literal': {
      const text = JSON.stringify(value.value)
      return () => text
    }
    case 'variable':
      return compileText(value.variable, value.fallback)
    case 'object': {
      const members = value.members.map(({ name, value: member }) => ({
        name: JSON.stringify(name),
        write: compileValue(member),
      }))
      return (source, fault) => {
        const written: string[] = []
        for (const { name, write } of members) {
          const text = write(source, fault)
          if (text !== undefined) written.push(`${name}:${text}`)
        }
        return `{${written.join(',')}}`
      }
    }
    case 'fields':
      return ({ fieldLines }) => writeMembers(readFields(fieldLines))
    case 'query':
      return ({ query }) => writeMembers(readQuery(query))
    case 'body':
      return ({ body }) => writeText(isBase64(body, value.base64) ? toBase64(body ?? '') : (body ?? ''))
    case 'isBase64':
      return ({ body }) => String(isBase64(body, value.base64))
    case 'fault':
      return (_, fault) => JSON.stringify(fault)
    default:
      return value satisfies never
  }
}

function compileText(name: string, fallback: string | null): Write {
  const variable = compileVariable(name)
  const instead = fallback === null ? undefined : JSON.stringify(fallback)
  return (source) => {
    const read = variable.read(source)
    return read === undefined ? instead : writeText(Array.isArray(read) ? read.join(', ') : String(read))
  }
}

/** Members as they are written, one for each name: never as properties of an object, whose names may mean something. */
function writeMembers(members: ReadonlyMap<string, string | readonly string[]>): string {
  const written = [...members].map(([name, value]) => {
    const text = typeof value === 'string' ? writeText(value) : `[${value.map(writeText).join(',')}]`
    return `${writeText(name)}:${text}`
  })
  return `{${written.join(',')}}`
}

function readFields(lines: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = fields.get(name)
    const seam = name === 'cookie' ? '; ' : ', '
    fields.set(name, before === undefined ? value : `${before}${seam}${value}`)
  }
  return fields
}

function readQuery(query: string | null): ReadonlyMap<string, string | readonly string[]> {
  const members = new Map<string, string | readonly string[]>()
  if (query === null) return members
  for (const [name, read] of readArguments(query)) {
    const value = read === true ? '' : read
    const before = members.get(name)
    if (before === undefined) members.set(name, value)
    else members.set(name, typeof before === 'string' ? [before, value] : [...before, value])
  }
  return members
}

function isBase64(body: string | null | undefined, form: BodyForm): boolean {
  return form === 'always' || !isUtf8(Buffer.from(body ?? '', 'latin1'))
}

function toBase64(body: string): string {
  return Buffer.from(body, 'latin1').toString('base64')
}

function writeText(bytes: string): string {
  return JSON.stringify(fromByteString(bytes))
}
