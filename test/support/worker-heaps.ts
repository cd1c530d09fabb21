import { type GatewayProcess, startGateway } from './gateway.ts'
import { waitFor } from './tools.ts'

/** A gateway that lets its workers' heaps be looked at. */
export function startInspected(flags: readonly string[]): Promise<GatewayProcess> {
  return startGateway(flags, { NODE_OPTIONS: '--inspect=127.0.0.1:0' })
}

export interface WorkerHeaps {
  /** Collects all garbage of all workers, and gives the bytes that are in use then. */
  collect(): Promise<number>
  close(): void
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId: string; readonly message: string }
  readonly result?: { readonly usedSize?: number; readonly backingStorageSize?: number }
}

/** Talks to the workers of an inspected gateway through the inspector of its main thread. */
export async function openWorkerHeaps(gateway: GatewayProcess): Promise<WorkerHeaps> {
  const url = /Debugger listening on (ws:\S+)/.exec(gateway.stderr())?.[1]
  if (url === undefined) throw new Error(`no inspector: ${gateway.stderr()}`)
  const socket = new WebSocket(url)
  const sessions: string[] = []
  const waiting = new Map<number, (result: Message['result']) => void>()
  let last = 0
  const onMessage = (text: string): void => {
    const { id, method, params, result } = JSON.parse(text) as Message
    if (method === 'NodeWorker.attachedToWorker') sessions.push(params?.sessionId as string)
    if (method === 'NodeWorker.receivedMessageFromWorker') onMessage(params?.message as string)
    if (id !== undefined) waiting.get(id)?.(result)
  }
  const ask = (method: string, params: object, sessionId?: string): Promise<Message['result']> =>
    new Promise((resolve) => {
      const id = ++last
      waiting.set(id, (result) => {
        waiting.delete(id)
        resolve(result)
      })
      const message = JSON.stringify({ id, method, params })
      if (sessionId === undefined) socket.send(message)
      else {
        const wrapped = {
          id: ++last,
          method: 'NodeWorker.sendMessageToWorker',
          params: { sessionId, message },
        }
        socket.send(JSON.stringify(wrapped))
      }
    })
  socket.addEventListener('message', (event) => onMessage(String(event.data)))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  await ask('NodeWorker.enable', { waitForDebuggerOnStart: false })
  await waitFor('the workers', () => (sessions.length > 0 ? true : undefined))
  return {
    collect: async () => {
      let bytes = 0
      for (const session of sessions) {
        await ask('HeapProfiler.collectGarbage', {}, session)
        const usage = await ask('Runtime.getHeapUsage', {}, session)
        bytes += (usage?.usedSize ?? Number.NaN) + (usage?.backingStorageSize ?? 0)
      }
      return bytes
    },
    close: () => socket.close(),
  }
}
