import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { DialectSettings } from '../dialect.ts'
import { findFaults } from './check-schema.ts'
import { originOf } from './names.ts'
import { DEFS, isKind, KINDS, type Kind } from './schema.ts'
import { Sink } from './sink.ts'
import { translateCertificate } from './translate-certificate.ts'
import { translateRoute } from './translate-route.ts'
import { translateStream } from './translate-stream.ts'
import { translateUpstream } from './translate-upstream.ts'
import type * as Native from './types.ts'

/**
 * All faults of a document by itself: what the schema says, then what only the translation can see. A part whose shape
 * is wrong is left out of the second look, so that one run tells of all that can be told.
 */
export function validateDocument(
  kind: string,
  value: JsonValue,
  settings: DialectSettings,
): readonly Fault[] {
  const schema = isKind(kind) ? DEFS[KINDS[kind]] : undefined
  if (schema === undefined || !isKind(kind)) {
    return [
      { path: '', message: `unknown collection ${kind}`, hint: `known: ${Object.keys(KINDS).join(', ')}` },
    ]
  }
  const { faults, misshapen } = findFaults(schema, value, settings)
  if (!isJsonObject(value)) return faults
  const sound = Object.fromEntries(Object.entries(value).filter(([key]) => !misshapen.has(key)))
  // without endpoints there is no upstream to look at
  if (kind === 'upstreams' && sound.endpoints === undefined) return faults
  const sink = new Sink()
  translateSound(kind, sound, sink)
  return [...faults, ...sink.faults]
}

function translateSound(kind: Kind, value: JsonObject, sink: Sink): void {
  if (kind === 'routes') translateRoute(value as unknown as Native.Route, '', undefined, sink)
  else if (kind === 'streams') translateStream(value as unknown as Native.Stream, '', 0, undefined, sink)
  else if (kind === 'certificates') translateCertificate(value as unknown as Native.Certificate, '', 0, sink)
  else {
    const place = { id: '', origin: originOf('upstream', ''), path: '', name: '' }
    translateUpstream(value as unknown as Native.Upstream, place, sink)
  }
}
