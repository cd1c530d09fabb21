import { Worker } from 'node:worker_threads'
import { enableLinearEngine } from '../expression/pattern-engine.ts'

/**
 * Loads what the gateway loads, in a process of its own, so that Node keeps the sources stripped and compiled. Started once by
 * bin/headgate.js in a checkout: a process that strips types itself holds the stripper's memory (some 25 MB a thread) for good.
 */
enableLinearEngine()
await import('./main.ts')
await import('./start.ts')
await import('./dataplane.ts')
// a thread of its own: what is kept depends on the V8 flags that a thread starts with. Its imports are what counts; without data it ends.
new Worker(new URL('../gateway/worker.ts', import.meta.url)).on('error', () => {})
