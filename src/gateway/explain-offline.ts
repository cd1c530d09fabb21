import type { Dialect } from '../dialects/dialect.ts'
import type { NameQuestion } from '../discovery/discovery.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import type {
  ExplainRequest,
  Explanation,
  RouteReach,
  StreamExplanation,
  StreamQuestion,
} from '../model/explanation.ts'
import type { ModelObject } from '../model/model.ts'
import type { Settings } from '../model/settings.ts'
import { Consumers } from '../routing/consumers.ts'
import { PatchApplier } from './apply-patch.ts'
import { UpstreamCircumstances } from './circumstances.ts'
import { withPlaces } from './explain-places.ts'
import { explainReach } from './explain-reach.ts'
import { withRemarks } from './explain-remarks.ts'
import { ExplainError, findListener } from './explain-request.ts'
import { sectionsOf } from './listeners.ts'
import { Mirror } from './mirror.ts'
import { SlotTable } from './packed-slots.ts'
import { Planes } from './planes.ts'
import { Reconciler } from './reconcile.ts'
import { formatAddress, parseAddress } from './sockets.ts'
import { findStreamEntrance, type StreamListener } from './stream-question.ts'

/** Explains as a running gateway does (Control of start.ts). */
export interface Explains {
  explain(request: ExplainRequest): Promise<Explanation>
  explainStream(question: StreamQuestion): Promise<StreamExplanation>
  explainRoute(key: DocumentKey): Promise<RouteReach>
}

export interface OfflineOptions {
  /** Valid ones. */
  readonly documents: readonly StoredDocument[]
  readonly dialects: readonly Dialect[]
  readonly settings: Settings
  readonly placeOf: (key: DocumentKey, path: string) => string | null
}

/**
 * A gateway that only explains: the documents are translated, compiled and explained by the code of one that serves, in this thread, without
 * sockets. Splits and balancers stand at their beginning, as those of a gateway that has just started.
 */
export function createOfflineExplainer({ documents, dialects, settings, placeOf }: OfflineOptions): Explains {
  const mirror = new Mirror()
  // nobody is asked: a name stands for itself
  const names = {
    find: ({ kind, name }: NameQuestion) =>
      kind === 'addresses' ? [{ host: name, port: null, rank: 0, weight: 1, addresses: [name] }] : null,
    use: () => {},
    drop: () => {},
    firstAnswers: () => null,
  }
  const circumstances = new UpstreamCircumstances({ names, onUpstreamGone: () => {} })
  const reconciler = new Reconciler(dialects, settings, mirror, circumstances)
  for (const document of documents) mirror.set(document)
  for (const document of documents) reconciler.load(document)
  const objects = [...reconciler.objects()]
  const planes = makePlanes(objects, settings, dialects)
  const planned = objects
    .filter((object) => object.kind === 'listener')
    .map(({ protocol, address, port, section }) => ({
      protocol,
      address: formatAddress(address, port),
      section,
    }))
  const sectionAt = (listener: string): string | null =>
    planned.find(({ address }) => address === listener)?.section ?? null
  const listeners = [
    ...[...settings.listen, ...settings.listenTls].map((text) => {
      const { host, port } = parseAddress(text)
      return formatAddress(host, port)
    }),
    ...planned.filter(({ protocol }) => protocol === 'http').map(({ address }) => address),
  ]
  const explain = async (request: ExplainRequest): Promise<Explanation> => {
    const listener = findListener(request.listener, listeners)
    const { host, port } = parseAddress(listener)
    const scheme = settings.listenTls.some((text) => parseAddress(text).port === port) ? 'https' : 'http'
    return planes.of(sectionAt(listener)).explain(request, { address: host, port, scheme })
  }
  return {
    explain: async (request) => {
      const warningsOf = (key: DocumentKey) => reconciler.status(key)?.warnings ?? []
      return withPlaces(withRemarks(await explain(request), dialects, warningsOf), dialects, placeOf)
    },
    explainStream: async (question) => {
      const entrance = findStreamEntrance(question, [
        ...streamListeners(settings),
        ...planned.filter(({ protocol }) => protocol === 'tcp'),
      ])
      const plane = planes.of(sectionAt(entrance.listener))
      return withPlaces(plane.explainStream(question, entrance), dialects, placeOf)
    },
    explainRoute: async (key) => {
      const routes = reconciler.routesOf(key)
      if (routes.length === 0)
        throw new ExplainError('noDocument', `no route comes from ${key.dialect}/${key.kind}/${key.id}`)
      return withPlaces(await explainReach(routes, explain), dialects, placeOf)
    },
  }
}

function streamListeners({ listenTcp, listenUdp }: Settings): readonly StreamListener[] {
  const listenerOf = (text: string, protocol: StreamListener['protocol']): StreamListener => {
    const { host, port } = parseAddress(text.replace(/^tls:\/\//, ''))
    return { protocol, address: formatAddress(host, port) }
  }
  return [
    ...listenTcp.map((text) => listenerOf(text, text.startsWith('tls://') ? 'tls' : 'tcp')),
    ...listenUdp.map((text) => listenerOf(text, 'udp')),
  ]
}

const NOBODY = { prepare: () => () => {} }

function makePlanes(
  objects: readonly ModelObject[],
  settings: Settings,
  dialects: readonly Dialect[],
): Planes {
  // without slots each split has a position of its own, at its beginning
  const positions = { advance: () => 0, peek: () => 0 }
  const slot = (): number => 0
  const consumers = new Consumers()
  const planes = new Planes({
    sections: sectionsOf(settings, dialects),
    compiling: { positions, slot, consumers },
    proxy: {
      settings,
      share: 1,
      positions,
      lane: new Float64Array(0),
      health: new Int32Array(0),
      judge: () => null,
      slot,
      accessLog: null,
      log: () => {},
      forbidden: new Set(
        [settings.admin.listen, settings.status, settings.kuma.listen].filter((address) => address !== null),
      ),
    },
  })
  const applier = new PatchApplier({
    table: planes.table,
    upstreams: planes.upstreams,
    small: { consumer: consumers, certificate: NOBODY, streamRoute: planes.streamRoutes, listener: NOBODY },
    slots: new SlotTable(),
    onApplied: () => {},
    defer: setImmediate,
    now: () => performance.now(),
  })
  applier.take({
    type: 'patch',
    revision: 1,
    upserts: objects,
    removals: [],
    slots: [],
    freed: [],
    packed: null,
    slotTable: null,
    isFirst: true,
    isLast: true,
    isBulk: false,
  })
  return planes
}
