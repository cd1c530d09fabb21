/**
 * On the data plane every text is a byte string: one character per byte, U+0000 to U+00FF, as latin1 reads it.
 * Requests are read that way, so whatever a document says in Unicode is turned into its UTF-8 bytes when it is compiled.
 * Comparing, matching and forwarding are then exact byte for byte, and V8 keeps such strings in one byte per character.
 */
export function toByteString(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1')
  }
  return text
}

/** The Unicode text of a byte string, for people to read (logs, explain). Invalid UTF-8 becomes U+FFFD. */
export function fromByteString(bytes: string): string {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes.charCodeAt(i) > 0x7f) return Buffer.from(bytes, 'latin1').toString('utf8')
  }
  return bytes
}
