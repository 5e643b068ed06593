// Draws the page. Whatever comes from a dossier becomes text, never markup.
import { check } from './check.js'
import { TEXTS } from './texts.js'
import { isTrusted, rootsIn } from './token.js'

/** Starts the page in a document. */
export function start(document) {
  const page = new Page(document)
  page.idle()
  return page
}

class Page {
  constructor(document) {
    this.document = document
    this.main = document.querySelector('main')
    this.input = document.querySelector('#file')
    this.chosen = document.querySelector('#roots')
    this.chinese = document.defaultView.navigator.language.startsWith('zh')
    const take = (files) => files?.length && (this.result && [...files].every(isPem) ? this.choose(files) : this.run(files[0]))
    this.input.addEventListener('change', () => take(this.input.files))
    this.chosen.addEventListener('change', () => this.choose(this.chosen.files))
    document.addEventListener('dragover', (event) => event.preventDefault())
    document.addEventListener('drop', (event) => {
      event.preventDefault()
      take(event.dataTransfer?.files)
    })
    document.querySelector('.language').addEventListener('click', () => {
      this.chinese = !this.chinese
      this.last()
    })
  }

  say(key) {
    return TEXTS[key][this.chinese ? 1 : 0]
  }

  show(...parts) {
    this.document.documentElement.lang = this.chinese ? 'zh-Hans' : 'en'
    this.document.title = this.say('title')
    this.document.querySelector('h1').textContent = this.say('title')
    this.document.querySelector('.language').textContent = this.chinese ? 'English' : '中文'
    this.main.replaceChildren(...parts.filter(Boolean))
  }

  element(name, inner, attributes = {}) {
    const made = this.document.createElement(name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    made.append(...(Array.isArray(inner) ? inner.filter(Boolean) : [inner ?? '']))
    return made
  }

  idle() {
    this.last = () => this.idle()
    const label = this.element('label', this.say('drop'), { for: 'file', class: 'drop' })
    this.show(label, this.element('p', this.say('local'), { class: 'soft' }))
  }

  async run(file) {
    let told = ''
    const bar = this.element('progress', '', { max: 1, value: 0 })
    const line = this.element('p', '', { 'aria-live': 'polite' })
    this.last = () => {}
    this.show(this.element('p', `${this.say('working')}: ${file.name}`), bar, line)
    this.result = await check(file, (step, done, total) => {
      bar.value = total ? done / total : 0
      if (told !== step) line.textContent = told = this.say(step)
    })
    this.name = file.name
    await this.trust()
    this.report()
  }

  /** Root certificates that the reader trusts, beside those chosen before. */
  async choose(files) {
    const texts = await Promise.all([...files].map((file) => file.text()))
    this.unread = false
    try {
      const { roots, others } = rootsIn(texts.join('\n'))
      this.unread = !roots.length
      this.roots = { roots: [...(this.roots?.roots ?? []), ...roots], others: [...(this.roots?.others ?? []), ...others] }
    } catch {
      this.unread = true
    }
    this.chosen.value = ''
    await this.trust()
    this.report()
  }

  async trust() {
    for (const token of this.result.tokens ?? []) {
      if (!token.here) token.state = 'tokenNotHere'
      else if (!this.roots?.roots.length) token.state = 'tokenFits'
      else token.state = (await isTrusted(token, this.roots, globalThis.crypto?.subtle)) ? 'tokenTrusted' : 'tokenElsewhere'
    }
  }

  report() {
    this.last = () => this.report()
    const found = this.result
    const verdict = this.element('p', this.say(found.ok ? 'good' : 'bad'), { class: `verdict ${found.ok ? 'good' : 'bad'}`, role: 'status' })
    const again = this.element('label', this.say('again'), { for: 'file', class: 'again' })
    this.input.value = ''
    this.show(verdict, this.element('p', this.name), this.findings(), this.facts(), this.limits(), this.entries(), again)
  }

  findings() {
    if (this.result.ok) return null
    const items = this.result.findings.slice(0, 500).map((each) => this.element('li', [this.element('b', each.code), ` ${each.message}`]))
    return this.element('section', [this.element('h2', this.say('found')), this.element('ul', items, { class: 'findings' })])
  }

  facts() {
    const found = this.result
    if (!found.fingerprint) return null
    const list = this.element('dl', [])
    const add = (key, ...values) => list.append(this.element('dt', this.say(key)), this.element('dd', values))
    add('key', this.element('code', found.fingerprint), ` ${this.say('compare')}`)
    if (found.identity) add('identity', this.element('code', found.identity), ` ${this.say(found.signed ? 'signed' : 'unsigned')}`)
    add('log', this.element('code', found.origin))
    if (found.entries) {
      const hidden = new Set(Object.values(found.description.withheld).flat()).size
      add('root', this.element('code', found.root))
      add('shown', `${found.entries.length} ${this.say('ofLog')} ${found.size}; ${hidden} ${this.say('withheld')}`)
      add('time', ...this.tokens(found.tokens))
      const witnesses = found.entries.filter((entry) => entry.kind === 'witness')
      const cosigned = witnesses.map(({ said }) => this.element('div', `${said.cosigned_at} ${cosigner(said)}: ${said.checkpoint.size} ${this.say('covers')}; ${this.say('cosigner')}`))
      if (cosigned.length) add('cosigned', ...cosigned)
    }
    return list
  }

  tokens(tokens) {
    if (!tokens.length) return [this.say('noTime')]
    const lines = tokens.map(({ said, state }) =>
      this.element('div', `${said.gen_time} ${said.authority.name}: ${said.checkpoint.size} ${this.say('covers')}; ${this.say(state)}`, { 'data-token': state }),
    )
    const label = this.element('label', this.say('roots'), { for: 'roots', class: 'roots' })
    const known = this.unread ? this.say('rootsBad') : this.roots ? `${this.roots.roots.length} ${this.say('rootsKnown')}` : ''
    return [...lines, label, known && this.element('div', known, { class: 'soft', role: 'status' })]
  }

  limits() {
    return this.element('section', [this.element('h2', this.say('limits')), this.element('p', this.say('limitsText'))])
  }

  entries() {
    const entries = this.result.entries ?? []
    if (!entries.length) return null
    const row = (cells, name) => this.element('tr', cells.map((cell) => this.element(name, cell)))
    const head = row(['entry', 'kind', 'recorded', 'content'].map((key) => this.say(key)), 'th')
    const rows = entries.map((entry) => row([`${entry.index}`, entry.kind, entry.said.recorded_at.slice(0, 19).replace('T', ' '), summary(entry)], 'td'))
    const table = this.element('table', [this.element('thead', [head]), this.element('tbody', rows)])
    const title = this.element('summary', `${this.say('what')} (${entries.length})`)
    return this.element('details', [title, table])
  }
}

function isPem({ name }) {
  return /\.(pem|crt|cer)$/i.test(name)
}

/** One line of what an entry says. */
function summary({ kind, said }) {
  if (kind === 'intent') return said.text
  if (kind === 'decision') return [said.decision, said.rating, said.label, said.reason].filter(Boolean).join(': ')
  if (kind === 'completion') {
    const texts = said.prompts.map((version) => version.text).filter(Boolean)
    return [said.status, ...texts, ...said.outputs.map((output) => `sha256:${output.sha256}`)].join(' \u00b7 ')
  }
  if (kind === 'submission') return said.execution
  if (kind === 'import') return `${said.file.name} sha256:${said.file.sha256}`
  if (kind === 'model') return `${said.folder}/${said.name} sha256:${said.sha256}`
  if (kind === 'anchor') return `${said.authority.name} ${said.gen_time}`
  if (kind === 'witness') return `${cosigner(said)} ${said.cosigned_at}`
  if (kind === 'session') return said.event
  return ''
}

function cosigner({ witness }) {
  return witness.label ? `${witness.label} (${witness.name})` : witness.name
}
