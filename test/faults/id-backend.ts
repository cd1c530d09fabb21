/** A backend as a process of its own, to be killed: notes the id (path) of each request in a file before it answers. */
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'

const [, , port, file] = process.argv
const log = openSync(file as string, 'a')
const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => {
    writeSync(log, `${request.method} ${request.url}\n`)
    // some requests are under way at any time
    setTimeout(() => response.end('ok'), 2)
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(port), '127.0.0.1')
