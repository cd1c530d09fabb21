import type { Dialect } from '../dialect.ts'
import { APINIZER_SURFACE } from './error-bodies.ts'
import { readApinizerFile, writeApinizerFile } from './file.ts'
import { APINIZER, idOf, KINDS } from './kinds.ts'
import {
  concealDeployedSecret,
  concealKey,
  concealSecret,
  editableValue,
  normaliseValue,
  prepareValue,
} from './own-form.ts'
import { createRest } from './rest.ts'
import { listReferences, recognizeKinds, summarizeValue } from './summary.ts'
import { translateDocument } from './translate.ts'
import { validate } from './validate.ts'

/** API proxies of Apinizer: client routes and the routing behind them (spec/apinizer.md). */
export const apinizer: Dialect = {
  name: APINIZER,
  kinds: KINDS,
  fileKeys: [APINIZER, 'client_route'],
  surface: () => APINIZER_SURFACE,
  validate,
  translate: translateDocument,
  prepare: prepareValue,
  idOf,
  editable: editableValue,
  conceal: { key_stores: concealKey, proxies: concealSecret, deployments: concealDeployedSecret },
  normalize: normaliseValue,
  references: listReferences,
  // weights of addresses are shares of an upstream, and the canary's is a percentage
  splits: () => [],
  rest: (store, settings, view) => createRest({ store, settings, view }),
  summarize: summarizeValue,
  writeFile: writeApinizerFile,
  recognize: recognizeKinds,
  readFile: readApinizerFile,
}
