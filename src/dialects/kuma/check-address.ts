import { isIP } from 'node:net'

const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`)

/** An address, or a name of the domain name system; digits and dots alone are an address or nothing. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  return text.length <= 253 && !/^[0-9.]+$/.test(text) && NAME.test(text)
}

/** An address that only programs of the same machine reach. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === 'localhost'
}

export function isPort(port: number | null): boolean {
  return port !== null && Number.isInteger(port) && port >= 1 && port <= 65_535
}
