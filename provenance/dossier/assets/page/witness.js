// Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature v1).
import { hex, join, same, text, unbase64, unhex, utf8 } from './bytes.js'
import { verifierOf } from './ed25519.js'
import { sha256 } from './sha256.js'

const PUBLIC_KEY = unhex('302a300506032b6570032100')

/** The 32 bytes of an Ed25519 key in PEM; null for anything else. */
export function rawKey(pem) {
  const der = unbase64(pem.replace(/-----(BEGIN|END) PUBLIC KEY-----|\n/g, ''))
  return der?.length === 44 && same(der.subarray(0, 12), PUBLIC_KEY) ? der.subarray(12) : null
}

/** A signed note: {body, head: {origin, size, root}, signatures: [{name, bytes}]}; null for what is none. */
export function takeApart(note) {
  const written = text(note) ?? ''
  const at = written.indexOf('\n\n')
  const lines = written.slice(at + 2).split('\n')
  const found = lines.slice(0, -1).map((line) => /^\u2014 (\S+) (\S+)$/.exec(line))
  if (at < 0 || lines.at(-1) !== '' || !found.length || !found.every(Boolean)) return null
  const signatures = found.map(([, name, encoded]) => ({ name, bytes: unbase64(encoded) }))
  const [origin, size, root, ...more] = written.slice(0, at).split('\n')
  if (more.length || !signatures.every(({ bytes }) => bytes?.length > 4)) return null
  return { body: written.slice(0, at + 1), head: { origin, size: Number(size), root: hex(unbase64(root ?? '') ?? []) }, signatures }
}

/** Why a checkpoint is not one of this log, of the entries before `index`; null when it is. */
export async function wrongCheckpoint(note, stated, index, log) {
  const hint = sha256(utf8(`${log.origin}\n`), Uint8Array.of(1), log.raw).subarray(0, 4)
  const own = note?.signatures.find(({ name, bytes }) => name === log.origin && same(bytes.subarray(0, 4), hint))
  if (!own || note.head.origin !== log.origin || !(await log.verify(own.bytes.subarray(4), utf8(note.body)))) return 'is not signed by this key for this log'
  if (note.head.size !== stated.size || note.head.root !== stated.root) return 'is another one than the entry says'
  if (!(note.head.size > 0 && note.head.size <= index)) return 'does not lie before the entry that holds it'
  return log.rootAt(note.head.size) === note.head.root ? null : 'signs another history than this log holds'
}

/** Why a cosignature that an entry tells of does not hold; null when it does. */
export async function wrongCosignature(note, { witness, cosigned_at }, subtle) {
  const raw = rawKey(witness.public_key)
  if (!raw) return 'names no Ed25519 key'
  const hint = sha256(utf8(`${witness.name}\n`), Uint8Array.of(4), raw).subarray(0, 4)
  const verify = await verifierOf(raw, subtle)
  let latest = 0
  for (const { name, bytes } of note.signatures) {
    if (name !== witness.name || bytes.length !== 76 || !same(bytes.subarray(0, 4), hint)) continue
    const seconds = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(4))
    if (!(await verify(bytes.subarray(12), join(utf8(`cosignature/v1\ntime ${seconds}\n`), utf8(note.body))))) return 'does not hold'
    latest = Math.max(latest, seconds)
  }
  if (!latest) return 'is not on the checkpoint'
  return Math.floor(Date.parse(cosigned_at) / 1000) === latest ? null : 'is of another time than the entry says'
}
