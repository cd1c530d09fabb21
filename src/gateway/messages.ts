import type { Section } from '../model/listener.ts'
import type { ModelObject, Patch } from '../model/model.ts'
import type { Settings } from '../model/settings.ts'
import type { WorkerMemory } from './shared-state.ts'

/** What a worker is given when it starts. */
export interface WorkerStart {
  readonly index: number
  /** Settings without keys. */
  readonly settings: Settings
  /** 1 / number of workers. */
  readonly share: number
  readonly sections: readonly Section[]
  readonly memory: WorkerMemory
  /** Addresses no endpoint may lead to. */
  readonly forbidden: readonly string[]
  /** Whether injected faults (tests) are obeyed. */
  readonly obeysFaults: boolean
}

/** A socket to listen on: an address, or an inherited descriptor that stands for it. */
export interface SocketPlan {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly descriptor: number | null
}

/**
 * One part of a patch. Small ones have one part; large ones come in several, so that neither side is held up by one clone. All parts of a
 * revision are switched on together after the last.
 */
export interface PatchPart extends Omit<Patch, 'removals' | 'upserts'> {
  readonly type: 'patch'
  readonly upserts: readonly ModelObject[]
  readonly removals: Patch['removals']
  readonly isFirst: boolean
  readonly isLast: boolean
  /** More than BULK_OBJECTS in all: compiled in slices between which the worker serves. */
  readonly isBulk: boolean
}

export type ToWorker =
  | PatchPart
  | { readonly type: 'listen'; readonly sockets: readonly SocketPlan[] }
  | { readonly type: 'stopAccepting' }
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'reopenLogs' }
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
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string }
  | { readonly type: 'drained'; readonly cut: number }
  /** An error nobody caught: the worker drains and wants to be replaced. */
  | { readonly type: 'failing'; readonly message: string }

/** A patch over so many objects is compiled in slices, and sent in parts of PART_OBJECTS. */
export const BULK_OBJECTS = 500
export const PART_OBJECTS = 500
export const HEARTBEAT_MS = 100

/** Int32 cells of the heartbeat line. */
export const HEARTBEAT = { BEATS: 0, LAST_ROUTE_SLOT: 1, /** Nobody writes it. */ NEVER: 2 } as const
