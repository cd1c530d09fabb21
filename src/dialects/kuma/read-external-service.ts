import type { JsonObject } from '../../model/json.ts'
import { flagField, objectField, textField } from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { DEFAULT_MESH } from './kinds.ts'
import { readTags, remember } from './reading.ts'
import type { ExternalService, ExternalTls } from './resources.ts'

/** An ExternalService that validates (spec/kuma.md 8). */
export const readExternalService: (value: JsonObject) => ExternalService = remember((value) => {
  const own = decode('external-services', value).value
  const networking = objectField(own, 'networking') ?? {}
  const address = splitAddress(textField(networking, 'address') ?? '')
  const tls = objectField(networking, 'tls')
  return {
    mesh: textField(own, 'mesh') ?? DEFAULT_MESH,
    name: textField(own, 'name') ?? '',
    tags: readTags(own, 'tags'),
    host: address?.host ?? '',
    port: Number(address?.port ?? 0),
    tls: tls !== null && flagField(tls, 'enabled') ? readTls(tls) : null,
  }
})

function readTls(tls: JsonObject): ExternalTls {
  return {
    serverName: textField(tls, 'serverName'),
    caCert: readSource(tls, 'caCert'),
    clientCert: readSource(tls, 'clientCert'),
    clientKey: readSource(tls, 'clientKey'),
    skipHostnameVerification: flagField(tls, 'skipHostnameVerification'),
  }
}

/** The text of a data source: as it is, or in Base64; null: there is none. */
export function readSource(tls: JsonObject, name: string): string | null {
  const source = objectField(tls, name) ?? {}
  const text = textField(source, 'inlineString')
  const bytes = textField(source, 'inline')
  return text ?? (bytes === null ? null : Buffer.from(bytes, 'base64').toString('utf8'))
}

/** `host:port` in its parts, neither of which was looked at; null: it is of another form. IPv6 stands in brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: string } | null {
  const [, bracketed, plain, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(address) ?? []
  return port === undefined ? null : { host: bracketed ?? plain ?? '', port }
}
