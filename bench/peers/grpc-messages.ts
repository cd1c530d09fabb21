const TEXT = Buffer.from('hello world!')
/** Not compressed, and the length in four bytes. */
const PREFIX = Buffer.from([0, 0, 0, 0, TEXT.length])

/** One message as gRPC frames it: what is sent to a method, and what comes back. */
export const GRPC_MESSAGE = Buffer.concat([PREFIX, TEXT])
export const UNARY_PATH = '/bench/Unary'
export const STREAM_PATH = '/bench/Stream'
/** Messages in one answer of `STREAM_PATH`. */
export const STREAM_MESSAGES = 1000
