import { isIP } from 'node:net'
import type { PodService } from '../../model/pod-service.ts'
import type { FoundHost } from '../discovery.ts'

/** Kinds of objects that are read. */
export type KubeKind = 'Service' | 'EndpointSlice' | 'Pod'

/** Objects of Kubernetes, as far as they are read here. */
export interface KubeObject {
  readonly kind?: string
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly resourceVersion?: string
  }
  readonly spec?: {
    readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[]
  }
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
 * An object with what is read of it and nothing else, so that a cluster of any size is held in little memory. Throws a sentence with the object and the field
 * where something is of another type than Kubernetes has there.
 */
export function readObject(kind: KubeKind, value: unknown): KubeObject {
  const root = mapOf(value, kind)
  const meta = mapOf(root.metadata, `${kind}: metadata`)
  const name = textOf(meta.name, `${kind}: metadata.name`)
  const place = `${kind} ${name ?? ''}`.trimEnd()
  const labels = Object.entries(mapOf(meta.labels, `${place}: metadata.labels`)).map(
    ([label, text]) => [label, textOf(text, `${place}: metadata.labels.${label}`) ?? ''] as const,
  )
  const metadata = defined({
    name,
    namespace: textOf(meta.namespace, `${place}: metadata.namespace`),
    resourceVersion: textOf(meta.resourceVersion, `${place}: metadata.resourceVersion`),
    labels: kind === 'Service' || labels.length === 0 ? undefined : Object.fromEntries(labels),
  })
  if (kind === 'Pod') return { kind, metadata }
  if (kind === 'Service') {
    const ports = portsOf(mapOf(root.spec, `${place}: spec`).ports, `${place}: spec.ports`)
    return { kind, metadata, spec: { ports } }
  }
  const addressType = textOf(root.addressType, `${place}: addressType`)
  return {
    kind,
    metadata,
    ...defined({ addressType }),
    ports: portsOf(root.ports, `${place}: ports`),
    endpoints: listOf(root.endpoints, `${place}: endpoints`).map((endpoint, n) =>
      endpointOf(endpoint, addressType === 'FQDN', `${place}: endpoints[${n}]`),
    ),
  }
}

function portsOf(value: unknown, place: string) {
  return listOf(value, place).map((entry, n) => {
    const { name, port, protocol } = mapOf(entry, `${place}[${n}]`)
    if (port !== undefined && port !== null && !(Number.isInteger(port) && isPort(port as number)))
      throw new Error(`${place}[${n}].port must be a number from 1 to 65535`)
    return defined({
      name: textOf(name, `${place}[${n}].name`),
      port: port === null ? undefined : (port as number | undefined),
      protocol: textOf(protocol, `${place}[${n}].protocol`),
    })
  })
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

function endpointOf(value: unknown, isNamed: boolean, place: string) {
  const { addresses, conditions, targetRef } = mapOf(value, place)
  const { ready, serving, terminating } = mapOf(conditions, `${place}.conditions`)
  const { kind, name } = mapOf(targetRef, `${place}.targetRef`)
  return {
    addresses: listOf(addresses, `${place}.addresses`).map((address, n) => {
      const text = textOf(address, `${place}.addresses[${n}]`)
      if (text === undefined || (!isNamed && isIP(text) === 0))
        throw new Error(`${place}.addresses[${n}] must be an address`)
      return text
    }),
    conditions: defined({
      ready: flagOf(ready, `${place}.conditions.ready`),
      serving: flagOf(serving, `${place}.conditions.serving`),
      terminating: flagOf(terminating, `${place}.conditions.terminating`),
    }),
    ...(targetRef === undefined || targetRef === null
      ? {}
      : {
          targetRef: defined({
            kind: textOf(kind, `${place}.targetRef.kind`),
            name: textOf(name, `${place}.targetRef.name`),
          }),
        }),
  }
}

function mapOf(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${place} must be an object`)
  return value as Record<string, unknown>
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new Error(`${place} must be a list`)
  return value
}

function textOf(value: unknown, place: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new Error(`${place} must be a text`)
  return value
}

function flagOf(value: unknown, place: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw new Error(`${place} must be true or false`)
  return value
}

/** Without the fields that are undefined. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never
}

/**
 * The pods behind a port of a Service: those that are ready, or do not say; while none is, those that still serve though they are about to end. Each address and
 * port once, in the order of their text, so that the same objects give the same list. `reason`: why there are none.
 */
export function podsOf(
  { service, slices, pods }: ServiceObjects,
  { port }: Pick<PodService, 'port'>,
): { readonly hosts: readonly FoundHost[] } | { readonly reason: string } {
  if (service === null) return { reason: 'the cluster has no such Service' }
  // the same number may stand there for UDP too
  const entry = service.spec?.ports?.find((one) => one.port === port && (one.protocol ?? 'TCP') === 'TCP')
  if (entry === undefined) {
    const known = service.spec?.ports?.map((one) => one.port).join(', ') ?? ''
    return { reason: `the Service has no TCP port ${port}${known === '' ? '' : `: it has ${known}`}` }
  }
  const name = entry.name ?? ''
  const ready = new Map<string, FoundHost>()
  const ending = new Map<string, FoundHost>()
  let count = 0
  let labelled = 0
  for (const slice of slices) {
    const target = slice.ports?.find((one) => (one.name ?? '') === name)?.port
    // names of hosts are none of pods
    if (typeof target !== 'number' || (slice.addressType ?? 'IPv4') === 'FQDN') continue
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      count++
      if (pods !== null && !(targetRef?.kind === 'Pod' && pods.has(targetRef.name ?? ''))) continue
      labelled++
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
  if (found.size === 0) {
    if (count === 0) return { reason: 'the Service has no pods' }
    if (labelled === 0) return { reason: `none of its ${count} pods has the labels` }
    return { reason: `none of its ${labelled} pods is ready` }
  }
  const hosts = [...found]
    .sort(([one], [two]) => (one < two ? -1 : one > two ? 1 : 0))
    .map(([, host]) => host)
  return { hosts: hosts.slice(0, MAX_PODS) }
}

/** Whether a pod has all these labels. */
export function hasLabels({ metadata }: KubeObject, labels: PodService['labels']): boolean {
  return labels.every(({ name, value }) => metadata?.labels?.[name] === value)
}
