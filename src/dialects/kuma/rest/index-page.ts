import { createHash } from 'node:crypto'
import type { JsonObject } from '../../../model/json.ts'
import { TYPES } from '../kinds.ts'

/** What a control plane says of itself, and the policies that it has. */

/** Name of the system; its client refuses control planes that say another. */
const SYSTEM = 'Kuma'
/** The version whose API this is; clients compare theirs with it. */
const BASE_VERSION = '2.5.11'

export interface Identity {
  readonly hostname: string
  /** Of this program. */
  readonly version: string
}

/** `clusterId` comes from the host's name, so that it stays over restarts. */
export function indexPage({ hostname, version }: Identity): JsonObject {
  const digest = createHash('sha256').update(`headgate ${hostname}`).digest('hex')
  const id = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
  return {
    hostname,
    tagline: SYSTEM,
    product: 'Headgate',
    version,
    basedOnKuma: BASE_VERSION,
    instanceId: `${hostname}-${digest.slice(-4)}`,
    clusterId: id,
  }
}

/** `isReadOnly`: documents come from files, and calls cannot change them. */
export function policiesPage(isReadOnly: boolean): JsonObject {
  return {
    policies: [
      {
        name: TYPES['traffic-routes'],
        readOnly: isReadOnly,
        path: 'traffic-routes',
        singularDisplayName: 'Traffic Route',
        pluralDisplayName: 'Traffic Routes',
        isExperimental: false,
        isTargetRefBased: false,
        isInbound: false,
        isOutbound: true,
      },
    ],
  }
}
