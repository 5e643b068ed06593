// The RFC 6962 tree: appended to leaf by leaf, with its root at every size, and inclusion proofs.
import { sha256 } from './sha256.js'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** Hash of an entry. */
export function leafHash(bytes) {
  return sha256(LEAF, bytes)
}

function nodeHash(left, right) {
  return sha256(NODE, left, right)
}

/** One hash per perfect subtree, largest first; `append` changes it. */
export class Frontier {
  constructor() {
    this.size = 0
    this.nodes = []
  }

  append(leaf) {
    for (let full = this.size; full % 2; full = (full - 1) / 2) leaf = nodeHash(this.nodes.pop(), leaf)
    this.nodes.push(leaf)
    this.size += 1
  }

  get root() {
    return this.nodes.length ? this.nodes.reduceRight((root, node) => nodeHash(node, root)) : sha256()
  }
}

/** All perfect subtrees over a list of leaf hashes, for many proofs. */
export class Tree {
  constructor(leaves) {
    this.levels = [leaves]
    for (let below = leaves; below.length > 1; below = this.levels.at(-1)) {
      const level = []
      for (let at = 0; at + 1 < below.length; at += 2) level.push(nodeHash(below[at], below[at + 1]))
      this.levels.push(level)
    }
  }

  proof(index) {
    const proof = []
    let [low, high] = [0, this.levels[0].length]
    while (high - low > 1) {
      const middle = low + split(high - low)
      if (index < middle) {
        proof.unshift(this.root(middle, high))
        high = middle
      } else {
        proof.unshift(this.root(low, middle))
        low = middle
      }
    }
    return proof
  }

  root(low, high) {
    const width = high - low
    if (Number.isInteger(Math.log2(width))) return this.levels[Math.log2(width)][low / width]
    const middle = low + split(width)
    return nodeHash(this.root(low, middle), this.root(middle, high))
  }
}

function split(width) {
  return 2 ** Math.floor(Math.log2(width - 1))
}
