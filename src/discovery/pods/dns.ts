import type { PodService } from '../../model/pod-service.ts'
import type { FoundHost, NameOutcome, NameQuestion, NameSource } from '../discovery.ts'
import { MAX_PODS } from './objects.ts'

/** How long a Service without records is not asked for again. Seconds. */
const EMPTY_TTL = 5

/** What stands for a Service in DNS; `form` is the setting `dns` of its cluster. */
export function dnsQuestionOf(
  form: string,
  { namespace, service }: Pick<PodService, 'namespace' | 'service'>,
): NameQuestion {
  const name = form.replaceAll('{service}', service).replaceAll('{namespace}', namespace)
  return { kind: name.startsWith('_') ? 'services' : 'addresses', name }
}

/**
 * The pods of a headless Service by its records: addresses with the Service's port, or SRV with theirs, whose weights and priorities say nothing here: the document
 * gives each pod its weight. A name that its servers do not know, or that has no records, has no pods.
 */
export async function askPodsInDns(
  names: Pick<NameSource, 'ask'>,
  form: string,
  service: PodService,
): Promise<NameOutcome> {
  if (service.labels.length > 0)
    return { kind: 'failed', reason: 'its cluster is read by DNS, which knows no labels of pods' }
  const outcome = await names.ask(dnsQuestionOf(form, service))
  if (outcome.kind === 'none') return { kind: 'empty', reason: outcome.reason, ttlSeconds: EMPTY_TTL }
  if (outcome.kind !== 'found') return outcome
  const pods = new Map<string, FoundHost>()
  for (const { port, addresses } of outcome.hosts) {
    for (const address of addresses) {
      const own = port ?? service.port
      const pod = { host: address, port: own, rank: 0, weight: 1, addresses: [address] }
      pods.set(`${address} ${own}`, pod)
    }
  }
  const { ttlSeconds } = outcome
  if (pods.size === 0) return { kind: 'empty', reason: 'none of its hosts has an address', ttlSeconds }
  const hosts = [...pods].sort(([one], [two]) => (one < two ? -1 : one > two ? 1 : 0)).map(([, host]) => host)
  return { kind: 'found', hosts: hosts.slice(0, MAX_PODS), ttlSeconds }
}
