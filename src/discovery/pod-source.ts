import { readPodServiceName } from '../model/pod-service.ts'
import type { ClusterSettings } from '../model/settings.ts'
import { type NameOutcome, type NameQuestion, type NameSource, questionName } from './discovery.ts'
import { ApiCluster, type Cluster, type Followed } from './pods/cluster.ts'
import { DirectoryCluster } from './pods/directory.ts'
import { askPodsInDns } from './pods/dns.ts'
import { podsOf } from './pods/objects.ts'

export interface PodSourceOptions {
  readonly clusters: Readonly<Record<string, ClusterSettings>>
  /** Asked for the Services of clusters that are read by DNS. Whoever made it closes it. */
  readonly names: Pick<NameSource, 'ask'>
}

/** An answer is told when it changes (those of DNS have their own TTL), so it is never too old. Seconds. */
const TTL = 3600
/** A cluster that has not said anything after so long is no longer waited for: others wait for their turn to ask. What it says later is told as a change. */
const FIRST_MS = 2000

/** Pods of Services, by the clusters of the settings. A cluster is opened when somebody first asks for a Service of it. */
export class PodSource implements NameSource {
  readonly #options: PodSourceOptions
  readonly #clusters = new Map<string, Cluster>()
  readonly #followed = new Map<string, Followed>()
  #onStale: (question: NameQuestion) => void = () => {}

  constructor(options: PodSourceOptions) {
    this.#options = options
  }

  async ask(question: NameQuestion): Promise<NameOutcome> {
    const service = readPodServiceName(question.name)
    if (service === null) return { kind: 'failed', reason: 'it names no Service' }
    const { clusters } = this.#options
    const settings = Object.hasOwn(clusters, service.cluster) ? clusters[service.cluster] : undefined
    if (settings === undefined)
      return { kind: 'failed', reason: `the setting tencent.clusters has no ${service.cluster}` }
    if (settings.dns !== undefined) return askPodsInDns(this.#options.names, settings.dns, service)
    const key = questionName(question)
    let followed = this.#followed.get(key)
    if (followed === undefined) {
      followed = this.#cluster(service.cluster, settings).follow(service, () => this.#onStale(question))
      this.#followed.set(key, followed)
    }
    await within(followed.first, FIRST_MS)
    const objects = followed.objects()
    const reason = followed.reason()
    if (objects === null || reason !== '') return { kind: 'failed', reason }
    const found = podsOf(objects, service)
    if ('reason' in found) return { kind: 'empty', reason: found.reason, ttlSeconds: TTL }
    return { kind: 'found', hosts: found.hosts, ttlSeconds: TTL }
  }

  forget(question: NameQuestion): void {
    const key = questionName(question)
    this.#followed.get(key)?.close()
    this.#followed.delete(key)
  }

  onStale(listener: (question?: NameQuestion) => void): void {
    this.#onStale = listener
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close()
    this.#clusters.clear()
    this.#followed.clear()
  }

  #cluster(id: string, settings: ClusterSettings): Cluster {
    let cluster = this.#clusters.get(id)
    if (cluster === undefined) {
      const { directory } = settings
      cluster = directory === undefined ? new ApiCluster(settings) : new DirectoryCluster(directory)
      this.#clusters.set(id, cluster)
    }
    return cluster
  }
}

/** Resolves with the promise, and after `ms` at the latest. */
function within(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
