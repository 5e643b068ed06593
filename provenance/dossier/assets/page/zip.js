// The zip form of a dossier. Members are stored one after the other; any other form is refused. See verify/container.py.
import { same, text, utf8 } from './bytes.js'

const NAME = /^(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.)(\/[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.))*$/
const RESERVED = /(^|\/)(con|prn|aux|nul|com\d|lpt\d)(\..*)?($|\/)/i
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n
})
const LIMIT = 0xffffffff

/** What a check refuses: a finding's code and one line. */
export class Refused extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

/** CRC-32 of bytes, going on from an earlier one. */
export function crc32(bytes, before = 0) {
  let crc = ~before
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}

function record(...fields) {
  const out = []
  for (const [size, value] of fields) {
    let rest = BigInt(value)
    for (let at = 0; at < size; at += 1, rest >>= 8n) out.push(Number(rest & 255n))
  }
  return out
}

function localHeader(member) {
  const large = member.size >= LIMIT
  const size = large ? LIMIT : member.size
  const extra = large ? record([2, 1], [2, 16], [8, member.size], [8, member.size]) : []
  const name = utf8(member.name)
  const head = record([4, 0x04034b50], [2, large ? 45 : 20], [2, 0], [2, 0], [2, 0], [2, 0x21], [4, member.crc])
  return Uint8Array.from([...head, ...record([4, size], [4, size], [2, name.length], [2, extra.length]), ...name, ...extra])
}

function centralHeader(member) {
  const wide = [member.size, member.size, member.offset].filter((value) => value >= LIMIT)
  const extra = wide.length ? record([2, 1], [2, 8 * wide.length], ...wide.map((value) => [8, value])) : []
  const [size, offset] = [Math.min(member.size, LIMIT), Math.min(member.offset, LIMIT)]
  const name = utf8(member.name)
  const version = wide.length ? 45 : 20
  const head = record([4, 0x02014b50], [2, 0x300 | version], [2, version], [2, 0], [2, 0], [2, 0], [2, 0x21], [4, member.crc])
  const sizes = record([4, size], [4, size], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0])
  return Uint8Array.from([...head, ...sizes, ...record([4, 0o100644 * 65536], [4, offset]), ...name, ...extra])
}

function endRecords(count, size, offset) {
  const wide = count >= 0xffff || size >= LIMIT || offset >= LIMIT
  const records = wide
    ? [
        ...record([4, 0x06064b50], [8, 44], [2, 0x300 | 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, offset]),
        ...record([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]),
      ]
    : []
  const short = Math.min(count, 0xffff)
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, short], [2, short], [4, Math.min(size, LIMIT)], [4, Math.min(offset, LIMIT)], [2, 0])
  return Uint8Array.from([...records, ...end])
}

/** The members of a zip in the form of dossiers. `blob` is a Blob or File. Throws Refused for any other form. */
export class Zip {
  constructor(blob) {
    this.blob = blob
    this.members = new Map()
  }

  static async open(blob) {
    const zip = new Zip(blob)
    const [count, size, start] = await zip.end()
    const directory = await zip.bytes(start, size)
    const lower = new Set()
    let at = 0
    let expected = 0
    for (let number = 0; number < count; number += 1) {
      const there = await zip.nameAt(expected)
      const member = readCentral(directory, at, there)
      at += centralHeader(member).length
      const key = member.name.toLowerCase()
      if (lower.has(key)) throw new Refused('zip-duplicate', `${member.name} is there twice, or once more in other case`)
      lower.add(key)
      const header = localHeader(member)
      if (member.offset !== expected || !same(await zip.bytes(member.offset, header.length), header)) {
        throw new Refused('zip-form', `${member.name}: its header is not as it was written${there}`)
      }
      member.data = member.offset + header.length
      expected = member.data + member.size
      zip.members.set(member.name, member)
    }
    if (at !== directory.length || expected !== start) throw new Refused('zip-form', 'there are bytes between the files of the zip')
    return zip
  }

  async end() {
    const size = this.blob.size
    const damaged = () => new Refused('zip-form', "the zip's end record is not as it was written")
    if (size < 22) throw damaged()
    const view = new DataView((await this.bytes(size - 22, 22)).buffer)
    if (view.getUint32(0, true) !== 0x06054b50) throw damaged()
    let [count, central, offset, tail] = [view.getUint16(10, true), view.getUint32(12, true), view.getUint32(16, true), 22]
    if (count === 0xffff || central === LIMIT || offset === LIMIT) {
      tail += 76
      if (size < tail) throw damaged()
      const wide = new DataView((await this.bytes(size - tail, 56)).buffer)
      ;[count, central, offset] = [32, 40, 48].map((place) => Number(wide.getBigUint64(place, true)))
    }
    if (offset + central + tail !== size) throw damaged()
    if (!same(await this.bytes(size - tail, tail), endRecords(count, central, offset))) throw damaged()
    return [count, central, offset]
  }

  /** The name that the local header at this place states, for a message. */
  async nameAt(offset) {
    const head = new Uint8Array(await this.blob.slice(offset, offset + 230).arrayBuffer())
    const view = new DataView(head.buffer)
    if (head.length < 30 || view.getUint32(0, true) !== 0x04034b50) return ''
    return ` (the file there is ${text(head.subarray(30, 30 + view.getUint16(26, true))) ?? 'unreadable'})`
  }

  async bytes(offset, size) {
    const found = new Uint8Array(await this.blob.slice(offset, offset + size).arrayBuffer())
    if (found.length !== size) throw new Refused('zip-form', 'the file is shorter than it says')
    return found
  }

  /** A member's bytes, unchecked. */
  read(name) {
    const member = this.members.get(name)
    return this.bytes(member.data, member.size)
  }
}

function readCentral(directory, at, there) {
  const view = new DataView(directory.buffer, directory.byteOffset)
  if (at + 46 > directory.length || view.getUint32(at, true) !== 0x02014b50) {
    throw new Refused('zip-form', `a record of the zip's directory is damaged${there}`)
  }
  const [crc, size, offset] = [16, 24, 42].map((place) => view.getUint32(at + place, true))
  const [length, extra] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)]
  const name = text(directory.subarray(at + 46, at + 46 + length)) ?? ''
  if (((view.getUint32(at + 38, true) >>> 16) & 0o170000) === 0o120000) throw new Refused('zip-link', `${name} is a symbolic link${there}`)
  if (!NAME.test(name) || RESERVED.test(name)) throw new Refused('zip-name', `a file is called ${JSON.stringify(name)}${there}`)
  if (view.getUint16(at + 10, true)) throw new Refused('zip-form', `${name} is compressed; a dossier's files are stored as they are`)
  const member = { name, size, crc, offset }
  if (extra && at + 46 + length + extra <= directory.length) {
    const wide = []
    for (let place = 4; place + 8 <= extra; place += 8) wide.push(Number(view.getBigUint64(at + 46 + length + place, true)))
    if (size === LIMIT) [member.size] = wide.splice(0, 2)
    if (offset === LIMIT) [member.offset] = wide
  }
  const record = member.size === undefined || member.offset === undefined ? [] : centralHeader(member)
  if (!record.length || !same(directory.subarray(at, at + record.length), record)) {
    throw new Refused('zip-form', `${name}: its record in the zip's directory is not as it was written${there}`)
  }
  return member
}
