/** A byte string with its ASCII letters in lower case; bytes of other characters stay. Most texts have no capital and are not copied. */
export function lowerAscii(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 65 && code <= 90) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  }
  return text
}
