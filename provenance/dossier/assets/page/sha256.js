// SHA-256 (FIPS 180-4), piece by piece and at once: a tree of many small hashes would wait too long for promises.

const K = primes(64).map((prime) => fraction(Math.cbrt(prime)))
const H = primes(8).map((prime) => fraction(Math.sqrt(prime)))

function primes(count) {
  const found = []
  for (let n = 2; found.length < count; n += 1) if (found.every((p) => n % p)) found.push(n)
  return found
}

function fraction(x) {
  return ((x - Math.floor(x)) * 0x100000000) | 0
}

/** A hash in the making. `update` takes bytes, `digest` ends it. */
export class Sha256 {
  constructor() {
    this.state = Int32Array.from(H)
    this.words = new Int32Array(64)
    this.rest = new Uint8Array(64)
    this.filled = 0
    this.length = 0
  }

  update(bytes) {
    this.length += bytes.length
    let at = 0
    if (this.filled) {
      at = Math.min(64 - this.filled, bytes.length)
      this.rest.set(bytes.subarray(0, at), this.filled)
      this.filled += at
      if (this.filled < 64) return this
      this.block(this.rest, 0)
      this.filled = 0
    }
    for (; at + 64 <= bytes.length; at += 64) this.block(bytes, at)
    this.rest.set(bytes.subarray(at))
    this.filled = bytes.length - at
    return this
  }

  digest() {
    const bits = this.length * 8
    const tail = new Uint8Array(this.filled < 56 ? 64 : 128)
    tail.set(this.rest.subarray(0, this.filled))
    tail[this.filled] = 0x80
    const view = new DataView(tail.buffer)
    view.setUint32(tail.length - 8, Math.floor(bits / 0x100000000))
    view.setUint32(tail.length - 4, bits >>> 0)
    for (let at = 0; at < tail.length; at += 64) this.block(tail, at)
    const out = new Uint8Array(32)
    const words = new DataView(out.buffer)
    this.state.forEach((word, place) => words.setInt32(4 * place, word))
    return out
  }

  block(bytes, at) {
    const w = this.words
    for (let i = 0; i < 16; i += 1, at += 4) {
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
    }
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15]
      const y = w[i - 2]
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0
    }
    let [a, b, c, d, e, f, g, h] = this.state
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    const s = this.state
    s[0] += a
    s[1] += b
    s[2] += c
    s[3] += d
    s[4] += e
    s[5] += f
    s[6] += g
    s[7] += h
  }
}

/** SHA-256 of the pieces, as if they were one. */
export function sha256(...pieces) {
  const hash = new Sha256()
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}
