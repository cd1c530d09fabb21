import type { ServerResponse } from 'node:http'

/**
 * An answer that goes on: Server-Sent Events (the HTML standard, section 9.2). `open` is called once, when the head is out; what it returns
 * is called once, when the client is gone or the server closes.
 */
export interface StreamAnswer {
  readonly open: (sink: EventSink) => () => void
}

export interface EventSink {
  /**
   * Sends one event. Never waits: while more than MAX_WAITING_BYTES wait for the client, events are dropped, and when there is room again a
   * `lost` event tells how many. `data` may have several lines; `id` must have one.
   */
  send(event: string, data: string, id?: string): void
  /** Ends the stream from our side. */
  end(): void
}

/** Bytes that may wait for a slow reader of one stream. */
export const MAX_WAITING_BYTES = 1_048_576
/** A comment goes out so often, so that proxies keep the connection and a lost client is noticed. */
const KEEP_ALIVE_MS = 15_000

/** Whether an answer of an endpoint is a stream. */
export function isStream(answer: object): answer is StreamAnswer {
  return 'open' in answer
}

/** Takes over a response. The caller has set fields and status; the head goes out here. `onLost`: an event was dropped. */
export function runEventStream(
  response: ServerResponse,
  answer: StreamAnswer,
  onLost = (): void => {},
): void {
  let lost = 0
  let isOver = false
  const write = (event: string, data: string, id?: string): void => {
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
    response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\n${lines.join('')}\n`)
  }
  const sink: EventSink = {
    send(event, data, id) {
      if (isOver) return
      if (response.writableLength > MAX_WAITING_BYTES) {
        lost++
        onLost()
        return
      }
      if (lost > 0) {
        write('lost', JSON.stringify({ events: lost }))
        lost = 0
      }
      write(event, data, id)
    },
    end() {
      if (!isOver) response.end()
    },
  }
  response.flushHeaders()
  const keepAlive = setInterval(() => {
    if (response.writableLength === 0) response.write(': still here\n\n')
  }, KEEP_ALIVE_MS)
  const close = answer.open(sink)
  response.once('close', () => {
    isOver = true
    clearInterval(keepAlive)
    close()
  })
  // The connection may break at any time; `close` follows and tidies up.
  response.on('error', () => {})
}
