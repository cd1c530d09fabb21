import type { PodService } from '../../model/pod-service.ts'
import type { FoundHost } from '../discovery.ts'

/** Objects of Kubernetes, as far as they are read here. Whatever else stands in them, or is of another type, is as good as absent. */
export interface KubeObject {
  readonly kind?: string
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly resourceVersion?: string
  }
  readonly spec?: { readonly ports?: readonly { readonly name?: string; readonly port?: number }[] }
  readonly addressType?: string
  readonly ports?: readonly { readonly name?: string; readonly port?: number | null }[] | null
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly conditions?: {
      readonly ready?: boolean | null
      readonly serving?: boolean | null
      readonly terminating?: boolean | null
    }
    readonly targetRef?: { readonly kind?: string; readonly name?: string }
  }[]
}

/** What is known of one Service; `service` null: there is none. `pods` null: no labels are asked for. */
export interface ServiceObjects {
  readonly service: KubeObject | null
  readonly slices: readonly KubeObject[]
  readonly pods: ReadonlySet<string> | null
}

/** Label of a slice that names its Service. */
export const SERVICE_LABEL = 'kubernetes.io/service-name'
/** Pods of one Service; more are left out. */
export const MAX_PODS = 5000

/**
 * The pods behind a port of a Service: those that are ready, or do not say; while none is, those that still serve though they are about to end. Each address and
 * port once, in the order of their text, so that the same objects give the same list.
 */
export function podsOf(
  { service, slices, pods }: ServiceObjects,
  { port }: Pick<PodService, 'port'>,
): { readonly hosts: readonly FoundHost[] } | { readonly reason: string } {
  const entry = service?.spec?.ports?.find((one) => one.port === port)
  if (service === null) return { reason: 'there is no such Service' }
  if (entry === undefined) return { reason: `the Service has no port ${port}` }
  const name = entry.name ?? ''
  const ready = new Map<string, FoundHost>()
  const ending = new Map<string, FoundHost>()
  for (const slice of slices) {
    const target = slice.ports?.find((one) => (one.name ?? '') === name)?.port
    if (typeof target !== 'number' || (slice.addressType ?? 'IPv4') === 'FQDN') continue
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      if (pods !== null && !(targetRef?.kind === 'Pod' && pods.has(targetRef.name ?? ''))) continue
      const isEnding = conditions?.terminating === true
      const into = isEnding
        ? conditions.serving === true
          ? ending
          : null
        : conditions?.ready === false
          ? null
          : ready
      for (const address of addresses ?? [])
        into?.set(`${address} ${target}`, {
          host: address,
          port: target,
          rank: 0,
          weight: 1,
          addresses: [address],
        })
    }
  }
  const found = ready.size > 0 ? ready : ending
  const hosts = [...found]
    .sort(([one], [two]) => (one < two ? -1 : one > two ? 1 : 0))
    .map(([, host]) => host)
  return { hosts: hosts.slice(0, MAX_PODS) }
}

/** Whether a pod has all these labels. */
export function hasLabels({ metadata }: KubeObject, labels: PodService['labels']): boolean {
  return labels.every(({ name, value }) => metadata?.labels?.[name] === value)
}
