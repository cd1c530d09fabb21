// Backends for the examples, on 127.0.0.1:1980, 1981 and 1982, or on the ports given. Each tells what it was asked, over HTTP and in datagrams.
// Ctrl-C ends them.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

const ports = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1980, 1981, 1982]
for (const port of ports) {
  const server = createServer((request, response) => {
    request.resume()
    response.statusCode = request.url.startsWith('/missing') ? 404 : 200
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.end(`${port} was asked: ${request.method} ${request.url} (host ${request.headers.host})\n`)
  })
  // longer than the gateway keeps an idle connection
  server.keepAliveTimeout = 65_000
  server.on('error', (error) => {
    console.error(`127.0.0.1:${port}: ${error.message}`)
    process.exit(1)
  })
  server.listen(port, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${port}`))
  const datagrams = createSocket('udp4')
  datagrams.on('message', (bytes, peer) =>
    datagrams.send(`${port} was sent: ${bytes}`, peer.port, peer.address),
  )
  // requests are served all the same
  datagrams.on('error', (error) => console.error(`127.0.0.1:${port}/udp: ${error.message}`))
  datagrams.bind(port, '127.0.0.1')
}
