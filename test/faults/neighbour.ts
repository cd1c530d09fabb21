/** A thread that asks for one thing after the other on one connection and tells how long each answer took: of `count` requests (`workerData`), or until it gets a message. */
import { parentPort, workerData } from 'node:worker_threads'
import { connectRaw } from '../support/raw-client.ts'
import { sleep } from './support.ts'

const port = parentPort
if (port === null) throw new Error('this is the entry of a thread')
let isOver = false
port.once('message', () => {
  isOver = true
})
// whoever wants a count sends nothing
port.unref()
const { gatewayPort, count } = workerData as { readonly gatewayPort: number; readonly count: number }
const client = await connectRaw(gatewayPort)
const latencies: number[] = []
while (!isOver && latencies.length < count) {
  const start = performance.now()
  const { status } = await client.exchange('GET /load HTTP/1.1\r\nHost: neighbour\r\n\r\n')
  latencies.push(performance.now() - start)
  if (status !== 200) throw new Error(`the neighbour got ${status}`)
  await sleep(1)
}
client.close()
port.postMessage(latencies)
