import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import { groupByKind, readKindLists } from '../../model/kind-lists.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { DialectSettings, FileDocument, FileDocuments } from '../dialect.ts'
import { APINIZER, DEFAULT_PROJECT, deploymentId, idOf, KINDS, type Kind } from './kinds.ts'
import { editableValue } from './own-form.ts'
import { isShortForm, readShortForm } from './short-form.ts'
import { validate } from './validate.ts'

/**
 * `apinizer: {proxies, key_stores, trust_stores}`, lists of documents, or the short form of one proxy. Proxies of a file are deployed to every environment; a list
 * `deployments` says instead what each environment serves.
 */
export function readApinizerFile(root: JsonValue, settings: DialectSettings): FileDocuments | null {
  if (!isJsonObject(root)) return null
  if (isShortForm(root)) return readShort(root, settings)
  if (!Object.hasOwn(root, APINIZER)) return null
  const { documents, faults, body } = readKindLists(root, APINIZER, KINDS, {
    idOf,
    needed: (kind) => NEEDED[kind as Kind],
    hint: 'give each its own name',
  })
  if (body === null) return { documents, faults }
  // an empty list counts: nothing is deployed
  if (!Array.isArray(body.deployments)) documents.push(...deployed(documents, settings))
  return { documents, faults }
}

function readShort(root: JsonObject, settings: DialectSettings): FileDocuments {
  const { value, faults } = readShortForm(root)
  const id = value === null ? null : idOf('proxies', value)
  if (value === null || id === null) return { documents: [], faults }
  const own = [{ kind: 'proxies', id, value, path: '' }]
  return { documents: [...own, ...deployed(own, settings)], faults }
}

const NEEDED: Readonly<Record<Kind, string>> = {
  key_stores: 'name',
  trust_stores: 'name',
  proxies: 'apiProxyName',
  deployments: 'apiProxyName and environmentName',
}

/** What every environment serves of the proxies of a file that have no fault. */
function deployed(
  documents: readonly (FileDocument & { readonly path: string })[],
  settings: DialectSettings,
): FileDocuments['documents'] {
  const proxies = documents.filter(
    ({ kind, value }) => kind === 'proxies' && validate(kind, value, settings).length === 0,
  )
  return Object.keys(settings.apinizer.environments).flatMap((environment) =>
    proxies.map(({ value, path }) => {
      const made = deployedValue(value, environment)
      // whoever looks for it in the file wants to see the proxy
      return { kind: 'deployments', id: idOf('deployments', made) ?? '', value: made, path }
    }),
  )
}

export function deployedValue(proxy: JsonObject, environment: string): JsonObject {
  return {
    projectName: textField(proxy, 'projectName') ?? DEFAULT_PROJECT,
    apiProxyName: textField(proxy, 'apiProxyName') ?? '',
    environmentName: environment,
    Proxy: editableValue('proxies', proxy),
  }
}

/** Collections that are empty are left out, and so is what each environment serves where the proxies say it. */
export function writeApinizerFile(documents: readonly FileDocument[]): string {
  const body: Record<string, JsonObject[]> = {}
  const byKind = groupByKind(documents)
  for (const kind of KINDS) {
    const own = byKind.get(kind) ?? []
    if (own.length > 0 && kind !== 'deployments') body[kind] = own.map(({ value }) => value)
  }
  const serving = byKind.get('deployments') ?? []
  const proxies = byKind.get('proxies') ?? []
  const environments = new Set(serving.map(({ value }) => textField(value, 'environmentName') ?? ''))
  const made = new Map(
    [...environments].flatMap((environment) =>
      proxies.map(({ value }): [string, string] => [
        deploymentId(
          textField(value, 'projectName') ?? DEFAULT_PROJECT,
          textField(value, 'apiProxyName') ?? '',
          environment,
        ),
        JSON.stringify(deployedValue(value, environment)),
      ]),
    ),
  )
  // a file deploys to all environments, and how many those are only its reader knows
  const isSaid =
    environments.size === 1 &&
    made.size === serving.length &&
    serving.every(({ id, value }) => made.get(id) === JSON.stringify(editableValue('deployments', value)))
  if (!isSaid && (serving.length > 0 || proxies.length > 0))
    body.deployments = serving.map(({ value }) => editableValue('deployments', value))
  return toYaml({ [APINIZER]: body })
}
