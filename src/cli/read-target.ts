import { GatewayError } from '../model/gateway-error.ts'
import type { FileReader } from '../store/files/file-reader.ts'
import { listFiles } from '../store/files/list-files.ts'
import { type FileResult, readFile, readText } from '../store/files/read-files.ts'
import type { CliIo } from './output.ts'

/** What standard input is called in messages. */
export const STDIN_NAME = '<stdin>'

/** Told of how far it is, when there is much to read. */
export type Progress = (done: number, total: number) => void

/**
 * Reads a file, the files of a directory (one level deep) or standard input (`-`). What is wrong with a file stands in its result. Rejects
 * with BAD_SETTING when the target itself cannot be read.
 */
export async function readTarget(
  target: string,
  readers: readonly FileReader[],
  input: Pick<CliIo, 'readInput' | 'environment'>,
  onProgress: Progress = () => {},
): Promise<FileResult[]> {
  if (target === '-') {
    return [readText(STDIN_NAME, await input.readInput(), readers, input.environment, false)]
  }
  let files: readonly string[]
  try {
    files = listFiles(target).files
  } catch (error) {
    const detail = `${target}: cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new GatewayError('BAD_SETTING', detail, { cause: error })
  }
  return files.map((file, i) => {
    onProgress(i, files.length)
    return readFile(file, readers, input.environment, false)
  })
}
