import { isIP, isIPv4 } from 'node:net'
import type { StreamQuestion } from '../model/explanation.ts'
import { isJsonObject, type JsonValue } from '../model/json.ts'
import type { ListenerProtocol } from '../model/listener.ts'
import type { StreamEntrance } from '../proxy/proxy-contract.ts'
import { ExplainError, textOf } from './explain-request.ts'
import { parseAddress } from './sockets.ts'

const MEMBERS = ['transport', 'listener', 'serverName', 'clientIp']

/** The body of `POST /headgate/v1/explain/stream`: `{transport?, listener?, serverName?, clientIp?}`. Throws ExplainError. */
export function readStreamQuestion(given: JsonValue): StreamQuestion {
  if (!isJsonObject(given)) throw new ExplainError('badRequest', 'a stream to explain is an object')
  for (const member of Object.keys(given)) {
    if (!MEMBERS.includes(member))
      throw new ExplainError('badRequest', `${member}: not known; there are ${MEMBERS.join(', ')}`)
  }
  return makeStreamQuestion({
    transport: textOf(given, 'transport') ?? 'tcp',
    listener: textOf(given, 'listener'),
    serverName: textOf(given, 'serverName'),
    clientIp: textOf(given, 'clientIp'),
  })
}

/** The same, from texts. Throws ExplainError. */
export function makeStreamQuestion(parts: {
  readonly transport: string
  readonly listener: string | null
  readonly serverName: string | null
  readonly clientIp: string | null
}): StreamQuestion {
  const { transport, listener } = parts
  if (transport !== 'tcp' && transport !== 'udp')
    throw new ExplainError('badRequest', 'transport: tcp or udp; a listener that ends TLS is one of tcp')
  if (transport === 'udp' && parts.serverName !== null)
    throw new ExplainError('badRequest', 'a name is asked for in TLS over TCP, not over UDP')
  const clientAddress = parts.clientIp ?? '127.0.0.1'
  if (isIP(clientAddress) === 0)
    throw new ExplainError('badRequest', `${JSON.stringify(clientAddress)} is no IP address of a client`)
  if (listener !== null) readWanted(listener)
  return {
    transport,
    listener,
    serverName: parts.serverName === null ? null : readName(parts.serverName),
    clientAddress,
  }
}

/** As the gateway reads it from a ClientHello (proxy/stream/client-hello.ts): any other name ends the stream before a route is searched. */
function readName(text: string): string {
  const name = text.toLowerCase()
  if (!/^[a-z0-9._-]{1,253}$/.test(name))
    throw new ExplainError('badRequest', `${JSON.stringify(text)} is no name that TLS can ask for`)
  return name.replace(/\.$/, '')
}

/** A listener as a question names it. */
interface Wanted {
  readonly isTls: boolean
  /** null: any. */
  readonly host: string | null
  readonly port: number
}

/** `host:port`, `:port` or `port`, with `tls://` before it as in the settings. Throws ExplainError. */
function readWanted(text: string): Wanted {
  const isTls = text.startsWith('tls://')
  const address = isTls ? text.slice('tls://'.length) : text
  try {
    const { host, port } = parseAddress(address)
    return { isTls, host: /^(?:\*?:)?\d+$/.test(address) ? null : host, port }
  } catch (error) {
    throw new ExplainError('badRequest', error instanceof Error ? error.message : String(error))
  }
}

export interface StreamListener {
  readonly protocol: ListenerProtocol
  /** `host:port`. */
  readonly address: string
}

/** Where the stream would come in, of the listeners that stand. Throws ExplainError naming those for streams. */
export function findStreamEntrance(
  { transport, listener }: StreamQuestion,
  listeners: readonly StreamListener[],
): StreamEntrance {
  const known = listeners.flatMap(({ protocol, address }) => {
    const fits = transport === 'udp' ? protocol === 'udp' : protocol === 'tcp' || protocol === 'tls'
    return fits ? [{ transport: protocol, address, ...parseAddress(address) } as Known] : []
  })
  const name = transport.toUpperCase()
  if (known.length === 0) {
    const setting = transport === 'udp' ? 'listenUdp (--listen-udp)' : 'listenTcp (--listen-tcp)'
    throw new ExplainError('noListener', `the gateway has no listener for ${name}: the setting is ${setting}`)
  }
  const wanted = listener === null ? null : readWanted(listener)
  const found = wanted === null ? known[0] : findWanted(wanted, known)
  if (found !== undefined) {
    const { address, host, port } = found
    // a relay of datagrams is not told which of the machine's addresses they came to
    const isNamed = wanted !== null && wanted.host !== null && found.transport !== 'udp'
    return {
      transport: found.transport,
      listener: address,
      localAddress: isNamed ? (wanted.host as string) : host,
      localPort: port,
    }
  }
  const names = known.map((one) => `${one.transport === 'tls' ? 'tls://' : ''}${one.address}`)
  throw new ExplainError(
    'noListener',
    `no listener of the gateway for ${name} stands at ${listener ?? ''} (there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')})`,
  )
}

interface Known {
  readonly transport: 'tcp' | 'tls' | 'udp'
  readonly address: string
  readonly host: string
  readonly port: number
}

/** The one of that very address goes before one that takes every address of the machine. */
function findWanted({ isTls, host, port }: Wanted, known: readonly Known[]): Known | undefined {
  const among = known.filter((one) => one.port === port && (!isTls || one.transport === 'tls'))
  if (host === null) return among[0]
  return among.find((one) => one.host === host) ?? among.find((one) => takesAll(one.host, host))
}

/** `::` takes addresses of IPv4, too. */
function takesAll(listener: string, address: string): boolean {
  return listener === '::' || (listener === '0.0.0.0' && isIPv4(address))
}
