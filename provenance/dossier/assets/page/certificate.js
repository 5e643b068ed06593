// X.509 certificates (RFC 5280) and the signatures under them, as far as time-stamp tokens need: WebCrypto does the arithmetic.
import { join, same, unbase64 } from './bytes.js'
import { der, integer, Malformed, moment, oid, parts, TAG } from './der.js'

export const HASHES = { '2.16.840.1.101.3.4.2.1': 'SHA-256', '2.16.840.1.101.3.4.2.2': 'SHA-384', '2.16.840.1.101.3.4.2.3': 'SHA-512' }
const PKCS1 = 'RSASSA-PKCS1-v1_5'
const SIGNATURES = {
  '1.2.840.113549.1.1.1': [PKCS1],
  '1.2.840.113549.1.1.11': [PKCS1, 'SHA-256'],
  '1.2.840.113549.1.1.12': [PKCS1, 'SHA-384'],
  '1.2.840.113549.1.1.13': [PKCS1, 'SHA-512'],
  '1.2.840.113549.1.1.10': ['RSA-PSS'],
  '1.2.840.10045.4.3.2': ['ECDSA', 'SHA-256'],
  '1.2.840.10045.4.3.3': ['ECDSA', 'SHA-384'],
  '1.2.840.10045.4.3.4': ['ECDSA', 'SHA-512'],
}
const CURVES = { '1.2.840.10045.3.1.7': ['P-256', 32], '1.3.132.0.34': ['P-384', 48], '1.3.132.0.35': ['P-521', 66] }
const [KEY_USAGE, BASIC, EXTENDED] = ['2.5.29.15', '2.5.29.19', '2.5.29.37']
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
const KNOWN = [KEY_USAGE, BASIC, EXTENDED, '2.5.29.14', '2.5.29.17', '2.5.29.32', '2.5.29.35']
const LONGEST = 8 // certificates in a chain

/** A signature of a kind that this page, or this browser, does not check. */
export class NotHere extends Error {}

/** What a certificate says. */
export function certificate(raw) {
  const [body, algorithm, bits] = parts(der(raw), TAG.SEQUENCE)
  const fields = parts(body, TAG.SEQUENCE)
  const [serial, , issuer, validity, subject, key] = fields[0].tag === 0xa0 ? fields.slice(1) : fields
  const [since, until] = parts(validity, TAG.SEQUENCE).map(moment)
  if (bits?.tag !== TAG.BITS || bits.body[0] !== 0) throw new Malformed('a certificate has no signature')
  const listed = fields.find((field) => field.tag === 0xa3)
  const extensions = new Map((listed ? parts(parts(listed)[0], TAG.SEQUENCE) : []).map(extension))
  return { raw, signed: body.raw, algorithm, signature: bits.body.subarray(1), serial: integer(serial), issuer: issuer.raw, subject: subject.raw, since, until, key: key.raw, extensions }
}

function extension(node) {
  const [name, ...rest] = parts(node, TAG.SEQUENCE)
  const critical = rest.length === 2 && rest[0].tag === TAG.BOOLEAN && rest[0].body[0] === 0xff
  return [oid(name), { critical, value: der(rest.at(-1).body) }]
}

/** Certificates out of PEM text. */
export function certificatesIn(text) {
  const found = text.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g)
  return [...found].map(([, encoded]) => certificate(unbase64(encoded.replace(/\s/g, '')) ?? new Uint8Array()))
}

/** Whether a certificate is for time-stamping and nothing else, and says so in a way that must be heeded (RFC 3161 section 2.3). */
export function isForTime({ extensions }) {
  const found = extensions.get(EXTENDED)
  return Boolean(found?.critical) && parts(found.value, TAG.SEQUENCE).map(oid).join() === TIME_STAMPING
}

/** Whether a key signed these bytes. hash: where the algorithm names none. Throws NotHere. */
export async function isSigned(key, algorithm, signature, data, hash, subtle) {
  const [name, parameters] = parts(algorithm, TAG.SEQUENCE)
  const [kind, own] = SIGNATURES[oid(name)] ?? []
  const [held, curve] = parts(parts(der(key), TAG.SEQUENCE)[0], TAG.SEQUENCE)
  if (!kind || !subtle || (kind === 'ECDSA') !== (oid(held) === '1.2.840.10045.2.1')) throw new NotHere(oid(name))
  let [how, digest, bytes] = [{ name: kind }, own ?? hash, signature]
  if (kind === 'RSA-PSS') [how, digest] = pss(parameters)
  if (kind === 'ECDSA') {
    const [named, size] = CURVES[oid(curve)] ?? []
    if (!named) throw new NotHere(oid(curve))
    how = { name: kind, namedCurve: named, hash: digest }
    bytes = plain(signature, size)
  }
  try {
    const imported = await subtle.importKey('spki', key, { ...how, hash: digest }, false, ['verify'])
    return await subtle.verify(how, imported, bytes, data)
  } catch {
    throw new NotHere(oid(name))
  }
}

/** RFC 4055: hash, the same for the mask, and the salt's length; the defaults are SHA-1, which is not taken. */
function pss(parameters) {
  const found = new Map(parts(parameters, TAG.SEQUENCE).map((part) => [part.tag, parts(part)[0]]))
  const hash = (node) => HASHES[oid(parts(node, TAG.SEQUENCE)[0])]
  const digest = found.has(0xa0) ? hash(found.get(0xa0)) : null
  const mask = found.has(0xa1) ? hash(parts(found.get(0xa1), TAG.SEQUENCE)[1]) : null
  if (!digest || mask !== digest) throw new NotHere('RSA-PSS')
  return [{ name: 'RSA-PSS', saltLength: found.has(0xa2) ? Number(integer(found.get(0xa2))) : 20 }, digest]
}

/** An ECDSA signature as WebCrypto takes it: both numbers, in the curve's size. */
function plain(signature, size) {
  return join(
    ...parts(der(signature), TAG.SEQUENCE).map((node) => {
      const bytes = node.body.subarray(node.body.findIndex((byte) => byte !== 0))
      if (integer(node) <= 0n || bytes.length > size) throw new Malformed('the signature has other numbers than its curve')
      return join(new Uint8Array(size - bytes.length), bytes)
    }),
  )
}

/** Whether a chain, all of it valid at this time, leads from a certificate to one of the roots. */
export async function leadsTo(roots, given, leaf, at, subtle, length = 0) {
  if (!isValid(leaf, at)) return false
  if (roots.some((root) => same(root.raw, leaf.raw))) return true
  for (const issuer of length < LONGEST ? [...roots, ...given] : []) {
    if (!same(issuer.subject, leaf.issuer) || !mayIssue(issuer, length)) continue
    if (!(await isSigned(issuer.key, leaf.algorithm, leaf.signature, leaf.signed, undefined, subtle).catch(() => false))) continue
    if (await leadsTo(roots, given, issuer, at, subtle, length + 1)) return true
  }
  return false
}

function isValid({ since, until, extensions }, at) {
  return since <= at && at <= until && [...extensions].every(([name, { critical }]) => !critical || KNOWN.includes(name))
}

/** length: how many certificates lie between this one and the end of the chain. */
function mayIssue({ extensions }, length) {
  const [authority, most] = extensions.has(BASIC) ? parts(extensions.get(BASIC).value, TAG.SEQUENCE) : []
  const usage = extensions.get(KEY_USAGE)?.value
  const extended = extensions.get(EXTENDED)
  const purposes = extended ? parts(extended.value, TAG.SEQUENCE).map(oid) : [TIME_STAMPING]
  const may = authority?.tag === TAG.BOOLEAN && authority.body[0] === 0xff && (!usage || Boolean(usage.body[1] & 0x04))
  return may && (!most || integer(most) >= BigInt(length)) && (purposes.includes(TIME_STAMPING) || purposes.includes('2.5.29.37.0'))
}
