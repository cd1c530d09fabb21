import { toByteString } from '../model/byte-string.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import type { OwnAnswer } from './compose-answer.ts'

/** Answers that say what the client gets (model/event-call.ts EventEnvelope). */

export type EnvelopeAnswer = OwnAnswer | { readonly fault: string }

/** Fields that belong to the connection or are written by the gateway: what an envelope says of them counts for nothing. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** `{isBase64Encoded, statusCode, headers, body}`; all but statusCode may be left out or null. Members that nobody knows count for nothing. */
export function readEnvelope(text: string): EnvelopeAnswer {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return { fault: 'it is no JSON' }
  }
  if (!isJsonObject(value)) return { fault: 'it is no JSON object' }
  const status = value.statusCode
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
    return { fault: 'statusCode must be an integer from 200 to 599' }
  const isEncoded = value.isBase64Encoded ?? false
  if (typeof isEncoded !== 'boolean') return { fault: 'isBase64Encoded must be true or false' }
  const body = value.body ?? ''
  if (typeof body !== 'string') return { fault: 'body must be a text' }
  if (isEncoded && !BASE64.test(body)) return { fault: 'body must be base64' }
  const headers = value.headers ?? {}
  if (!isJsonObject(headers)) return { fault: 'headers must be an object' }
  const fields = readFields(headers)
  if (typeof fields !== 'string') return fields
  return {
    status,
    fields,
    body: isEncoded ? Buffer.from(body, 'base64').toString('latin1') : toByteString(body),
  }
}

function readFields(headers: JsonObject): string | { readonly fault: string } {
  let lines = ''
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) return { fault: `${JSON.stringify(name)} is no name of a field` }
    if (value === null || OWN_FIELDS.has(name.toLowerCase())) continue
    for (const one of Array.isArray(value) ? (value as readonly JsonValue[]) : [value]) {
      if (typeof one === 'object') return { fault: `headers.${name} must be a text, or a list of texts` }
      const text = String(one)
      if (hasControls(text)) return { fault: `headers.${name} has a control character` }
      lines += `${name}: ${toByteString(text)}\r\n`
    }
  }
  return lines
}

/** All but the tab. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((code < 0x20 && code !== 9) || code === 0x7f) return true
  }
  return false
}
