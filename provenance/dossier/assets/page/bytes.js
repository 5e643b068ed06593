// Bytes, text, hexadecimal and base64, each in one strict form.

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. */
export function utf8(text) {
  return new TextEncoder().encode(text)
}

/** The text that UTF-8 bytes are; null for bytes that are not UTF-8. */
export function text(bytes) {
  try {
    return STRICT.decode(bytes)
  } catch {
    return null
  }
}

/** Lower-case hexadecimal. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Bytes of hexadecimal digits. */
export function unhex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Standard base64 with padding. */
export function base64(bytes) {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(binary)
}

/** Bytes of base64; null for any spelling but the standard one. */
export function unbase64(encoded) {
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    return base64(bytes) === encoded ? bytes : null
  } catch {
    return null
  }
}

/** Pieces as one. */
export function join(...pieces) {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/** Whether two byte arrays are the same. */
export function same(a, b) {
  return a.length === b.length && a.every((byte, place) => byte === b[place])
}
