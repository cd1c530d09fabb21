import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Dialect, Lookup, Translation } from '../dialect.ts'
import { readNativeFile, writeNativeFile } from './file.ts'
import { modelId, NATIVE, originOf } from './names.ts'
import { normalizeDocument } from './normalize.ts'
import { listReferences, listSplits } from './places.ts'
import { recognizeKinds } from './recognize.ts'
import { KINDS, NATIVE_SCHEMA } from './schema.ts'
import { Sink } from './sink.ts'
import { summarizeDocument } from './summary.ts'
import { NATIVE_SURFACE } from './surface.ts'
import { keepKeys, translateCertificate, withoutKeys } from './translate-certificate.ts'
import { translateRoute } from './translate-route.ts'
import { translateStream } from './translate-stream.ts'
import { translateUpstream } from './translate-upstream.ts'
import type * as Native from './types.ts'
import { validateDocument } from './validate.ts'

/** Documents in the words of the model (docs/native.md). */
export const native: Dialect = {
  name: NATIVE,
  kinds: Object.keys(KINDS),
  surface: () => NATIVE_SURFACE,
  validate: validateDocument,
  translate: translateDocument,
  prepare: (kind, id, value, previous) => {
    const own = kind === 'certificates' ? keepKeys(value, previous?.value) : value
    return Object.hasOwn(own, 'id') ? own : { id, ...own }
  },
  idOf: (_kind, value) => (typeof value.id === 'string' ? value.id : null),
  editable: (_kind, value) => value,
  conceal: { certificates: withoutKeys },
  normalize: normalizeDocument,
  references: listReferences,
  splits: listSplits,
  summarize: summarizeDocument,
  writeFile: writeNativeFile,
  recognize: recognizeKinds,
  readFile: readNativeFile,
  schema: () => NATIVE_SCHEMA as unknown as JsonObject,
}

/** The document fits the schema: `validate` has accepted it. */
function translateDocument({ key, value, createdRevision }: StoredDocument, lookup: Lookup): Translation {
  const { kind, id } = key
  const sink = new Sink()
  if (kind === 'routes') {
    const objects = translateRoute(value as unknown as Native.Route, id, lookup, sink)
    return { objects, warnings: sink.warnings }
  }
  if (kind === 'streams') {
    const objects = translateStream(value as unknown as Native.Stream, id, createdRevision, lookup, sink)
    return { objects, warnings: sink.warnings }
  }
  if (kind === 'certificates') {
    const object = translateCertificate(value as unknown as Native.Certificate, id, createdRevision, sink)
    return { objects: [object], warnings: sink.warnings }
  }
  const place = { id: modelId('upstreams', id), origin: originOf('upstream', id), path: '', name: id }
  const upstream = translateUpstream(value as unknown as Native.Upstream, place, sink)
  return { objects: [upstream], warnings: sink.warnings }
}
