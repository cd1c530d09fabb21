import { toByteString } from '../model/byte-string.ts'
import type { Exchange } from './exchange.ts'

/**
 * Setting `explainField`: the choices behind an answer in one field, `X-Headgate-Explain: route=…; rule=…; target=…; variant=…; upstream=…;
 * endpoint=…`, as far as the request came. Numbers count from 0; in texts all but letters, digits and `-._~/:@#` is percent-encoded.
 */
export function explainLine(exchange: Exchange): string {
  const { explainField } = exchange.plane.options.settings
  if (explainField === 'off' || (explainField === 'trusted' && !exchange.isPeerTrusted)) return ''
  const { route, rule, choice, upstream, endpoint } = exchange
  let text = `X-Headgate-Explain: route=${route === null ? 'none' : encode(route.model.id)}`
  if (rule !== null) text += `; rule=${rule.index}`
  if (choice !== null) text += `; target=${choice.index}; variant=${encode(choice.model.variant)}`
  if (choice !== null && exchange.choiceReason !== 'weight') text += `; by=${exchange.choiceReason}`
  if (upstream !== null) text += `; upstream=${encode(upstream.model.id)}`
  if (endpoint !== null) text += `; endpoint=${encode(endpoint.label)}`
  return `${text}\r\n`
}

function encode(text: string): string {
  return toByteString(text).replace(
    /[^\w\-.~/:@#]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
