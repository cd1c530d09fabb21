import { parentPort, workerData } from 'node:worker_threads'
import { type MainPort, serve } from './serve.ts'

/** The entry of a worker thread. */

if (parentPort === null) throw new Error('gateway/worker.ts is the entry of a worker thread')
const thread = parentPort
const port: MainPort = {
  post: (message) => thread.postMessage(message),
  listen: (take) => thread.on('message', take),
}
const { fail } = serve(workerData, port)
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
