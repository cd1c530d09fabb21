import { isIP } from 'node:net'
import type { JsonObject } from '../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import { isHost, isLoopback, isPort } from './check-address.ts'
import { checkDuration } from './check-duration.ts'
import { checkOwnTags } from './check-tags.ts'
import type { Faults } from './faults.ts'
import { keyPath } from './field-path.ts'
import { OUTBOUND_ADDRESS } from './messages.ts'
import { SERVICE } from './resources.ts'

const PATH = 'networking'

/** The rules of a Dataplane (spec/kuma.md 8); takes a decoded value. */
export function checkDataplane(value: JsonObject, faults: Faults): void {
  const networking = objectField(value, 'networking')
  if (networking === null) return faults.add(PATH, 'is required')
  const gateway = objectField(networking, 'gateway')
  const inbounds = objectsField(networking, 'inbound')
  if (gateway === null && inbounds.length === 0) faults.add(PATH, 'needs an inbound or a gateway')
  const address = textField(networking, 'address') ?? ''
  checkAddress(address, `${PATH}.address`, faults)
  const advertised = textField(networking, 'advertisedAddress') ?? ''
  if (advertised !== '') checkAddress(advertised, `${PATH}.advertisedAddress`, faults)
  if (gateway !== null) checkGateway(gateway, value, networking, faults)
  for (const { at, entry } of inbounds) checkInbound(entry, `${PATH}.inbound[${at}]`, address, faults)
  for (const { at, entry } of objectsField(networking, 'outbound'))
    checkOutbound(entry, `${PATH}.outbound[${at}]`, faults)
  checkAdminPort(networking, address, faults)
}

function checkAddress(address: string, path: string, faults: Faults): void {
  if (address === '') faults.add(path, 'must not be empty')
  else if (address === '0.0.0.0' || address === '::')
    faults.add(path, `${address} is every address: write the one by which others reach it`)
  else if (!isHost(address)) faults.add(path, `${address} is neither an IP address nor a name`)
}

/** One that is delegated has the traffic of another gateway; a built-in one has nothing of its own. */
function checkGateway(gateway: JsonObject, value: JsonObject, networking: JsonObject, faults: Faults): void {
  const isBuiltin = textField(gateway, 'type') === 'BUILTIN'
  const path = `${PATH}.gateway.tags`
  checkOwnTags(gateway, path, path, faults, ['tcp'])
  const refuse = (name: string): void =>
    faults.add(name, `must not stand beside a gateway${isBuiltin ? ' that is BUILTIN' : ''}`)
  if (objectsField(networking, 'inbound').length > 0) refuse(`${PATH}.inbound`)
  if (isBuiltin && objectsField(networking, 'outbound').length > 0) refuse(`${PATH}.outbound`)
  if (isBuiltin && objectField(value, 'probes') !== null) refuse('probes')
}

function checkInbound(inbound: JsonObject, path: string, ownAddress: string, faults: Faults): void {
  const port = numberField(inbound, 'port')
  const servicePort = numberField(inbound, 'servicePort')
  checkPort(port, `${path}.port`, faults)
  if (servicePort !== null) checkPort(servicePort, `${path}.servicePort`, faults)
  for (const name of ['address', 'serviceAddress']) checkIp(inbound, name, path, faults)
  const address = textField(inbound, 'address') ?? ownAddress
  const serviceAddress = textField(inbound, 'serviceAddress')
  if ((serviceAddress ?? address) === address && (servicePort ?? port) === port && port !== null) {
    const hint = `write serviceAddress: ${address === '127.0.0.1' ? '127.0.0.2' : '127.0.0.1'}, or another servicePort`
    // traffic is not captured here, so that the proxy itself listens where the application is said to be
    const field = serviceAddress === null ? 'servicePort' : 'serviceAddress'
    faults.add(
      `${path}.${field}`,
      `the application would be at ${address}:${port}, where the proxy listens`,
      hint,
    )
  }
  const tags = `${path}.tags`
  checkOwnTags(inbound, tags, keyPath(tags, SERVICE), faults)
  const probe = objectField(inbound, 'serviceProbe')
  if (probe !== null) checkProbe(probe, `${path}.serviceProbe`, faults)
}

function checkProbe(probe: JsonObject, path: string, faults: Faults): void {
  for (const name of ['interval', 'timeout']) checkDuration(probe, name, path, 1, faults)
  for (const name of ['healthyThreshold', 'unhealthyThreshold'])
    if (numberField(probe, name) === 0) faults.add(`${path}.${name}`, 'must be 1 or more')
}

function checkOutbound(outbound: JsonObject, path: string, faults: Faults): void {
  checkPort(numberField(outbound, 'port'), `${path}.port`, faults)
  checkIp(outbound, 'address', path, faults)
  checkOwnTags(outbound, `${path}.tags`, `${path}.tags`, faults)
}

function checkPort(port: number | null, path: string, faults: Faults): void {
  if (!isPort(port))
    faults.add(path, port === null ? 'is required' : `must be from 1 to 65535, it is ${port}`)
}

function checkIp(holder: JsonObject, name: string, path: string, faults: Faults): void {
  const address = textField(holder, name)
  if (address !== null && isIP(address) === 0) faults.add(`${path}.${name}`, `${address} is no IP address`)
}

function checkAdminPort(networking: JsonObject, ownAddress: string, faults: Faults): void {
  const port = numberField(objectField(networking, 'admin') ?? {}, 'port')
  if (port === null) return
  const path = `${PATH}.admin.port`
  if (!isPort(port)) return checkPort(port, path, faults)
  for (const [list, otherwise] of [
    ['inbound', ownAddress],
    ['outbound', OUTBOUND_ADDRESS],
  ] as const) {
    const taken = objectsField(networking, list).find(
      ({ entry }) =>
        numberField(entry, 'port') === port && isLoopback(textField(entry, 'address') ?? otherwise),
    )
    if (taken !== undefined) faults.add(path, `${port} is the port of ${PATH}.${list}[${taken.at}] already`)
  }
}
