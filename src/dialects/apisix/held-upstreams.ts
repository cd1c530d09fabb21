import type { StoredDocument } from '../../model/document.ts'
import type { ModelObject } from '../../model/model.ts'
import type { DialectSettings, Lookup, Translation } from '../dialect.ts'
import { idField, objectField } from './fields.ts'
import { holderOf, modelId, originOf, type TranslationWarning } from './holder.ts'
import { isSwitchedOff } from './merge.ts'
import { translateSplitUpstreams } from './plugins/traffic-split.ts'
import { translateUpstream, UPSTREAM_DEFAULTS } from './translate-upstream.ts'

/**
 * The upstreams that a route, service or plugin_config holds itself: its inline `upstream` (unless an id stands beside it, which wins)
 * and those inside its traffic-split. They belong to that document alone, so routes that inherit them share one object.
 */
export function translateHeldUpstreams(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  const holder = holderOf(document)
  const objects: ModelObject[] = []
  const warnings: TranslationWarning[] = []
  const inline = objectField(document.value, 'upstream')
  if (inline !== null && idField(document.value, 'upstream_id') !== null) {
    warnings.push({ path: 'upstream', message: 'upstream_id is given too and wins; upstream has no effect' })
  } else if (inline !== null) {
    const translated = translateUpstream(inline, {
      id: modelId(holder, 'upstream'),
      origin: originOf(holder, 'upstream'),
      path: 'upstream',
      timeoutSeconds: UPSTREAM_DEFAULTS.timeoutSeconds,
      isInSplit: false,
      lookup,
    })
    objects.push(translated.upstream)
    warnings.push(...translated.warnings)
  }
  const plugins = objectField(document.value, 'plugins')
  const split = plugins === null ? null : objectField(plugins, 'traffic-split')
  if (split !== null && !isSwitchedOff(split)) {
    for (const translated of translateSplitUpstreams(split, holder, lookup, settings)) {
      objects.push(translated.upstream)
      warnings.push(...translated.warnings)
    }
  }
  return { objects, warnings }
}
