import type { Readiness } from '../gateway/status.ts'
import type { Answer } from './problem.ts'

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }

/** Alive: the control side answers. Nothing else is asked, so that a restart cannot be provoked by what a restart does not heal. */
export function answerLivez(): Answer {
  return { status: 200, headers: TEXT, body: 'ok\n' }
}

/** Ready: 200 or 503. `isVerbose` adds a line for each reason, and for what is not as it should be though it is ready. */
export function answerReadyz(readiness: Readiness, isVerbose: boolean): Answer {
  const status = readiness.isReady ? 200 : 503
  const word = readiness.isReady ? 'ok' : 'not ready'
  const lines = isVerbose
    ? [word, ...[...readiness.reasons, ...readiness.notes].map((line) => `- ${line}`)]
    : [word]
  return { status, headers: TEXT, body: `${lines.join('\n')}\n` }
}
