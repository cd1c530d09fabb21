import type { Warning } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import type { Kind } from '../kinds.ts'
import { NETWORK } from '../references.ts'
import { warnOfNetworks } from '../translate-backend.ts'
import type { Call } from './call.ts'
import { keyOf } from './shelf.ts'

/**
 * Warns of upstreams that a document names for a service and that are in another network than its instance (spec/tencent.md 1). What is not released
 * or is bound is nothing that is translated, so the store does not tell it with the call.
 */
export async function warnOfUpstreams(
  call: Call,
  service: JsonObject,
  { kind, id, value }: { readonly kind: Kind; readonly id: string; readonly value: JsonObject },
): Promise<void> {
  const { language, settings } = call.options
  const warnings: Warning[] = []
  for (const { kind: named, id: upstreamId, path } of language.references(kind, value)) {
    if (named !== 'upstreams') continue
    const network = textField((await call.shelf.value('upstreams', upstreamId)) ?? {}, NETWORK)
    warnOfNetworks(service, network, settings, (message) =>
      warnings.push({ key: keyOf(kind, id), path, message }),
    )
  }
  call.warnings = [...call.warnings, ...warnings]
}
