/**
 * `node:http` as the process has it. An import reads every name that it exports, and one of them (WebSocket) is made when it is first read, with all of Node's fetch: 10 MB of a
 * process that is to have less than 90 (measured, Node 24).
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')
