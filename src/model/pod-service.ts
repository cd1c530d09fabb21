/** A port of a Service of a cluster: what stands for pods. */
export interface PodService {
  /** Which cluster: a key of the setting `tencent.clusters`. */
  readonly cluster: string
  readonly namespace: string
  readonly service: string
  /** The Service's port, which leads to the one that its pods listen on. 1-65535. */
  readonly port: number
  /** Further labels that its pods must have. */
  readonly labels: readonly { readonly name: string; readonly value: string }[]
}

/** One text for one of them: what discovery asks for, and what logs and metrics call it. */
export function podServiceName({ cluster, namespace, service, port, labels }: PodService): string {
  const query = labels.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return `${cluster}/${namespace}/${service}:${port}${query.length === 0 ? '' : `?${query.join('&')}`}`
}

/** The same back; null: it is none. */
export function readPodServiceName(name: string): PodService | null {
  const match = /^([^/]+)\/([^/]+)\/([^/:]+):(\d+)(?:\?(.*))?$/.exec(name)
  if (match === null) return null
  const [, cluster = '', namespace = '', service = '', port = '', query = ''] = match
  const labels = query === '' ? [] : query.split('&').map((pair) => pair.split('=').map(decodeURIComponent))
  return {
    cluster,
    namespace,
    service,
    port: Number(port),
    labels: labels.map(([label = '', value = '']) => ({ name: label, value })),
  }
}
