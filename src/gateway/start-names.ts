import type { NameView } from '../discovery/discovery.ts'
import { DnsSource } from '../discovery/dns-source.ts'
import { JoinedSource } from '../discovery/joined-source.ts'
import { Names } from '../discovery/names.ts'
import { PodSource } from '../discovery/pod-source.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { statesKey } from '../model/operator-states.ts'
import type { Settings } from '../model/settings.ts'
import type { UpstreamCircumstances } from './circumstances.ts'
import type { Documents } from './documents.ts'
import type { Emit } from './events.ts'
import type { ModelArchive } from './model-archive.ts'
import type { Reconciler } from './reconcile.ts'
import type { Log } from './worker-pool.ts'

export interface NamesParts {
  readonly settings: Pick<Settings, 'dns' | 'tencent'>
  readonly circumstances: UpstreamCircumstances
  readonly documents: Documents
  readonly log: Log
  readonly emit: Emit
  /** The pods of a Service changed. */
  readonly onPods: () => void
}

/** The names of all upstreams; what changes in an answer is put in force in the upstreams that use the name. The caller closes it. */
export function startNames({ settings, circumstances, documents, log, emit, onPods }: NamesParts): Names {
  const changed = new Set<string>()
  const refresh = (): void => {
    const ids = [...changed]
    changed.clear()
    documents.refresh(ids).catch((error: unknown) => {
      log('error', { upstreams: ids, error: String(error) }, 'new addresses could not be put in force')
    })
  }
  const dns = new DnsSource({ settings: settings.dns })
  return new Names({
    source: new JoinedSource(dns, new PodSource({ clusters: settings.tencent.clusters, names: dns })),
    settings: settings.dns,
    onChange: (question) => {
      // answers that come together are one change
      if (changed.size === 0) setImmediate(refresh)
      if (question.kind === 'pods') onPods()
      for (const id of circumstances.usersOf(question)) changed.add(id)
    },
    onTurn: (view, isGood) => announce(view, isGood, log, emit),
  })
}

function announce(view: NameView, isGood: boolean, log: Log, emit: Emit): void {
  const { question, state, reason, hosts } = view
  if (question.kind === 'pods') return announcePods(view, isGood, log, emit)
  const count = hosts.reduce((sum, { addresses }) => sum + addresses.length, 0)
  const fields = { name: question.name, kind: question.kind, state, reason, addresses: count }
  if (isGood) {
    log('info', fields, 'a name resolves again')
    return emit('name-resolved', `${question.name} resolves again: ${count} addresses`, fields)
  }
  const keeps = count > 0 ? `its last ${count} addresses stay in use` : 'nothing is sent to it'
  log('warn', fields, `a name does not resolve: ${keeps}`)
  emit('name-unresolved', `${question.name} does not resolve (${reason}): ${keeps}`, fields)
}

/** The same of the pods of a Service. */
function announcePods(view: NameView, isGood: boolean, log: Log, emit: Emit): void {
  const { question, state, reason, hosts } = view
  const { name } = question
  const pods = hosts.length === 1 ? '1 pod' : `${hosts.length} pods`
  const fields = { name, kind: question.kind, state, reason, addresses: hosts.length }
  if (isGood) {
    log('info', fields, `the nodes of a Service are current again: ${pods}`)
    return emit('name-resolved', `the nodes of ${name} are current again: ${pods}`, fields)
  }
  const [what, then] =
    hosts.length > 0
      ? ['may be old', `what was known last serves on: ${pods}`]
      : ['are none', 'nothing is sent there']
  log('warn', fields, `the nodes of a Service ${what}: ${then}`)
  emit('name-unresolved', `the nodes of ${name} ${what} (${reason}): ${then}`, fields)
}

/** All names are asked at once; the gateway starts with what came in time, and the rest follows. */
export async function resolveAtStart(
  circumstances: UpstreamCircumstances,
  documents: Documents,
  /** Upstreams with names that were not translated in this process (model-cache.ts). */
  unasked: readonly string[],
): Promise<void> {
  if (unasked.length > 0) await documents.remake(unasked)
  await circumstances.firstAnswers()
  const named = circumstances.named()
  if (named.length > 0) await documents.remake(named)
}

/** How often upstreams that were only planned are forgotten. */
const SWEEP_MS = 60_000

export function keepSweeping(circumstances: UpstreamCircumstances, archive: ModelArchive): () => void {
  const timer = setInterval(() => {
    circumstances.sweep((id) => archive.find('upstream', id) !== undefined)
  }, SWEEP_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** What operators said of the endpoints of an upstream goes with it: were it to come back, nobody would know why a node gets nothing. */
export async function pruneStates(
  upstreamId: string,
  documents: Documents,
  { archive }: Pick<Reconciler, 'archive'>,
  log: Log,
): Promise<void> {
  if (documents.readOnly !== null) return
  const key = statesKey(upstreamId)
  try {
    await documents.exclusive(async () => {
      const stored = await documents.get(key)
      if (stored === undefined || archive.find('upstream', upstreamId) !== undefined) return
      const change = { op: 'delete' as const, key, expectedRevision: stored.modifiedRevision }
      await documents.write([change], { author: 'system', message: `${upstreamId} is gone` })
    })
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'WRITE_CONFLICT') return // somebody else sees to it
    log('warn', { upstream: upstreamId, error: String(error) }, 'states of a deleted upstream stay')
  }
}
