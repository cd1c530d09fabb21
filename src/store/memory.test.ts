import { createMemoryStore } from './memory.ts'
import { describeStore } from './store.contract.ts'

describeStore('memory', async () => ({
  durable: false,
  open: async () => createMemoryStore(),
  dispose: async () => {},
}))
