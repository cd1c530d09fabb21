/**
 * A service of gRPC on a port of 127.0.0.1, HTTP/2 without TLS: `node grpc-backend.ts PORT`. `/bench/Stream` answers with 1 000 messages, ten
 * at a time, every other path with one. Nothing is decoded. SIGTERM ends it.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { GRPC_MESSAGE, STREAM_MESSAGES, STREAM_PATH } from './grpc-messages.ts'

/** Messages that are written as one piece. */
const PIECE = 10
const MESSAGES = Buffer.concat(Array.from({ length: PIECE }, () => GRPC_MESSAGE))
const HEAD = { ':status': 200, 'content-type': 'application/grpc' }
const TRAILERS = { 'grpc-status': '0' }

const server = createServer({ settings: { maxConcurrentStreams: 1024 } })
server.on('stream', (stream, fields) => {
  stream.on('error', () => {})
  stream.resume()
  stream.on('end', () => {
    // at the end of a measurement calls are cut off
    if (stream.destroyed || stream.closed) return
    stream.respond(HEAD, { waitForTrailers: true })
    stream.on('wantTrailers', () => {
      if (!stream.destroyed && !stream.closed) stream.sendTrailers(TRAILERS)
    })
    if (fields[':path'] === STREAM_PATH) sendPieces(stream, STREAM_MESSAGES / PIECE)
    else stream.end(GRPC_MESSAGE)
  })
})
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })

function sendPieces(stream: ServerHttp2Stream, left: number): void {
  if (stream.destroyed) return
  if (left === 0) {
    stream.end()
    return
  }
  const goOn = (): void => sendPieces(stream, left - 1)
  if (stream.write(MESSAGES)) setImmediate(goOn)
  else stream.once('drain', goOn)
}
