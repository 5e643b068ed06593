// Just enough DER (ITU-T X.690) to take time-stamp tokens and certificates apart: shortest definite lengths, tags of one byte.

export const TAG = { BOOLEAN: 0x01, INTEGER: 0x02, BITS: 0x03, OCTETS: 0x04, OID: 0x06, UTC: 0x17, TIME: 0x18, SEQUENCE: 0x30, SET: 0x31 }

/** What is no DER, or not of the form that is read here. */
export class Malformed extends Error {}

/** The one value that these bytes are: {tag, body, raw}. */
export function der(bytes) {
  const node = at(bytes, 0)
  if (node.raw.length !== bytes.length) throw new Malformed('DER is followed by more bytes')
  return node
}

/** The values inside a constructed one, which must have this tag when one is given. */
export function parts(node, tag) {
  if (!node || (tag !== undefined && node.tag !== tag)) throw new Malformed('DER has another tag than expected')
  const found = []
  for (let place = 0; place < node.body.length; place += found.at(-1).raw.length) found.push(at(node.body, place))
  return found
}

/** An OBJECT IDENTIFIER in dotted form. */
export function oid(node) {
  if (node?.tag !== TAG.OID || !node.body.length || node.body.at(-1) & 0x80) throw new Malformed('DER has no object identifier where one is expected')
  const arcs = []
  let value = 0n
  for (const byte of node.body) {
    value = (value << 7n) | BigInt(byte & 0x7f)
    if (byte & 0x80) continue
    arcs.push(value)
    value = 0n
  }
  const first = arcs[0] < 80n ? arcs[0] / 40n : 2n
  return [first, arcs[0] - 40n * first, ...arcs.slice(1)].join('.')
}

/** An INTEGER's value, as a BigInt. */
export function integer(node) {
  if (node?.tag !== TAG.INTEGER || !node.body.length) throw new Malformed('DER has no integer where one is expected')
  const value = [...node.body].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return node.body[0] & 0x80 ? value - (1n << BigInt(8 * node.body.length)) : value
}

/** A UTCTime or GeneralizedTime in whole seconds, as "YYYY-MM-DDTHH:MM:SS". */
export function moment(node) {
  const text = String.fromCharCode(...(node?.body ?? []))
  const [, years, rest] = (node.tag === TAG.UTC ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})(?:\.\d{1,9})?Z$/).exec(text) ?? []
  if (!years || ![TAG.UTC, TAG.TIME].includes(node.tag)) throw new Malformed('a time is malformed')
  const year = years.length === 4 ? years : `${Number(years) < 50 ? 20 : 19}${years}`
  const [month, day, hour, minute, second] = rest.match(/../g)
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`
}

function at(data, place) {
  let [start, size] = [place + 2, data[place + 1]]
  if (size === undefined || (data[place] & 0x1f) === 0x1f) throw new Malformed('DER ends early')
  if (size & 0x80) {
    const count = size & 0x7f
    const length = data.subarray(start, start + count)
    size = length.reduce((sum, byte) => sum * 256 + byte, 0)
    if (!count || count > 4 || length.length < count || !length[0] || size < 0x80) throw new Malformed('DER has a length that is not in its shortest form')
    start += count
  }
  if (start + size > data.length) throw new Malformed('DER ends early')
  return { tag: data[place], body: data.subarray(start, start + size), raw: data.subarray(place, start + size) }
}
