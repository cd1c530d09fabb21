import { answerText, startRawBackend } from '../../test/support/backends.ts'

/** Backends that do wrong by design. */

/** Takes connections and requests, and never answers. */
export async function startHole(): Promise<{
  readonly node: string
  readonly requests: number
  close(): Promise<void>
}> {
  let requests = 0
  const backend = await startRawBackend((socket) => {
    socket.on('data', () => {
      requests++
    })
    socket.on('end', () => socket.end())
  })
  return {
    node: backend.node,
    get requests() {
      return requests
    },
    close: () => backend.close(),
  }
}

/** Answers, and closes when nothing came for a random time of up to 50 ms: by FIN or by reset. */
export function startImpatient(): ReturnType<typeof startRawBackend> {
  return startRawBackend((socket) => {
    let timer: NodeJS.Timeout | undefined
    let pending = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      clearTimeout(timer)
      pending += text
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        pending = pending.slice(end + 4)
        socket.write(answerText('ok'))
      }
      timer = setTimeout(() => {
        if (Math.random() < 0.3) socket.resetAndDestroy()
        else socket.end()
      }, Math.random() * 50)
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => clearTimeout(timer))
  })
}
