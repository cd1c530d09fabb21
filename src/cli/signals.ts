import type { Gateway } from '../gateway/start.ts'
import type { AppLog } from '../observe/app-log.ts'

/** What an orderly stop ends with when a second signal cut it short. */
const CUT_SHORT = 3

/**
 * Runs until a signal ends the gateway: SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reads files again and reopens logs,
 * SIGUSR1 reopens logs, SIGUSR2 begins and ends CPU profiles. Resolves to the exit status.
 */
export function superviseSignals(gateway: Gateway, log: AppLog): Promise<number> {
  return new Promise((resolve) => {
    let isStopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        log.warn({ signal }, 'a second signal: stopping at once')
        process.exit(CUT_SHORT)
      }
      isStopping = true
      log.info({ signal, timeoutMs: gateway.settings.drain.timeoutMs }, 'stopping: requests in flight finish')
      gateway.close().then(
        (code) => {
          log.info({ code }, code === 0 ? 'stopped' : 'stopped; the deadline cut requests')
          for (const [name, handler] of handlers) process.off(name, handler)
          resolve(code)
        },
        (error: unknown) => {
          log.error({ error: String(error) }, 'stopping failed')
          resolve(1)
        },
      )
    }
    const reopen = (): void => {
      gateway.reopenLogs()
      log.reopen()
    }
    const reload = (): void => {
      reopen()
      log.info({}, 'reading files again, logs reopened')
      gateway
        .reload()
        .catch((error: unknown) => log.error({ error: String(error) }, 'reading files again failed'))
    }
    const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
      ['SIGTERM', stop],
      ['SIGINT', stop],
      ['SIGHUP', reload],
      ['SIGUSR1', reopen],
      ['SIGUSR2', () => gateway.profile()],
    ]
    for (const [name, handler] of handlers) process.on(name, handler)
  })
}
