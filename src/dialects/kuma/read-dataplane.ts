import type { JsonObject } from '../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { DEFAULT_MESH } from './kinds.ts'
import { OUTBOUND_ADDRESS } from './messages.ts'
import { readDuration, readTags, remember } from './reading.ts'
import type { Dataplane, Inbound, Outbound, ServiceProbe } from './resources.ts'

/** A Dataplane that validates (spec/kuma.md 8). */
export const readDataplane: (value: JsonObject) => Dataplane = remember((value) => {
  const own = decode('dataplanes', value).value
  const networking = objectField(own, 'networking') ?? {}
  const address = textField(networking, 'address') ?? ''
  const gateway = objectField(networking, 'gateway')
  return {
    mesh: textField(own, 'mesh') ?? DEFAULT_MESH,
    name: textField(own, 'name') ?? '',
    address,
    advertisedAddress: textField(networking, 'advertisedAddress') || null,
    inbounds: objectsField(networking, 'inbound').map(({ at, entry }) => readInbound(entry, at, address)),
    outbounds: objectsField(networking, 'outbound').map(({ at, entry }) => readOutbound(entry, at)),
    gateway:
      gateway === null
        ? null
        : {
            type: textField(gateway, 'type') === 'BUILTIN' ? 'BUILTIN' : 'DELEGATED',
            tags: readTags(gateway, 'tags'),
          },
  }
})

function readInbound(value: JsonObject, at: number, ownAddress: string): Inbound {
  const address = textField(value, 'address') ?? ownAddress
  const port = numberField(value, 'port') ?? 0
  const state = textField(value, 'state')
  const probe = objectField(value, 'serviceProbe')
  return {
    path: `networking.inbound[${at}]`,
    address,
    port,
    serviceAddress: textField(value, 'serviceAddress') ?? address,
    servicePort: numberField(value, 'servicePort') ?? port,
    tags: readTags(value, 'tags'),
    // what is ready is left out when a value is decoded
    isReady: state === null && objectField(value, 'health')?.ready !== false,
    isIgnored: state === 'Ignored',
    probe: probe === null ? null : readProbe(probe),
  }
}

/** Defaults are those of the control plane's settings. */
function readProbe(probe: JsonObject): ServiceProbe {
  return {
    intervalMs: readDuration(probe, 'interval') ?? 1000,
    timeoutMs: readDuration(probe, 'timeout') ?? 2000,
    healthyThreshold: numberField(probe, 'healthyThreshold') ?? 1,
    unhealthyThreshold: numberField(probe, 'unhealthyThreshold') ?? 1,
  }
}

function readOutbound(value: JsonObject, at: number): Outbound {
  return {
    path: `networking.outbound[${at}]`,
    address: textField(value, 'address') ?? OUTBOUND_ADDRESS,
    port: numberField(value, 'port') ?? 0,
    tags: readTags(value, 'tags'),
  }
}
