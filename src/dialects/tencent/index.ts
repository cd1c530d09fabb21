import type { StoredDocument } from '../../model/document.ts'
import { textField } from '../../model/json-fields.ts'
import type { Dialect, DialectSettings, Lookup, Translation } from '../dialect.ts'
import { readTencentFile, writeTencentFile } from './file.ts'
import { idOf, KINDS, modelId, originOf, TENCENT } from './kinds.ts'
import { normaliseValue } from './normalise.ts'
import { editableValue, prepareValue } from './own-form.ts'
import { recognizeKinds } from './recognize.ts'
import { listReferences, NETWORK } from './references.ts'
import { createRest } from './rest.ts'
import { summarizeValue } from './summary.ts'
import { TENCENT_SURFACE } from './surface.ts'
import { translateReleasedApi } from './translate-released-api.ts'
import { translateService } from './translate-service.ts'
import { translateUpstream } from './translate-upstream.ts'
import { validate } from './validate.ts'

/** Services, APIs, Routing plugins and upstreams of Tencent Cloud API Gateway (spec/tencent.md). */
export const tencent: Dialect = {
  name: TENCENT,
  kinds: KINDS,
  fileKeys: [TENCENT],
  surface: () => TENCENT_SURFACE,
  validate,
  translate: translateDocument,
  rest: (store, settings, view) =>
    createRest({
      store,
      settings,
      view,
      language: { validate, prepare: prepareValue, references: listReferences },
    }),
  prepare: prepareValue,
  idOf,
  editable: editableValue,
  normalize: normaliseValue,
  references: listReferences,
  // weights of nodes are shares of an upstream, and those of policies an order: nothing here is split
  splits: () => [],
  summarize: summarizeValue,
  writeFile: writeTencentFile,
  recognize: recognizeKinds,
  readFile: readTencentFile,
}

/** Released APIs take requests; what is edited, bound or described serves nothing by itself. */
function translateDocument(document: StoredDocument, lookup: Lookup, settings: DialectSettings): Translation {
  const { kind, id } = document.key
  switch (kind) {
    case 'released_apis':
      return translateReleasedApi(document, lookup, settings)
    case 'services':
      return translateService(document)
    case 'upstreams': {
      const name = textField(document.value, 'UpstreamName') ?? ''
      const place = {
        id: modelId('upstreams', id),
        origin: originOf('upstreams', id),
        name: name === '' ? id : name,
        host: null,
      }
      const { upstream, warnings } = translateUpstream(document.value, place, settings)
      return { objects: [upstream], warnings }
    }
    default:
      return { objects: [], warnings: danglingReferences(document, lookup) }
  }
}

/** Names that lead nowhere, or to what may not be named: calls refuse them, files may have them. */
function danglingReferences({ key, value }: StoredDocument, lookup: Lookup): Translation['warnings'] {
  return listReferences(key.kind, value).flatMap(({ path, kind, id, refuse }) => {
    const named = lookup(kind, id, refuse === undefined ? '' : NETWORK)
    if (named === undefined) return [{ path, message: `there is no ${kind}/${id}` }]
    const reason = refuse?.(named.value) ?? null
    return reason === null ? [] : [{ path, message: `${kind}/${id}: ${reason}` }]
  })
}
