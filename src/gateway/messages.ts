import type { ExplainRequest, Explanation, StreamExplanation, StreamQuestion } from '../model/explanation.ts'
import type { ListenerProtocol, Section } from '../model/listener.ts'
import type { Patch } from '../model/model.ts'
import type { Settings } from '../model/settings.ts'
import type { StreamEntrance } from '../proxy/proxy-contract.ts'
import type { PackedSlots } from './packed-slots.ts'
import type { WorkerMemory } from './shared-state.ts'
import type { TailFilter } from './tail-filter.ts'
import type { TlsMaterial } from './tls-control.ts'
import type { LiveTransition } from './worker-judges.ts'
import type { TailBatch } from './worker-tails.ts'

/** What a worker is given when it starts. */
export interface WorkerStart {
  readonly index: number
  /** Settings without keys. */
  readonly settings: Settings
  /** 1 / number of workers. */
  readonly share: number
  readonly sections: readonly Section[]
  readonly memory: WorkerMemory
  /** `performance.timeOrigin` of main: where the clock of the process begins. */
  readonly originMs: number
  readonly tls: TlsMaterial
  /** Whether injected faults (tests) are obeyed. */
  readonly obeysFaults: boolean
}

/** A socket to listen on: an address, or an inherited descriptor that stands for it. */
export interface SocketPlan {
  readonly id: string
  readonly protocol: ListenerProtocol
  readonly host: string
  readonly port: number
  readonly proxyProtocol: boolean
  readonly descriptor: number | null
  /** Of a listener that a document asks for: the section that it searches; null: one of the settings. */
  readonly section: string | null
}

/**
 * Objects as text in memory that all threads share (model-archive.ts). For each route four numbers: where its id begins, where its JSON begins,
 * where the head of that ends, and where all of it ends. For each upstream: where its id begins, where its JSON begins and ends, and which of
 * the tails stands behind it. `upstreamIndex` finds an upstream by its id (model-archive.ts).
 */
export interface PackedObjects {
  readonly memory: SharedArrayBuffer
  readonly routes: Uint32Array
  readonly upstreams: Uint32Array
  readonly upstreamIndex: Uint32Array
  readonly tails: readonly string[]
}

/**
 * One part of a patch. Small ones have one part; large ones come in several, so that neither side is held up by one clone. All parts of a
 * revision are switched on together after the last.
 */
export interface PatchPart extends Patch {
  readonly type: 'patch'
  /** Objects that are compiled when a request asks for them; null in small patches, whose objects are `upserts`. */
  readonly packed: PackedObjects | null
  /** All slots in force, for a worker that starts; null in all other parts. */
  readonly slotTable: PackedSlots | null
  readonly isFirst: boolean
  readonly isLast: boolean
  /** More than BULK_OBJECTS in all: compiled in slices between which the worker serves. */
  readonly isBulk: boolean
}

export type ToWorker =
  | PatchPart
  /** `forbidden`: addresses no endpoint may lead to. */
  | {
      readonly type: 'listen'
      readonly sockets: readonly SocketPlan[]
      readonly forbidden: readonly string[]
    }
  /** Listeners that documents ask for: they are opened, or those that stand are told what is spoken there now. */
  | { readonly type: 'openPlanned'; readonly sockets: readonly SocketPlan[] }
  | { readonly type: 'closePlanned'; readonly ids: readonly string[] }
  /** The start-up certificate, or the keys of tickets, are new. */
  | { readonly type: 'tls'; readonly tls: TlsMaterial }
  | { readonly type: 'stopAccepting' }
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'reopenLogs' }
  /** Records that pass go to main from now on; `perSecond`: lines at most. */
  | { readonly type: 'tail'; readonly id: number; readonly filter: TailFilter; readonly perSecond: number }
  | { readonly type: 'untail'; readonly id: number }
  /** Main took a batch: the next one may come. */
  | { readonly type: 'tailTaken'; readonly id: number }
  /** `intervalUs`: between samples. */
  | { readonly type: 'profile'; readonly intervalUs: number }
  | { readonly type: 'profileEnd'; readonly file: string }
  /** `listener`: the `host:port` that the request would come in at. */
  | {
      readonly type: 'explain'
      readonly id: number
      readonly request: ExplainRequest
      readonly listener: string
    }
  | {
      readonly type: 'explainStream'
      readonly id: number
      readonly question: StreamQuestion
      readonly entrance: StreamEntrance
    }
  /** Answered when everything that the worker did before is done: no request that was picked earlier is still to be sent. */
  | { readonly type: 'settle'; readonly id: number }
  /** Test only. */
  | { readonly type: 'fault'; readonly kind: 'throw' | 'wedge' | 'exit' }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type FromWorker =
  | { readonly type: 'ready' }
  /** `faults`: what could not be compiled; the rest of the revision is in force. */
  | { readonly type: 'applied'; readonly revision: number; readonly faults: readonly string[] }
  /** No request holds a revision before this one. */
  | { readonly type: 'released'; readonly revision: number }
  | { readonly type: 'listening'; readonly addresses: readonly string[] }
  | {
      readonly type: 'listenFailed'
      readonly address: string
      readonly code: string
      readonly message: string
    }
  | { readonly type: 'plannedFailed'; readonly id: string; readonly reason: string }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string }
  | { readonly type: 'drained'; readonly cut: number }
  | { readonly type: 'tailed'; readonly batch: TailBatch }
  /** null: it could not be explained, `error` says why. */
  | {
      readonly type: 'explained'
      readonly id: number
      readonly explanation: Explanation | StreamExplanation | null
      readonly error: string | null
    }
  /** `error`: why there is no file. */
  | { readonly type: 'profiled'; readonly file: string; readonly error: string | null }
  | { readonly type: 'settled'; readonly id: number }
  /** The worker is short of memory or time, or no longer (overload.ts). */
  | { readonly type: 'overload'; readonly level: 0 | 1 | 2; readonly reason: string }
  | ({ readonly type: 'transition' } & LiveTransition)
  /** An error nobody caught: the worker drains and wants to be replaced. */
  | { readonly type: 'failing'; readonly message: string }

/** A patch over so many objects is indexed in slices and compiled with the first requests, and sent in parts. */
export const BULK_OBJECTS = 500
/** Slots and removals of one part. */
export const PART_ENTRIES = 1000
export const HEARTBEAT_MS = 100

/** Int32 cells of the heartbeat line. */
export const HEARTBEAT = { BEATS: 0, LAST_ROUTE_SLOT: 1, /** Nobody writes it. */ NEVER: 2 } as const
