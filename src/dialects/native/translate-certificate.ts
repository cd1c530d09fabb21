import type { Certificate } from '../../model/certificate.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { checkCertificates, checkKeyPair, describeValidity } from '../../model/pem.ts'
import { defaultOf } from './defaults.ts'
import { modelId, originOf } from './names.ts'
import type { Sink } from './sink.ts'
import { joinPath } from './sink.ts'
import type * as Native from './types.ts'

/** `revision`: when the document was created; of several certificates for a name the older one is shown. */
export function translateCertificate(
  value: Native.Certificate,
  id: string,
  revision: number,
  sink: Sink,
): Certificate {
  const { serverNames = [], client } = value
  const names = [...new Set(serverNames.map((name) => name.toLowerCase()))]
  const pairs: { certificate: string; key: string }[] = []
  for (const [index, pair] of [value, ...(value.alternatives ?? [])].entries()) {
    const path = index === 0 ? '' : `alternatives[${index - 1}]`
    if (checkPair(pair, path, sink)) pairs.push({ certificate: pair.certificate, key: pair.key as string })
  }
  return {
    kind: 'certificate',
    id: modelId('certificates', id),
    name: value.name ?? names[0] ?? id,
    origin: originOf('certificate', id),
    serverNames: names,
    pairs,
    client:
      client === undefined
        ? null
        : {
            authorities: client.authorities,
            depth: client.depth ?? defaultOf('clientCertificates', 'depth'),
            exceptPaths: client.exceptPaths ?? [],
          },
    versions: value.versions ?? null,
    key: [revision],
  }
}

/** One that is over, or not yet begun, is served all the same: its clients say more about it than a gateway that is silent. */
function checkPair(
  { certificate, key }: { readonly certificate?: string; readonly key?: string },
  path: string,
  sink: Sink,
): boolean {
  // the schema has said what is wrong with it
  if (certificate === undefined || checkCertificates(certificate) !== null) return false
  if (key === undefined) {
    sink.refuse(
      joinPath(path, 'key'),
      'is needed: keys are never shown, so a document that was read has none',
      null,
    )
    return false
  }
  const fault = checkKeyPair(certificate, key)
  if (fault !== null) {
    sink.refuse(joinPath(path, 'key'), fault)
    return false
  }
  const message = describeValidity(certificate, Date.now())
  if (message !== null) sink.warn(joinPath(path, 'certificate'), message)
  return true
}

// ================= private keys =================

/** A document as it is shown: without private keys. Takes whatever stands there. */
export function withoutKeys(value: JsonObject): JsonObject {
  const { key: _key, ...shown } = value
  if (!Array.isArray(shown.alternatives)) return shown
  const alternatives = (shown.alternatives as readonly JsonValue[]).map((pair) =>
    isJsonObject(pair) ? withoutKeys(pair) : pair,
  )
  return { ...shown, alternatives }
}

/** A document that was read, perhaps edited, and is written again has no private keys: those that belong to a certificate in it stay. */
export function keepKeys(value: JsonObject, previous: JsonObject | undefined): JsonObject {
  if (previous === undefined) return value
  const known = new Map<JsonValue | undefined, JsonValue>()
  for (const pair of pairsOf(previous)) if (pair.key !== undefined) known.set(pair.certificate, pair.key)
  const keep = (pair: JsonObject): JsonObject => {
    const key = known.get(pair.certificate)
    return Object.hasOwn(pair, 'key') || key === undefined ? pair : { ...pair, key }
  }
  const kept = keep(value)
  if (!Array.isArray(kept.alternatives)) return kept
  const alternatives = (kept.alternatives as readonly JsonValue[]).map((pair) =>
    isJsonObject(pair) ? keep(pair) : pair,
  )
  return { ...kept, alternatives }
}

function pairsOf(value: JsonObject): readonly JsonObject[] {
  const further = Array.isArray(value.alternatives) ? (value.alternatives as readonly JsonValue[]) : []
  return [value, ...further.filter((pair) => isJsonObject(pair))]
}
