// Checks time-stamp tokens with the verifier page's own modules. Usage: node check_tokens.mjs JOB.json
// JOB: {"cases": [{"token", "note": hexadecimal, "stated": what an entry says of it, "roots": PEM or null}, ...], "slow"}.
// Prints a JSON list: a finding's code, "not-here", "fits", "trusted" or "elsewhere".
import { readFileSync } from 'node:fs'
import { unhex } from '../../provenance/dossier/assets/page/bytes.js'
import { checkToken, isTrusted, rootsIn } from '../../provenance/dossier/assets/page/token.js'

const job = JSON.parse(readFileSync(process.argv[2], 'utf-8'))
const subtle = job.slow ? null : globalThis.crypto.subtle
const told = []
for (const { token, note, stated, roots } of job.cases) {
  const found = await checkToken(unhex(token), unhex(note), stated, subtle)
  if (found.fault) told.push(found.fault[0])
  else if (!found.here) told.push('not-here')
  else if (roots === null) told.push('fits')
  else told.push((await isTrusted(found, rootsIn(roots), subtle)) ? 'trusted' : 'elsewhere')
}
console.log(JSON.stringify(told))
