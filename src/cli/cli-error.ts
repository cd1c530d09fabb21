/**
 * Why a command of the client cannot go on: one clear line for standard error, and the exit status (1 unless the command says otherwise; 2 is
 * for command lines that make no sense, which are BAD_SETTING).
 */
export class CliError extends Error {
  readonly exitCode: number
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.exitCode = options.exitCode ?? 1
  }
}
