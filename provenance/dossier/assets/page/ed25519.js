// Ed25519 (RFC 8032): by the browser where it can, else here. Slow here, but right.
import { hex, join } from './bytes.js'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * inverse(121666n))
const ROOT = power(2n, (P - 1n) / 4n)
const BASE = decode(Uint8Array.from({ length: 32 }, (_, place) => (place ? 0x66 : 0x58)))
const MASK = (1n << 64n) - 1n

function mod(x, n = P) {
  const rest = x % n
  return rest < 0n ? rest + n : rest
}

function power(x, e) {
  let out = 1n
  for (let base = mod(x); e > 0n; e >>= 1n, base = (base * base) % P) if (e & 1n) out = (out * base) % P
  return out
}

function inverse(x) {
  return power(x, P - 2n)
}

function number(bytes) {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`)
}

/** The point that 32 bytes are, in extended coordinates; null for bytes that are none. */
function decode(bytes) {
  const y = number(bytes) & ((1n << 255n) - 1n)
  if (y >= P) return null
  const yy = mod(y * y)
  const u = mod(yy - 1n)
  const v = mod(D * yy + 1n)
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n))
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT)
  if (mod(v * x * x) !== u) return null
  const odd = BigInt(bytes[31] >> 7)
  if (x === 0n && odd) return null
  if ((x & 1n) !== odd) x = P - x
  return [x, y, 1n, mod(x * y)]
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(2n * D * t1 * t2)
  const d = mod(2n * z1 * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}

function times(point, n) {
  let out = [0n, 1n, 1n, 0n]
  for (let step = point; n > 0n; n >>= 1n, step = add(step, step)) if (n & 1n) out = add(out, step)
  return out
}

/** Whether a signature is this key's over this message. All bytes. */
export function verifyHere(key, signature, message) {
  const [a, r] = [decode(key), decode(signature.subarray(0, 32))]
  const s = number(signature.subarray(32))
  if (signature.length !== 64 || !a || !r || s >= L) return false
  const k = number(sha512(join(signature.subarray(0, 32), key, message))) % L
  const [x1, y1, z1] = times(BASE, s)
  const [x2, y2, z2] = add(r, times(a, k))
  return mod(x1 * z2 - x2 * z1) === 0n && mod(y1 * z2 - y2 * z1) === 0n
}

/** A function that checks signatures of one key: (signature, message) => promise of whether it is good. */
export async function verifierOf(key, subtle = globalThis.crypto?.subtle) {
  try {
    const imported = await subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify'])
    return (signature, message) => subtle.verify({ name: 'Ed25519' }, imported, signature, message)
  } catch {
    return async (signature, message) => verifyHere(key, signature, message)
  }
}

const ROUNDS = roots(80, 3n)
const START = roots(8, 2n)

/** The first 64 bits of the fractional parts of square (2) or cube (3) roots of the first primes. */
function roots(count, degree) {
  const found = []
  for (let n = 2n; found.length < count; n += 1n) {
    let prime = true
    for (let d = 2n; d * d <= n; d += 1n) if (n % d === 0n) prime = false
    if (!prime) continue
    const wanted = n << (64n * degree)
    let low = 0n
    for (let bit = 1n << 80n; bit; bit >>= 1n) if ((low | bit) ** degree <= wanted) low |= bit
    found.push(low & MASK)
  }
  return found
}

/** SHA-512 (FIPS 180-4). */
export function sha512(message) {
  const padded = new Uint8Array(Math.ceil((message.length + 17) / 128) * 128)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n)
  const state = [...START]
  const turn = (x, n) => ((x >> n) | (x << (64n - n))) & MASK
  for (let at = 0; at < padded.length; at += 128) {
    const w = Array.from({ length: 16 }, (_, place) => view.getBigUint64(at + 8 * place))
    for (let i = 16; i < 80; i += 1) {
      const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n)
      const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n)
      w.push((w[i - 16] + s0 + w[i - 7] + s1) & MASK)
    }
    let [a, b, c, d, e, f, g, h] = state
    for (let i = 0; i < 80; i += 1) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)
      const t1 = (h + s1 + ((e & f) ^ (~e & MASK & g)) + ROUNDS[i] + w[i]) & MASK
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK, c, b, a, (t1 + t2) & MASK]
    }
    ;[a, b, c, d, e, f, g, h].forEach((word, place) => (state[place] = (state[place] + word) & MASK))
  }
  const out = new DataView(new ArrayBuffer(64))
  state.forEach((word, place) => out.setBigUint64(8 * place, word))
  return new Uint8Array(out.buffer)
}
