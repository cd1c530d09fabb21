import type { Dialect, DialectSettings } from '../dialects/dialect.ts'
import type { EditableStore } from '../gateway/change-documents.ts'
import type { Events } from '../gateway/events.ts'
import type { DocumentStatus } from '../gateway/reconcile.ts'
import type { ReadHistory } from '../gateway/rollback.ts'
import type { GatewayStatus, Readiness } from '../gateway/status.ts'
import type { Tails } from '../gateway/tails.ts'
import type { DocumentKey } from '../model/document.ts'
import type { EndpointAddress, EndpointLoad, EndpointView } from '../model/endpoint-view.ts'
import type {
  EntranceExplanation,
  EntranceQuestion,
  ExplainRequest,
  Explanation,
  RouteReach,
  StreamExplanation,
  StreamQuestion,
} from '../model/explanation.ts'
import type { ObjectSource } from '../model/model.ts'
import type { TrafficReader } from '../model/traffic.ts'
import type { Upstream } from '../model/upstream.ts'

/** What the admin and the status server show; `Control` of gateway/start.ts is one. */
export interface AdminControl {
  readonly dialects: readonly Dialect[]
  readonly settings: DialectSettings
  readonly documents: EditableStore
  /** How a document stands; undefined where nobody knows it. */
  documentStatus(key: DocumentKey): DocumentStatus | undefined
  /** `file:line:column` of a place in a document (`''`: the document itself); null where it comes from no file. */
  placeOf(key: DocumentKey, path: string): string | null
  /** Why a request goes where it goes. Rejects with ExplainError. */
  explain(request: ExplainRequest): Promise<Explanation>
  /** Why a stream goes where it goes. Rejects with ExplainError. */
  explainStream(question: StreamQuestion): Promise<StreamExplanation>
  /** Why what comes in at a listener that a document asks for goes where it goes. Rejects with ExplainError. */
  explainEntrance(question: EntranceQuestion): Promise<EntranceExplanation>
  /** Which requests reach the routes of a document. Rejects with ExplainError. */
  explainRoute(key: DocumentKey): Promise<RouteReach>
  readonly events: Events
  readonly tails: Tails
  readiness(): Readiness
  status(): GatewayStatus
  /** Prometheus text. */
  metrics(): string
  /** The same in the names of APISIX; null: switched off. */
  apisixMetrics(): string | null
  /** The model in force. */
  readonly objects: {
    upstreams(): Iterable<ObjectSource<Upstream>>
    upstream(id: string): Upstream | undefined
  }
  /** How the endpoints of an upstream stand, in the order of the model; undefined: there is no such upstream. */
  endpoints(upstreamId: string): readonly EndpointView[] | undefined
  /** What is under way to an endpoint over all workers. */
  endpointLoad(upstreamId: string, endpoint: EndpointAddress): EndpointLoad
  /** Rates, shares and latencies of the last minute. */
  readonly traffic: TrafficReader
  /** An event stream dropped so many events for a slow reader. */
  noteDroppedEvents(count: number): void
  /** Newest first; entries have `changes` with `before` and `after`. */
  readonly history: ReadHistory
}

export interface RunningServer {
  /** The `host:port` that stands. */
  readonly address: string
  close(): Promise<void>
}
