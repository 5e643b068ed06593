// Checks a zip and changed copies of it with the page's own modules. Usage: node check_copies.mjs JOB.json
// JOB: {"zips": [path, ...], "slow": whether without WebCrypto, "changes": [[position, mask], ...]}. Prints a JSON list.
import { readFileSync } from 'node:fs'
import { check } from '../../provenance/dossier/assets/page/check.js'

const job = JSON.parse(readFileSync(process.argv[2], 'utf-8'))
const told = []
for (const path of job.zips) {
  const data = readFileSync(path)
  for (const [position, mask] of [[0, 0], ...job.changes]) {
    const copy = Uint8Array.from(data)
    if (copy.length) copy[position] ^= mask
    const found = await check(new Blob([copy]), () => {}, job.slow ? null : undefined)
    told.push({ ok: found.ok, signed: found.signed ?? null, fingerprint: found.fingerprint ?? null, findings: found.findings })
  }
}
console.log(JSON.stringify(told))
