import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { CliIo } from './output.ts'

/** Asks before something that cannot be taken back easily; only where somebody sits before the screen, else the answer is yes. */
export async function confirm(io: Pick<CliIo, 'isInteractive'>, question: string): Promise<boolean> {
  if (!io.isInteractive) return true
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-D ends the input without an answer, which is no yes
    const closed = once(lines, 'close').then(() => '')
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed])
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
