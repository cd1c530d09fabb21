import type { Socket } from 'node:net'

/**
 * The part of Node's own stream layer that the data plane uses below `net.Socket`: what a read brought, and whether a write ended at once.
 * `process.binding` is deprecated and may go; a Node without it, or with another shape, gives null, and the sockets' public ways are used:
 * slower, not wrong. (Measured with both: a third of the instructions that a proxied request costs outside the kernel.)
 */
export interface StreamBinding {
  readonly WriteWrap: new () => object
  readonly streamBaseState: ArrayLike<number>
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

export const streamBinding: StreamBinding | null = findBinding()

function findBinding(): StreamBinding | null {
  try {
    const found = (process as unknown as { binding(name: string): StreamBinding }).binding('stream_wrap')
    const has = (index: number): boolean => typeof found.streamBaseState?.[index] === 'number'
    const isUsable =
      typeof found.WriteWrap === 'function' && has(found.kReadBytesOrError) && has(found.kLastWriteWasAsync)
    return isUsable ? found : null
  } catch {
    return null // no such binding here
  }
}

/** What a socket's handle has beside what its types say. */
export interface StreamHandle {
  onread?: ((this: StreamHandle, arrayBuffer: unknown) => unknown) | undefined
  useUserBuffer?: (buffer: Uint8Array) => void
  writeLatin1String?: (request: object, text: string) => number
  writeBuffer?: (request: object, bytes: Uint8Array) => number
}

export function handleOf(socket: Socket): StreamHandle | null {
  return (socket as unknown as { readonly _handle: StreamHandle | null })._handle
}
