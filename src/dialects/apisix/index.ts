import type { StoredDocument } from '../../model/document.ts'
import type { Dialect, DialectSettings, Lookup, Translation } from '../dialect.ts'
import { translateConsumer } from './consumers.ts'
import { idField, objectField } from './fields.ts'
import { readApisixFile, writeApisixFile } from './file.ts'
import { translateHeldUpstreams } from './held-upstreams.ts'
import type { TranslationWarning } from './holder.ts'
import { idFieldOf } from './ids.ts'
import { normalizeValue } from './normalize.ts'
import { editableValue, prepareValue } from './own-form.ts'
import { checkPlugins } from './plugins/index.ts'
import { listReferences } from './references.ts'
import { createRest } from './rest.ts'
import { listSplits, recognizeKinds } from './splits.ts'
import { translateSsl, withoutKeys } from './ssls.ts'
import { translateStreamRoute } from './stream-routes.ts'
import { summarizeValue } from './summary.ts'
import { describeSurface } from './surface.ts'
import { translateRoute } from './translate-route.ts'
import { translateUpstream, UPSTREAM_DEFAULTS } from './translate-upstream.ts'
import { validateDocument } from './validate.ts'
import { parseVars } from './vars.ts'

/** Documents of Apache APISIX: routes, services, upstreams, plugin_configs and ssls, with their Admin API (spec/apisix.md). */
export const apisix: Dialect = {
  name: 'apisix',
  kinds: ['ssls', 'consumers', 'upstreams', 'services', 'plugin_configs', 'routes', 'stream_routes'],
  surface: (settings) => describeSurface(settings.apisix),
  validate: validateDocument,
  translate: translateDocument,
  rest: (store, settings) => createRest(store, settings),
  prepare: prepareValue,
  idOf: (kind, value) => idField(value, idFieldOf(kind)),
  editable: (_kind, value) => editableValue(value),
  conceal: { ssls: withoutKeys },
  normalize: normalizeValue,
  references: (_kind, value) => listReferences(value),
  splits: listSplits,
  summarize: summarizeValue,
  writeFile: writeApisixFile,
  recognize: recognizeKinds,
  readFile: readApisixFile,
}

function translateDocument(document: StoredDocument, lookup: Lookup, settings: DialectSettings): Translation {
  const { kind, id } = document.key
  switch (kind) {
    case 'routes':
      return withWarnings(translateRoute(document, lookup, settings), document, settings)
    case 'stream_routes':
      return withWarnings(translateStreamRoute(document, lookup, settings), document, settings)
    case 'services':
    case 'plugin_configs':
      return withWarnings(translateHeldUpstreams(document, lookup, settings), document, settings)
    case 'consumers':
      return translateConsumer(document)
    case 'ssls':
      return translateSsl(document)
    case 'upstreams': {
      const { upstream, warnings } = translateUpstream(document.value, {
        id: `apisix/upstreams/${id}`,
        origin: { dialect: 'apisix', kind: 'upstream', id, path: '' },
        path: '',
        timeoutSeconds: UPSTREAM_DEFAULTS.timeoutSeconds,
        isInSplit: false,
        lookup,
      })
      return { objects: [upstream], warnings }
    }
    default:
      return { objects: [], warnings: [] }
  }
}

/** Adds what the checks of plugins and expressions have to say, so that documents from files are warned about too. */
function withWarnings(
  translation: Translation,
  document: StoredDocument,
  settings: DialectSettings,
): Translation {
  const found: TranslationWarning[] = []
  const { vars } = document.value
  if (vars !== undefined) {
    const parsed = parseVars(vars, 'vars')
    if (!('error' in parsed)) found.push(...parsed.warnings)
  }
  const plugins = objectField(document.value, 'plugins')
  // The document has been accepted, so only the warnings matter here.
  if (plugins !== null) found.push(...checkPlugins(plugins, settings).warnings)
  return found.length === 0
    ? translation
    : { objects: translation.objects, warnings: [...found, ...translation.warnings] }
}
