import type { PodService } from '../../model/pod-service.ts'
import type { ClusterSettings } from '../../model/settings.ts'
import { type KubeConnection, openConnection } from './connection.ts'
import { hasLabels, type KubeKind, SERVICE_LABEL, type ServiceObjects } from './objects.ts'
import { Watch } from './watch.ts'

/** One Service that is followed. */
export interface Followed {
  /** Resolves when something is known of it, good or bad. */
  readonly first: Promise<void>
  /** What is known last; null: nothing was ever read. */
  objects(): ServiceObjects | null
  /** Why it may be old; '' where it is current. */
  reason(): string
  close(): void
}

/** Where the objects of a cluster come from. */
export interface Cluster {
  follow(service: PodService, onChange: () => void): Followed
  close(): void
}

/** A cluster by its API server: Services, EndpointSlices, and Pods where labels are asked for. */
export class ApiCluster implements Cluster {
  readonly #settings: ClusterSettings
  readonly #watches = new Map<string, { readonly watch: Watch; readonly listeners: Set<() => void> }>()

  constructor(settings: ClusterSettings) {
    this.#settings = settings
  }

  follow(service: PodService, onChange: () => void): Followed {
    const { namespace, service: name, labels } = service
    const core = `/api/v1/namespaces/${encodeURIComponent(namespace)}`
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`
    const places: (readonly [kind: KubeKind, path: string, query: string])[] = [
      ['Service', `${core}/services`, `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`],
      ['EndpointSlice', slices, `labelSelector=${encodeURIComponent(`${SERVICE_LABEL}=${name}`)}`],
    ]
    if (labels.length > 0) {
      const wanted = labels.map((label) => `${label.name}=${label.value}`).join(',')
      places.push(['Pod', `${core}/pods`, `labelSelector=${encodeURIComponent(wanted)}`])
    }
    const watches = places.map(([kind, path, query]) => this.#share(kind, path, query, onChange))
    return {
      first: Promise.all(watches.map(({ watch }) => watch.first)).then(() => {}),
      objects: () => {
        if (!watches.every(({ watch }) => watch.isListed)) return null
        const [services, all, pods] = watches.map(({ watch }) => watch.objects)
        return {
          service: services?.get(name) ?? null,
          slices: [...(all?.values() ?? [])].filter(
            (slice) => slice.metadata?.labels?.[SERVICE_LABEL] === name,
          ),
          pods:
            pods === undefined
              ? null
              : new Set([...pods].flatMap(([pod, value]) => (hasLabels(value, labels) ? [pod] : []))),
        }
      },
      reason: () => watches.find(({ watch }) => watch.reason !== '')?.watch.reason ?? '',
      close: () => {
        for (const { key } of watches) this.#release(key, onChange)
      },
    }
  }

  close(): void {
    for (const { watch } of this.#watches.values()) watch.close()
    this.#watches.clear()
  }

  /** Followers of the same collection share its watch. */
  #share(
    kind: KubeKind,
    path: string,
    query: string,
    onChange: () => void,
  ): { readonly key: string; readonly watch: Watch } {
    const key = `${path}?${query}`
    const known = this.#watches.get(key)
    if (known !== undefined) {
      known.listeners.add(onChange)
      return { key, watch: known.watch }
    }
    const listeners = new Set([onChange])
    const watch = new Watch({
      connection: (): Promise<KubeConnection> => openConnection(this.#settings),
      kind,
      path,
      query,
      onChange: () => {
        for (const listener of [...listeners]) listener()
      },
    })
    this.#watches.set(key, { watch, listeners })
    return { key, watch }
  }

  #release(key: string, onChange: () => void): void {
    const known = this.#watches.get(key)
    if (known === undefined) return
    known.listeners.delete(onChange)
    if (known.listeners.size > 0) return
    known.watch.close()
    this.#watches.delete(key)
  }
}
