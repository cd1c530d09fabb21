import type { StoredDocument } from '../../model/document.ts'
import { objectsField, textField } from '../../model/json-fields.ts'
import { originAt } from '../../model/origin.ts'
import type { Route } from '../../model/route.ts'
import type { Translation } from '../dialect.ts'
import { modelId, originOf, TENCENT } from './kinds.ts'
import { rankEnd } from './precedence.ts'
import { baseOf } from './validate-service.ts'

/**
 * A service serves nothing by itself. Where one of its custom domains maps a prefix and something shorter as well, what stands below the longer
 * prefix and is no API of its environment is 404, and not the shorter one's.
 */
export function translateService({ key, value }: StoredDocument): Translation {
  const objects: Route[] = []
  for (const { at, entry } of objectsField(value, 'CustomDomains')) {
    const host = textField(entry, 'Domain')?.toLowerCase() ?? ''
    const rows = objectsField(entry, 'PathMappings').map((row) => ({
      at: row.at,
      base: baseOf(textField(row.entry, 'Path') ?? ''),
    }))
    for (const row of rows) {
      const hides = rows.some((other) => other !== row && `${row.base}/`.startsWith(`${other.base}/`))
      if (!hides) continue
      const path = `CustomDomains[${at}].PathMappings[${row.at}]`
      objects.push(endOf(key.id, { path, host, base: row.base }, textField(value, 'ServiceName')))
    }
  }
  return { objects, warnings: [] }
}

function endOf(
  serviceId: string,
  { path, host, base }: { path: string; host: string; base: string },
  serviceName: string | null,
): Route {
  const origin = originAt(originOf('services', serviceId), path)
  const target = {
    kind: 'respond',
    weight: 1,
    variant: '404',
    origin,
    requestFilters: [],
    responseFilters: [],
    status: 404,
    headers: [],
    body: '',
    page: true,
    errorCode: 'ROUTE_NOT_FOUND',
  } as const
  const id = modelId('services', serviceId, path)
  const at = { host: { kind: 'exact', text: host }, key: rankEnd(base) } as const
  return {
    kind: 'route',
    id,
    name: `${serviceName ?? serviceId} ${base}`,
    origin,
    section: TENCENT,
    entries: [
      { ...at, path: { kind: 'exact', text: base } },
      { ...at, path: { kind: 'prefix', text: `${base}/` } },
    ],
    methods: null,
    clients: null,
    predicate: null,
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    rules: [{ origin, predicate: null, split: { id, origin, targets: [target], policy: null } }],
    upgrades: [],
    timeouts: null,
    labels: { routeId: serviceId, routeName: null, serviceId, serviceName },
  }
}
