import type { Server } from 'node:net'
import type { StreamHandle } from './stream-binding.ts'

/** An accepted connection below `net.Socket`. */
export type AcceptedHandle = StreamHandle & { setNoDelay(isOn: boolean): void }

/** What Node's server has beside what its types say: the handle that accepts, and what it calls. */
interface Accepting {
  readonly _handle?: {
    onconnection?: (this: object, error: number | undefined, handle: AcceptedHandle | undefined) => void
  } | null
}

/** Calls back with the handles of new connections instead of sockets. False: not possible here. Only while it listens. */
export function acceptHandles(server: Server, onHandle: (handle: AcceptedHandle) => void): boolean {
  const accepting = (server as unknown as Accepting)._handle
  const own = accepting?.onconnection
  if (accepting === null || accepting === undefined || typeof own !== 'function') return false
  accepting.onconnection = function (error, handle) {
    if (error || handle === undefined) return own.call(this, error, handle)
    handle.setNoDelay(true)
    onHandle(handle)
  }
  return true
}
