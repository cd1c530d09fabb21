/** A thread that asks for one thing after the other on one connection and tells how long each answer took, until it gets a message. */
import { parentPort, workerData } from 'node:worker_threads'
import { connectRaw } from '../support/raw-client.ts'
import { sleep } from './support.ts'

const port = parentPort
if (port === null) throw new Error('this is the entry of a thread')
let isOver = false
port.once('message', () => {
  isOver = true
})
const client = await connectRaw(workerData as number)
const latencies: number[] = []
while (!isOver) {
  const start = performance.now()
  const { status } = await client.exchange('GET /load HTTP/1.1\r\nHost: neighbour\r\n\r\n')
  latencies.push(performance.now() - start)
  if (status !== 200) throw new Error(`the neighbour got ${status}`)
  await sleep(1)
}
client.close()
port.postMessage(latencies)
