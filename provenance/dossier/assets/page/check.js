// The check of a dossier: container, bag, signatures, places in the log, proofs, objects. No network, no trust in pages.
import { base64, hex, join, same, text, unbase64, unhex, utf8 } from './bytes.js'
import { sha512, verifierOf } from './ed25519.js'
import { Frontier, leafHash, Tree } from './merkle.js'
import { Sha256, sha256 } from './sha256.js'
import { checkToken } from './token.js'
import { rawKey, takeApart, wrongCheckpoint, wrongCosignature } from './witness.js'
import { crc32, Refused, Zip } from './zip.js'

const BASE = 'dossier/'
const MANIFEST = 'manifest-sha256.txt'
const TAG_MANIFEST = 'tagmanifest-sha256.txt'
const SIGNATURE = `${TAG_MANIFEST}.sig`
const NAMESPACE = 'dossier@comfy-provenance'
const PREFIX = 'https://w3id.org/comfy-provenance/'
const LOG = ['checkpoint', 'leaves', 'public.pem', 'public.ssh', 'vkey'].map((name) => `data/log/${name}`)
const TAGS = ['bag-info.txt', 'bagit.txt', 'report.html', 'verify.html', 'verify/README.md', 'verify/README.zh.md', 'verify/allowed_signers']
const VIEWS = ['data/provenance.json', 'data/ro-crate-metadata.json']
const ALWAYS = ['data/dossier.json', ...LOG, ...VIEWS, ...TAGS, MANIFEST, TAG_MANIFEST]
const BLOCK = 1 << 22

/** Checks one dossier. `progress(step, done, total)` is called now and then. Resolves to {ok, findings, ...facts}. */
export async function check(blob, progress = () => {}, subtle = globalThis.crypto?.subtle) {
  const checking = new Check(blob, progress, subtle)
  try {
    await checking.run()
  } catch (error) {
    if (error instanceof Refused) checking.find(error.code, error.message)
    else checking.find('bag-form', `the dossier cannot be read: ${error.message}`)
  }
  return { ok: !checking.findings.length, findings: checking.findings, ...checking.facts }
}

class Check {
  constructor(blob, progress, subtle) {
    this.blob = blob
    this.progress = progress
    this.subtle = subtle
    this.findings = []
    this.facts = { tokens: [] }
    this.digests = new Map()
  }

  find(code, message) {
    this.findings.push({ code, message: message.replace(BASE, '') })
  }

  async run() {
    this.zip = await Zip.open(this.blob)
    this.names = [...this.zip.members.keys()].map((name) => {
      if (!name.startsWith(BASE)) throw new Refused('bag-extra', `${name} is not inside ${BASE}`)
      return name.slice(BASE.length)
    })
    this.has = new Set(this.names)
    for (const name of ALWAYS) if (!this.has.has(name)) throw new Refused('bag-missing', `${name} is not there`)
    await this.files()
    await this.key()
    await this.forms()
    await this.log()
  }

  read(name) {
    return this.zip.read(BASE + name)
  }

  // the bag

  async files() {
    let done = 0
    for (const name of this.names) {
      const member = this.zip.members.get(BASE + name)
      const hash = new Sha256()
      let crc = 0
      for (let at = 0; at < member.size; at += BLOCK) {
        const block = await this.zip.bytes(member.data + at, Math.min(BLOCK, member.size - at))
        hash.update(block)
        crc = crc32(block, crc)
        done += block.length
        this.progress('files', done, this.blob.size)
      }
      if (crc !== member.crc) this.find('zip-crc', `${name}: its bytes have changed`)
      this.digests.set(name, hex(hash.digest()))
    }
    const ordered = [...this.names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    const misplaced = this.names.find((name, place) => name !== ordered[place])
    if (misplaced) this.find('bag-order', `${misplaced} is not in its place among the files`)
    const payload = this.names.filter((name) => name.startsWith('data/'))
    const tags = this.names.filter((name) => !name.startsWith('data/') && ![TAG_MANIFEST, SIGNATURE].includes(name))
    await this.manifest(MANIFEST, payload)
    await this.manifest(TAG_MANIFEST, tags)
    for (const name of this.names) {
      const object = /^data\/objects\/([0-9a-f]{64})$/.exec(name)
      if (object && object[1] !== this.digests.get(name)) this.find('object-altered', `${name}: its SHA-256 is ${this.digests.get(name)}`)
    }
  }

  async manifest(manifest, names) {
    const found = text(await this.read(manifest))
    const line = (name) => `${this.digests.get(name)}  ${name}\n`
    if (found === [...names].sort().map(line).join('')) return
    const listed = new Map((found ?? '').split('\n').filter(Boolean).map((each) => [each.slice(66), each.slice(0, 64)]))
    const before = this.findings.length
    for (const name of names) {
      if (!listed.has(name)) this.find('bag-extra', `${name} is not listed in ${manifest}`)
      else if (listed.get(name) !== this.digests.get(name)) this.find('bag-altered', `${name}: its SHA-256 is not the one in ${manifest}`)
    }
    for (const name of listed.keys()) {
      if (!names.includes(name)) this.find('bag-missing', `${JSON.stringify(name)} is listed in ${manifest} and is not there`)
    }
    if (this.findings.length === before) this.find('bag-form', `${manifest} is not written in its one form`)
  }

  // the key, and what follows from it

  async key() {
    const pem = text(await this.read('data/log/public.pem')) ?? ''
    const raw = rawKey(pem)
    if (!raw) throw new Refused('bag-form', 'data/log/public.pem is no Ed25519 key')
    this.pem = pem
    this.raw = raw
    const described = `{"keytype":"ed25519","keyval":{"public":"${hex(this.raw)}"},"scheme":"ed25519"}`
    this.keyId = hex(sha256(utf8(described)))
    this.origin = `comfy-provenance/${this.keyId.slice(0, 16)}`
    const blob = join(...['ssh-ed25519', this.raw].map(sshString))
    this.ssh = `ssh-ed25519 ${base64(blob)}`
    this.facts.fingerprint = `SHA256:${base64(sha256(blob)).replace(/=+$/, '')}`
    this.facts.origin = this.origin
    this.verify = await verifierOf(this.raw, this.subtle)
  }

  async forms() {
    const number = Uint8Array.of(1)
    const hint = sha256(utf8(`${this.origin}\n`), number, this.raw).subarray(0, 4)
    const expected = {
      'bagit.txt': 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n',
      'data/log/public.pem': `-----BEGIN PUBLIC KEY-----\n${base64(join(unhex('302a300506032b6570032100'), this.raw))}\n-----END PUBLIC KEY-----\n`,
      'data/log/public.ssh': `${this.ssh} ${this.origin}\n`,
      'data/log/vkey': `${this.origin}+${hex(hint)}+${base64(join(number, this.raw))}\n`,
      'verify/allowed_signers': `${this.origin} ${this.ssh}\n`,
    }
    for (const [name, wanted] of Object.entries(expected)) {
      if (text(await this.read(name)) !== wanted) this.find('bag-form', `${name} is not what the other files make of it`)
    }
    for (const name of this.names) if (!this.belongs(name)) this.find('bag-extra', `${name} is no file of a dossier`)
    this.description = JSON.parse(text(await this.read('data/dossier.json')))
    this.facts.description = this.description
    this.facts.identity = this.digests.get(TAG_MANIFEST)
    this.facts.signed = false
    if (this.has.has(SIGNATURE)) await this.whole()
  }

  belongs(name) {
    if (ALWAYS.includes(name) || name === SIGNATURE || /^data\/objects\/[0-9a-f]{64}$/.test(name)) return true
    const found = /^data\/(entries|proofs|time)\/(\d{8,})\.(dsse\.json|tlog-proof|pem)$/.exec(name)
    const endings = { entries: 'dsse.json', proofs: 'tlog-proof', time: 'pem' }
    return Boolean(found) && endings[found[1]] === found[3] && this.has.has(entryName(Number(found[2])))
  }

  /** The signature over the tag manifest: OpenSSH's form. */
  async whole() {
    const armored = text(await this.read(SIGNATURE)) ?? ''
    const blob = unbase64(armored.split('\n').slice(1, -2).join(''))
    const raw = blob?.subarray(-64) ?? new Uint8Array()
    const parts = [join(...['ssh-ed25519', this.raw].map(sshString)), NAMESPACE, '', 'sha512', join(...['ssh-ed25519', raw].map(sshString))]
    const again = base64(join(utf8('SSHSIG'), Uint8Array.of(0, 0, 0, 1), ...parts.map(sshString)))
    const lines = [...(again.match(/.{1,70}/g) ?? [])]
    const form = ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
    const data = await this.read(TAG_MANIFEST)
    const signed = join(utf8('SSHSIG'), ...[NAMESPACE, '', 'sha512', sha512(data)].map(sshString))
    this.facts.signed = form === armored && (await this.verify(raw, signed))
    if (!this.facts.signed) this.find('bag-altered', `${SIGNATURE} is not this key's signature over ${TAG_MANIFEST}`)
  }

  // the log

  async log() {
    const note = await this.read('data/log/checkpoint')
    const head = await this.checkpoint(note)
    const leaves = (text(await this.read('data/log/leaves')) ?? '').split('\n')
    if (leaves.pop() !== '' || !leaves.every((line) => /^[0-9a-f]{64}$/.test(line))) throw new Refused('bag-form', 'data/log/leaves is not one hash per line')
    const listed = leaves.map(unhex)
    const frontier = new Frontier()
    const tree = new Tree(listed)
    const entries = []
    const roots = []
    for (const [index, leaf] of listed.entries()) {
      if (this.has.has(entryName(index))) {
        const said = await this.entry(index, leaf, hex(frontier.root), note, tree)
        if (said) entries.push(said)
        if (said?.kind === 'witness') await this.witness(said, roots)
        if (said?.kind === 'anchor') await this.anchor(said, roots)
      }
      frontier.append(leaf)
      roots.push(hex(frontier.root))
      if (index % 32 === 0) {
        this.progress('entries', index, listed.length)
        await new Promise((resolve) => setTimeout(resolve))
      }
    }
    if (head && (head.size !== listed.length || head.root !== base64(frontier.root))) {
      this.find('leaf-other', 'data/log/leaves: the hashes do not make the tree that the checkpoint signs')
    }
    if (entries[0]?.kind !== 'genesis') this.find('genesis-missing', 'the log does not begin with its genesis entry')
    this.facts.entries = entries
    this.facts.size = listed.length
    this.facts.root = hex(frontier.root)
  }

  /** A colleague's cosignature on a checkpoint of this log. */
  async witness({ index, said }, roots) {
    const object = `data/objects/${said.checkpoint.object}`
    if (!this.has.has(object)) return
    const note = takeApart(await this.read(object))
    const other = await wrongCheckpoint(note, said.checkpoint, index, this.until(roots))
    if (other) return this.find('witness-checkpoint', `${entryName(index)}: the cosigned checkpoint ${object} ${other}`)
    const wrong = await wrongCosignature(note, said, this.subtle)
    if (wrong) this.find('witness-signature', `${entryName(index)}: the cosignature of ${JSON.stringify(said.witness.name)} on ${object} ${wrong}`)
  }

  /** A time-stamp token over a checkpoint of this log. */
  async anchor({ index, said }, roots) {
    const [object, name] = [said.checkpoint.object, said.token].map((digest) => `data/objects/${digest}`)
    if (!this.has.has(object) || !this.has.has(name)) return
    const note = await this.read(object)
    const other = await wrongCheckpoint(takeApart(note), said.checkpoint, index, this.until(roots))
    if (other) return this.find('anchor-checkpoint', `${entryName(index)}: the checkpoint ${object} ${other}`)
    const found = await checkToken(await this.read(name), note, said, this.subtle)
    if (found.fault) return this.find(found.fault[0], `${entryName(index)}: the token ${name} ${found.fault[1]}`)
    this.facts.tokens.push({ ...found, index, said })
  }

  /** What there is of the log so far. roots: of the trees over its first entries. */
  until(roots) {
    return { origin: this.origin, raw: this.raw, verify: this.verify, rootAt: (size) => roots[size - 1] }
  }

  async checkpoint(note) {
    const written = text(note) ?? ''
    const [body, tail] = written.split(/\n\n(?=[^\n]*\n$)/)
    const [origin, size, root, ...more] = (body ?? '').split('\n')
    const signature = unbase64((tail ?? '').trimEnd().replace(`\u2014 ${this.origin} `, ''))
    const hint = sha256(utf8(`${this.origin}\n`), Uint8Array.of(1), this.raw).subarray(0, 4)
    const form = signature && `${origin}\n${size}\n${root}\n\n\u2014 ${this.origin} ${base64(signature)}\n`
    const good = signature && !more.length && origin === this.origin && form === written && same(signature.subarray(0, 4), hint)
    if (good && (await this.verify(signature.subarray(4), utf8(`${body}\n`)))) return { size: Number(size), root }
    this.find('checkpoint-invalid', 'data/log/checkpoint is not signed by this key for this log')
    return null
  }

  async entry(index, leaf, root, note, tree) {
    const name = entryName(index)
    const envelope = await this.read(name)
    if (!same(leafHash(envelope), leaf)) this.find('leaf-other', `${name} does not have the hash that is listed`)
    const proof = `data/proofs/${String(index).padStart(8, '0')}.tlog-proof`
    const lines = ['c2sp.org/tlog-proof@v1', `index ${index}`, ...tree.proof(index).map(base64), '']
    const expected = join(utf8(lines.map((line) => `${line}\n`).join('')), note)
    if (!this.has.has(proof)) this.find('bag-missing', `${proof} is not there`)
    else if (!same(await this.read(proof), expected)) this.find('proof-other', `${proof} is not the proof of entry ${index}`)
    const form = /^\{"payload":"([A-Za-z0-9+/=]*)","payloadType":"application\/vnd\.in-toto\+json","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/=]*)"\}\]\}$/
    const parts = form.exec(text(envelope) ?? '')
    const [payload, signature] = parts ? [unbase64(parts[1]), unbase64(parts[3])] : []
    if (!payload || !signature) return this.find('envelope-malformed', `${name} is no DSSE envelope of this form`)
    if (parts[2] !== this.keyId) return this.find('foreign-key', `${name} names another key`)
    const signed = join(utf8(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload)
    if (!(await this.verify(signature, signed))) return this.find('envelope-signature', `${name}: the signature does not match`)
    const statement = JSON.parse(text(payload))
    const said = statement.predicate
    const kind = statement.predicateType.replace(PREFIX, '').replace(/\/v\d+$/, '')
    if (said.log.origin !== this.origin) this.find('log-origin', `${name} was signed for another log`)
    if (said.log.index !== index) this.find('log-index', `${name} was signed for place ${said.log.index}`)
    else if (said.log.root !== root) this.find('log-root', `${name}: the entries before it are not those it was appended to`)
    if (kind === 'genesis' && said.public_key !== this.pem) this.find('genesis-key', `${name} declares another key`)
    const code = kind === 'recording' ? 'chunk-missing' : 'object-missing'
    for (const digest of objectsOf(kind, said)) this.object(name, digest, code)
    return { index, kind, said, leaf: hex(leaf) }
  }

  object(name, digest, code) {
    const hidden = Object.values(this.description.left_out).some((digests) => digests.includes(digest))
    if (digest && !hidden && !this.has.has(`data/objects/${digest}`)) this.find(code, `${name}: object ${digest} is not there`)
  }
}

/** The objects without which what an entry says is not whole: those that verify/statements.py requires. */
function objectsOf(kind, said) {
  if (kind === 'session') return [said.environment]
  if (kind === 'submission') return Object.values(said.snapshot)
  if (kind === 'completion') return [said.observations]
  if (kind === 'import') return ['prompt', 'workflow', 'text', 'flow'].map((name) => said.claims?.[name])
  if (kind === 'recording') return [said.chunk?.sha256]
  if (kind === 'anchor') return [said.checkpoint.object, said.token]
  if (kind === 'witness') return [said.checkpoint.object]
  return []
}

function entryName(index) {
  return `data/entries/${String(index).padStart(8, '0')}.dsse.json`
}

function rank(name) {
  const last = [MANIFEST, TAG_MANIFEST, SIGNATURE].indexOf(name)
  if (last >= 0) return 3 + last
  if (!name.startsWith('data/')) return 2
  return VIEWS.includes(name) || name.startsWith('data/time/') ? 1 : 0
}

function sshString(value) {
  const bytes = typeof value === 'string' ? utf8(value) : value
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return join(length, bytes)
}
