import type { TestContext } from 'node:test'
import grpc from '@grpc/grpc-js'
import type { CertificateFiles } from './certificates.ts'

/** A service that answers with what it is sent. Messages are bytes. */

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value }
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/echo.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
})
const service = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  spread: method('Spread', false, true),
  chat: method('Chat', true, true),
} as const

export interface Calls {
  count: number
  cancelled: number
}

export async function startGrpcServer(
  t: TestContext,
  name: string,
  port = 0,
  pair: CertificateFiles | null = null,
) {
  const credentials =
    pair === null
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
        ])
  const calls: Calls = { count: 0, cancelled: 0 }
  const server = new grpc.Server()
  server.addService(
    service as unknown as grpc.ServiceDefinition,
    {
      unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
        calls.count++
        const text = call.request.toString()
        if (text === 'fail') return answer({ code: grpc.status.NOT_FOUND, details: 'nothing here' })
        if (text === 'hang') return void call.on('cancelled', () => calls.cancelled++)
        const trailers = new grpc.Metadata()
        trailers.set('x-trailer', name)
        const metadata = new grpc.Metadata()
        metadata.set('x-saw', String(call.metadata.get('x-client')[0] ?? ''))
        call.sendMetadata(metadata)
        answer(null, Buffer.from(`${name}:${text}`), trailers)
      },
      collect: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
        let size = 0
        call.on('data', (part: Buffer) => {
          size += part.length
        })
        call.on('end', () => answer(null, Buffer.from(String(size))))
      },
      spread: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        const count = Number(call.request.toString())
        let sent = 0
        const next = (): void => {
          while (sent < count)
            if (!call.write(Buffer.from(String(sent++)))) return void call.once('drain', next)
          call.end()
        }
        next()
      },
      chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re '), part])))
        call.on('end', () => call.end())
        call.on('error', () => {})
      },
    } as unknown as grpc.UntypedServiceImplementation,
  )
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, at) =>
      error === null ? resolve(at) : reject(error),
    ),
  )
  t.after(() => server.forceShutdown())
  return { port: bound, node: `127.0.0.1:${bound}`, calls, server }
}

export const GrpcClient = grpc.makeGenericClientConstructor(
  service as unknown as grpc.ServiceDefinition,
  'Echo',
)
