import { connect } from 'node:net'
import { describeError, type ProbeResult, timedOut } from './probe-result.ts'

/** Connecting is success. Never rejects; the socket is closed when it resolves. `timeoutMs`: milliseconds. */
export function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  const from = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (result: ProbeResult): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => end(timedOut(timeoutMs, from)), timeoutMs)
    socket.on('connect', () => end({ kind: 'connected', tookMs: performance.now() - from }))
    socket.on('error', (error) =>
      end({ kind: 'tcp', error: describeError(error), tookMs: performance.now() - from }),
    )
  })
}
