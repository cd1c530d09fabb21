import { streamBinding } from '../proxy/stream-binding.ts'

/** Whether this Node has what the data plane's fast way with sockets needs; without it the public way is used: slower, not wrong. */
export function hasFastStreams(): boolean {
  return streamBinding !== null
}
