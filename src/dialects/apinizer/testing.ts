import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { ModelObject } from '../../model/model.ts'
import type { DialectSettings } from '../dialect.ts'
import { apinizer } from './index.ts'

/** What a file of this dialect becomes, for tests. Throws where it has faults. */
export function translateFile(
  body: JsonValue,
  settings: DialectSettings = DEFAULT_SETTINGS,
): { readonly objects: readonly ModelObject[]; readonly warnings: readonly string[] } {
  const found = apinizer.readFile(body, settings)
  const faults = [
    ...(found?.faults ?? [{ path: '', message: 'no file of Apinizer' }]),
    ...(found?.documents ?? []).flatMap(({ kind, value }) => apinizer.validate(kind, value, settings)),
  ]
  if (faults.length > 0) throw new Error(faults.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  const stored = new Map<string, StoredDocument>()
  for (const [n, { kind, id, value }] of (found?.documents ?? []).entries())
    stored.set(`${kind}/${id}`, {
      key: { dialect: 'apinizer', kind, id },
      value,
      createdRevision: n + 1,
      modifiedRevision: n + 1,
      expiresAtMs: null,
    })
  const objects: ModelObject[] = []
  const warnings: string[] = []
  for (const document of stored.values()) {
    const translated = apinizer.translate(
      document,
      (kind, id) => stored.get(`${kind}/${id}`),
      settings,
      () => [],
    )
    objects.push(...translated.objects)
    warnings.push(...translated.warnings.map(({ path, message }) => `${path}: ${message}`))
  }
  return { objects, warnings }
}

/** A reverse proxy with one address, and what else a test wants. */
export function proxyOf(name: string, clientRoute: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    apiProxyName: name,
    apiProxyCreationType: 'REVERSE_PROXY',
    clientRoute,
    routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:8080' }] },
    ...more,
  }
}
