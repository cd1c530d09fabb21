import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/**
 * JSON values as YAML 1.2 text that people read and edit and that always looks the same: blocks, two blanks deep, a list of plain values on
 * one line where it is short. A text stands bare only where no reader, old YAML 1.1 ones included, could take it for something else;
 * otherwise in double quotes. Parsing gives the same value back, the order of keys included. Ends with a newline.
 */
export function toYaml(value: JsonValue): string {
  const lines: string[] = []
  writeBlock(value, '', '', lines)
  return `${lines.join('\n')}\n`
}

/** A list on one line is at most so long, its brackets included. Characters. */
const INLINE_WIDTH = 80
/** A key of more than 1024 characters stands behind a question mark (YAML 1.2.2, 7.4.2). */
const LONGEST_KEY = 1000

/** Letters, digits and the signs that mean nothing in YAML, whichever comes next; single blanks between words. */
const BARE = /^[A-Za-z/][\w/.$@*+=~^;()|<-]*(?: [\w/.$@*+=~^;()|<][\w/.$@*+=~^;()|<-]*)*$/
/** Words that some version of YAML reads as a boolean or null. */
const NOT_A_TEXT = /^(?:true|false|yes|no|on|off|y|n|null)$/i

/** `head` stands before the value's first line, `indent` before all others. */
function writeBlock(value: JsonValue, head: string, indent: string, lines: string[]): void {
  const inline = toInline(value)
  if (inline !== null) {
    lines.push(head === '' ? inline : `${head}${head.endsWith('- ') ? '' : ' '}${inline}`)
    return
  }
  if (isJsonObject(value)) writeObject(value, head, indent, lines)
  else writeList(value as readonly JsonValue[], head, indent, lines)
}

function writeObject(value: JsonObject, head: string, indent: string, lines: string[]): void {
  let lead = head
  // Behind a key the object begins on a line of its own, behind a dash on the same one.
  if (head !== '' && !head.endsWith('- ')) {
    lines.push(head)
    lead = ''
  }
  for (const key of Object.keys(value)) {
    const start = lead === '' ? indent : lead
    lead = ''
    const text = toText(key)
    if (text.length <= LONGEST_KEY) {
      writeBlock(value[key] as JsonValue, `${start}${text}:`, `${indent}  `, lines)
    } else {
      lines.push(`${start}? ${text}`)
      writeBlock(value[key] as JsonValue, `${indent}:`, `${indent}  `, lines)
    }
  }
}

function writeList(list: readonly JsonValue[], head: string, indent: string, lines: string[]): void {
  let lead = head
  if (head !== '' && !head.endsWith('- ')) {
    lines.push(head)
    lead = ''
  }
  for (const item of list) {
    const start = lead === '' ? indent : lead
    lead = ''
    writeBlock(item, `${start}- `, `${indent}  `, lines)
  }
}

/** A value on one line: a plain one, an empty object or list, a short list of plain ones. null: it needs more lines. */
function toInline(value: JsonValue): string | null {
  if (typeof value !== 'object' || value === null) return toScalar(value)
  if (isJsonObject(value)) return Object.keys(value).length === 0 ? '{}' : null
  const list = value as readonly JsonValue[]
  let length = 2
  const texts: string[] = []
  for (const item of list) {
    if (typeof item === 'object' && item !== null) return null
    const text = toScalar(item)
    length += text.length + 2
    if (length > INLINE_WIDTH) return null
    texts.push(text)
  }
  return `[${texts.join(', ')}]`
}

function toScalar(value: string | number | boolean | null): string {
  return typeof value === 'string' ? toText(value) : String(value)
}

function toText(text: string): string {
  return BARE.test(text) && !NOT_A_TEXT.test(text) ? text : quote(text)
}

/** JSON's form is YAML's; what JSON leaves as it is and YAML does not print is escaped too. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
