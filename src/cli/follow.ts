import { CliError } from './cli-error.ts'
import type { AdminClient, ServerEvent } from './client.ts'

/**
 * Follows a stream until Ctrl-C or SIGTERM (resolves to true) or its end (to false). A broken connection throws CliError: nothing connects
 * again by itself, since what was missed meanwhile would be missed without a word.
 */
export async function followUntilStopped(
  client: AdminClient,
  path: string,
  onEvent: (event: ServerEvent) => void,
  /** Ends it as well. */
  signal?: AbortSignal,
): Promise<boolean> {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  signal?.addEventListener('abort', stop, { once: true })
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // whoever reads our output may go away, as `head` does: that is the end as well
  process.stdout.once('error', stop)
  try {
    await client.follow(path, onEvent, controller.signal)
  } catch (error) {
    throw isBroken(error) ? streamEnded(client) : error
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    process.stdout.off('error', stop)
  }
  return controller.signal.aborted
}

/** Whether a connection that stood was lost. */
function isBroken(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  return code === 'ECONNRESET' || code === 'EPIPE' || message === 'aborted'
}

/** What ends a stream that should have gone on. */
export function streamEnded(client: AdminClient): CliError {
  return new CliError(
    `${client.server}: the connection ended; the gateway has stopped, or this reader was shut out`,
  )
}
