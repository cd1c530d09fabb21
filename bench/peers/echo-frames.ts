/** The one message of the WebSocket scenarios, 32 bytes of text: as a client sends it, masked, and as a server does. */
export const ECHO_MESSAGE = Buffer.from('a small message of 32 bytes here')

const MASK = Buffer.from([0x11, 0x22, 0x33, 0x44])
const TEXT_AND_LAST = 0x81
const MASKED = 0x80

export const SERVER_FRAME = Buffer.concat([Buffer.from([TEXT_AND_LAST, ECHO_MESSAGE.length]), ECHO_MESSAGE])
export const CLIENT_FRAME = Buffer.concat([
  Buffer.from([TEXT_AND_LAST, MASKED | ECHO_MESSAGE.length]),
  MASK,
  ECHO_MESSAGE.map((byte, i) => byte ^ (MASK[i % MASK.length] as number)),
])

/** The request that opens a WebSocket. */
export const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: echo.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
