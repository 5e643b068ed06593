// Time-stamp tokens (RFC 3161) over checkpoints: what can be said of one without trusting anybody, and whose root it leads to.
// Not checked: revocation, and whether an authority's clock was right.
import { hex, join, same } from './bytes.js'
import { certificate, certificatesIn, HASHES, isForTime, isSigned, leadsTo, NotHere } from './certificate.js'
import { der, integer, Malformed, moment, oid, parts, TAG } from './der.js'
import { sha256 } from './sha256.js'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const [CONTENT_TYPE, MESSAGE_DIGEST] = ['1.2.840.113549.1.9.3', '1.2.840.113549.1.9.4']
const [ESS_CERT, ESS_CERT_V2] = ['1.2.840.113549.1.9.16.2.12', '1.2.840.113549.1.9.16.2.47'] // RFC 2634, RFC 5816

/**
 * Checks a token over a note that an entry tells of. Resolves to {fault, here, at, signer, certificates}.
 * fault: a finding's code and words, null for a token that is sound in itself. here: false where its signature, or a
 * digest, is of a kind that is not checked here; then nothing is known of it.
 */
export async function checkToken(bytes, note, stated, subtle) {
  try {
    return { fault: null, here: true, ...(await sound(signedData(bytes), note, stated, subtle)) }
  } catch (error) {
    if (error instanceof NotHere) return { fault: null, here: false }
    if (error instanceof Fault) return { fault: [error.code, error.message] }
    if (error instanceof Malformed || error instanceof TypeError) return { fault: ['anchor-token', 'is malformed'] }
    throw error
  }
}

/** Root certificates and others out of PEM text: those that name themselves as issuer are roots. */
export function rootsIn(text) {
  const found = certificatesIn(text)
  const isRoot = ({ subject, issuer }) => same(subject, issuer)
  return { roots: found.filter(isRoot), others: found.filter((each) => !isRoot(each)) }
}

/** Whether a sound token's signer leads to one of the roots, all of it valid at the token's own time. */
export async function isTrusted({ signer, certificates, at }, { roots, others }, subtle) {
  return leadsTo(roots, [...others, ...certificates], signer, at, subtle)
}

class Fault extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

async function sound(found, note, stated, subtle) {
  const [, policy, imprint, serial, time, ...rest] = parts(der(found.content), TAG.SEQUENCE)
  const [algorithm, digest] = parts(imprint, TAG.SEQUENCE)
  const hash = HASHES[hashOf(algorithm)]
  if (!same(await digestOf(hash, note, subtle), digest.body)) throw new Fault('anchor-imprint', 'was made for other bytes than the checkpoint')
  const at = moment(time)
  await signedBy(found, at, subtle)
  const nonce = rest.find(({ tag }) => tag === TAG.INTEGER)
  const number = (node) => (integer(node) < 0n ? -integer(node) : integer(node)).toString(16)
  const says = [oid(policy), number(serial), at, nonce ? number(nonce) : null, hex(digest.body)]
  const told = [stated.policy, stated.serial, stated.gen_time.slice(0, 19), stated.nonce, stated.imprint.digest]
  if (says.some((value, place) => value !== told[place])) throw new Fault('anchor-stated', 'says something else than its entry')
  if (stated.source === 'requested' && !nonce) throw new Fault('anchor-stated', 'has no nonce, and its entry says that it was asked for')
  return { at, signer: found.signer, certificates: found.certificates }
}

/** Whether the signer's certificate signed this content, is named in what is signed, and is one for time-stamping. */
async function signedBy({ content, signer, hash, attributes, algorithm, signature }, at, subtle) {
  const wrong = (message) => new Fault('anchor-token', message)
  if (!signer) throw wrong('does not carry the certificate of its signer')
  const said = new Map(parts(attributes).map((each) => attribute(each)))
  if (said.size !== parts(attributes).length) throw wrong('has a signed attribute twice')
  if (oid(said.get(CONTENT_TYPE)) !== TST_INFO) throw wrong('is signed over another type of content')
  if (!same(await digestOf(hash, content, subtle), said.get(MESSAGE_DIGEST)?.body ?? [])) throw wrong('is signed over other content')
  if (!(await isNamed(signer, said, subtle))) throw wrong('names another certificate than that of its signer')
  if (!isForTime(signer)) throw wrong('is signed by a certificate that is not for time-stamping alone')
  if (!(signer.since <= at && at <= signer.until)) throw wrong('is of a time at which the certificate of its signer was not valid')
  const data = join(Uint8Array.of(TAG.SET), attributes.raw.subarray(1)) // RFC 5652 section 5.4
  if (!(await isSigned(signer.key, algorithm, signature, data, hash, subtle))) throw wrong('has a signature that does not hold')
}

/** ESSCertID: without it, another certificate over the same key could be put in the signer's place. */
async function isNamed(signer, said, subtle) {
  const second = said.get(ESS_CERT_V2)
  const list = second ?? said.get(ESS_CERT)
  if (!list) return false
  const [head, next] = parts(parts(parts(list, TAG.SEQUENCE)[0])[0])
  const other = second && head.tag === TAG.SEQUENCE
  const hash = other ? HASHES[hashOf(head)] : second ? 'SHA-256' : 'SHA-1'
  return same(await digestOf(hash, signer.raw, subtle), (other ? next : head).body)
}

async function digestOf(hash, data, subtle) {
  if (hash === 'SHA-256') return sha256(data)
  if (!hash || !subtle) throw new NotHere(hash ?? 'digest')
  return new Uint8Array(await subtle.digest(hash, data))
}

/** Signed data (RFC 5652) with one signer and signed attributes, over a time-stamp. */
function signedData(bytes) {
  const [kind, explicit] = parts(der(bytes), TAG.SEQUENCE)
  const fields = parts(parts(explicit, 0xa0)[0], TAG.SEQUENCE)
  const [type, content] = parts(fields[2], TAG.SEQUENCE)
  const [info, ...more] = parts(fields.at(-1), TAG.SET)
  const [version, who, digest, attributes, algorithm, signature] = parts(info, TAG.SEQUENCE)
  const [octets] = parts(content, 0xa0)
  const framed = integer(fields[0]) > 0n && integer(version) > 0n && parts(fields[1], TAG.SET).map(hashOf).includes(hashOf(digest))
  const tags = [attributes, octets, signature].map(({ tag }) => tag)
  if (oid(kind) !== SIGNED_DATA || oid(type) !== TST_INFO || more.length || !framed || `${tags}` !== `${[0xa0, TAG.OCTETS, TAG.OCTETS]}`) throw new Malformed('no token')
  const certificates = fields
    .slice(3, -1)
    .filter(({ tag }) => tag === 0xa0)
    .flatMap((field) => parts(field))
    .map(readable)
    .filter(Boolean)
  const [issuer, serial] = parts(who, TAG.SEQUENCE)
  const signer = certificates.find((each) => same(each.issuer, issuer.raw) && each.serial === integer(serial))
  return { content: octets.body, certificates, signer, hash: HASHES[hashOf(digest)], attributes, algorithm, signature: signature.body }
}

/** Which hash an AlgorithmIdentifier names: it has no parameters, or NULL. */
function hashOf(node) {
  const [name, ...more] = parts(node, TAG.SEQUENCE)
  if (more.length > 1 || more.some(({ tag, body }) => tag !== 0x05 || body.length)) throw new Malformed('a hash has parameters')
  return oid(name)
}

function readable({ raw }) {
  try {
    return certificate(raw)
  } catch {
    return null
  }
}

/** RFC 5652 section 11: these attributes have exactly one value. */
function attribute(node) {
  const [name, values] = parts(node, TAG.SEQUENCE)
  const inside = parts(values, TAG.SET)
  return [oid(name), inside.length === 1 ? inside[0] : undefined]
}
