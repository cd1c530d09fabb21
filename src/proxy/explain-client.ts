import { toByteString } from '../model/byte-string.ts'
import type { ExplainRequest } from '../model/explanation.ts'
import { RequestHead } from './http1/request-head.ts'
import type { Plane } from './plane.ts'

/** Where the request to explain would come in. */
export interface ExplainPlace {
  readonly address: string
  readonly port: number
  readonly scheme: 'http' | 'https'
}

export function formatPlace({ address, port }: ExplainPlace): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** What an exchange asks of its connection while it makes its choices. */
export class ExplainedClient {
  readonly plane: Plane
  readonly head: RequestHead
  readonly peerAddress: string
  readonly peerPort = 0
  readonly localAddress: string
  readonly localPort: number
  readonly commonLines = { host: '', client: '', text: '' }
  readonly willClose = false
  readonly scheme: 'http' | 'https'
  readonly isFramed = false
  readonly mustUpgrade = false
  readonly tls = null

  constructor(plane: Plane, peerAddress: string, place: ExplainPlace) {
    this.plane = plane
    this.head = new RequestHead(plane.options.settings.limits.maxFields)
    this.peerAddress = peerAddress
    this.localAddress = place.address
    this.localPort = place.port
    this.scheme = place.scheme
  }
}

/** The head as a client would write it. Lines were checked: none holds CR or LF. */
export function headText(request: ExplainRequest, place: ExplainPlace): string {
  const host = request.host ?? formatPlace(place)
  let text = `${toByteString(request.method)} ${toByteString(request.target)} HTTP/1.1\r\nHost: ${toByteString(host)}\r\n`
  let isChunked = false
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase()
    if (lower === 'content-length' && request.body !== null) continue
    if (lower === 'transfer-encoding') isChunked = true
    text += `${toByteString(name)}: ${toByteString(value)}\r\n`
  }
  if (request.body !== null && !isChunked) text += `Content-Length: ${Buffer.byteLength(request.body)}\r\n`
  return `${text}\r\n`
}
