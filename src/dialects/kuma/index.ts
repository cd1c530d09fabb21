import type { StoredDocument } from '../../model/document.ts'
import type { Dialect, DialectSettings, Lookup, Search, Translation } from '../dialect.ts'
import { listCompanions } from './companions.ts'
import { listEntrances, runAlone } from './entrances.ts'
import { idOf, recognizeKinds } from './envelope.ts'
import { readKumaFile, writeKumaFile } from './file.ts'
import { KEYWORDS } from './keywords.ts'
import { isKind, KINDS, KUMA } from './kinds.ts'
import { concealClientKey, editableValue, normaliseValue, prepareValue } from './own-form.ts'
import { PROXIES } from './proxies.ts'
import { listReferences } from './references.ts'
import { createRest } from './rest.ts'
import { runsHere } from './runs-here.ts'
import { listSplits } from './splits.ts'
import { summarizeValue } from './summary.ts'
import { KUMA_SURFACE } from './surface.ts'
import { translateDataplane } from './translate-dataplane.ts'
import { fieldWarnings, validate } from './validate.ts'

/** Meshes of Kuma: traffic routes over data plane proxies (spec/kuma.md). */
export const kuma: Dialect = {
  name: KUMA,
  kinds: KINDS,
  fileKeys: ['type', 'kind'],
  hasOwnListeners: true,
  entrances: { kind: 'dataplanes', list: listEntrances, settingsFor: runAlone },
  keepsObjects: true,
  keywords: KEYWORDS,
  surface: () => KUMA_SURFACE,
  validate,
  translate,
  rest: (store, settings, view) => createRest({ store, settings, view }),
  prepare: prepareValue,
  idOf,
  editable: editableValue,
  conceal: { 'external-services': concealClientKey },
  normalize: normaliseValue,
  companions: (kind, value) => (isKind(kind) ? listCompanions(kind, value) : []),
  references: listReferences,
  splits: listSplits,
  summarize: summarizeValue,
  writeFile: writeKumaFile,
  recognize: recognizeKinds,
  readFile: readKumaFile,
  proxies: PROXIES,
}

/** Proxies serve; what else there is shapes them. */
function translate(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
  search: Search,
): Translation {
  const { kind, id } = document.key
  const written = fieldWarnings(kind, document.value)
  if (kind !== 'dataplanes') return { objects: [], warnings: written }
  const isHere = runsHere(id, settings)
  // a control plane makes the models of proxies elsewhere by itself (src/mesh): here each would be made anew with every change of the mesh, for nothing
  if (!isHere && settings.kuma.listen !== null) return { objects: [], warnings: written }
  const { objects, warnings } = translateDataplane(document, lookup, search)
  return { objects: isHere ? objects : [], warnings: [...written, ...warnings] }
}
