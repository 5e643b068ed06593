/**
 * From runs to the rows that the view draws: folding, then layout. Pure, but for remembering what it did last, so that older
 * runs that come in at the bottom cost no more than themselves.
 *
 * @typedef {import("./fold.js").Run} Run
 * @typedef {import("./fold.js").Entry & {lit: boolean, folded?: number}} TreeRow
 *   `folded`: for a row that stands for runs which no filter matched, how many
 */

import { fold, isOrphan, linksOf, parentOf } from "./fold.js";
import { COLOURS, colourOf, layout, start } from "./layout.js";

/** Rows that are only context are kept to this many on either side of a match; the others share a row. */
export const CONTEXT = 1;

/** Every so many rows the state of the layout is kept, so that a window is drawn from there. */
const STRIDE = 128;

export class Tree {
  /** @type {TreeRow[]} */
  rows = [];
  #runs = [];
  /** @type {{expanded: Set<string>, matches: Set<string>|null, group: boolean}} */
  #options = { expanded: new Set(), matches: null, group: true };
  #children = new Map();
  #orphans = new Set();
  #place = new Map();
  /** @type {import("./layout.js").Carry[]} the state before each STRIDE rows, and after the last of them */
  #carries = [start()];
  #settled = 0;
  #coloured = start().seen; // of the whole tree: what a filter leaves keeps its colours, and gives none back
  #given = 0; // how many colours were given to branches

  /** Lanes of the widest row. */
  get width() {
    return this.#carries[this.#carries.length - 1].width;
  }

  /**
   * Take the runs of now, newest first.
   * @param {Run[]} runs
   * @param {{expanded: Set<string>, matches: Set<string>|null, group: boolean}} options
   */
  update(runs, options) {
    const known = this.#runs;
    const sameOptions = Object.keys(options).every((name) => options[name] === this.#options[name]);
    if (sameOptions && runs === known) {
      return;
    }
    const grown = sameOptions && options.matches === null && known.length > 0 && startsWith(runs, known);
    this.#options = options;
    this.#runs = runs;
    if (grown) {
      this.#append(runs, known.length);
    } else {
      this.#rebuild(runs);
    }
  }

  /** The cells of the rows from `from` up to, not including, `to`. @returns {import("./layout.js").Cell[]} */
  cells(from, to) {
    const stride = Math.floor(from / STRIDE);
    const rows = this.rows.slice(stride * STRIDE, to);
    return layout(rows, this.#carries[stride], { absent: this.#absent }).cells.slice(from - stride * STRIDE);
  }

  /** The row that shows a run, or -1. */
  placeOf(id) {
    return this.#place.get(id) ?? -1;
  }

  /** Ids of the runs that descend from a run or use what it made, newest first. */
  childrenOf(id) {
    return this.#children.get(id) ?? [];
  }

  #absent = (id) => this.#orphans.has(id);

  #rebuild(runs) {
    const before = { ...start(), seen: this.#coloured };
    this.#given = Math.max(this.#given, this.#carries[this.#carries.length - 1].next);
    let onTop = before.seen.size > 0;
    this.#children = new Map();
    this.#orphans = new Set();
    this.#place = new Map();
    this.rows = [];
    this.#carries = [start()];
    this.#connect(runs, 0);
    this.#draw(runs, (row) => {
      const own = row.ids.map((id) => colourOf(before, id)).find((colour) => colour !== undefined);
      onTop = onTop && own === undefined;
      const isTip = row.ids.every((id) => this.childrenOf(id).every((child) => row.ids.includes(child)));
      if (!onTop || !isTip) {
        return own; // else what comes down to it decides
      }
      const parent = row.links[0]?.id;
      const alone = parent !== undefined && this.childrenOf(parent).every((id) => row.ids.includes(id));
      return (alone ? colourOf(before, parent) : undefined) ?? this.#given++ % COLOURS;
    });
    if (this.#options.matches === null) {
      this.#coloured = this.#carries[0].seen;
    }
  }

  #append(runs, from) {
    this.#connect(runs, from);
    let again = 0;
    const { seen } = this.#carries[0];
    for (const entry of this.rows.splice(this.#settled)) {
      again += entry.runs.length;
      for (const id of entry.ids) {
        this.#place.delete(id);
        seen.delete(id);
      }
    }
    this.#carries.length = Math.floor(this.#settled / STRIDE) + 1;
    this.#draw(runs.slice(from - again), () => undefined);
  }

  #connect(runs, from) {
    for (let at = from; at < runs.length; at += 1) {
      const run = runs[at];
      if (isOrphan(run)) {
        this.#orphans.add(parentOf(run));
      }
      for (const link of linksOf(run)) {
        const children = this.#children.get(link.id);
        if (children === undefined) {
          this.#children.set(link.id, [run.execution]);
        } else {
          children.push(run.execution);
        }
      }
    }
  }

  #draw(runs, tint) {
    const { expanded, matches, group } = this.#options;
    const children = (id) => this.childrenOf(id);
    let entries = fold(runs, { children, expanded, enabled: group && matches === null });
    if (matches !== null) {
      entries = condense(entries, matches, expanded);
    }
    const last = entries.at(-1)?.stretch;
    let settled = entries.length;
    while (settled > 0 && entries[settled - 1].stretch === last) {
      settled -= 1; // the last stretch may change with the next page
    }
    this.#settled = this.rows.length + settled;
    for (const entry of entries) {
      for (const id of entry.ids) {
        this.#place.set(id, this.rows.length);
      }
      this.rows.push(Object.assign(entry, { lit: matches === null || entry.ids.some((id) => matches.has(id)) }));
    }
    this.#measure(tint);
  }

  /** Lay out what is not laid out yet, from the last state that is kept on. */
  #measure(tint) {
    const options = { absent: this.#absent, tint, draw: false };
    for (let from = (this.#carries.length - 1) * STRIDE; from < this.rows.length; from += STRIDE) {
      const { carry } = layout(this.rows.slice(from, from + STRIDE), this.#carries.at(-1), options);
      this.#carries.push(carry);
    }
  }
}

/** Runs far from any match share a row; the shape stays, since that row keeps their lines to older runs. */
export function condense(entries, matches, expanded) {
  const lit = entries.map((entry) => entry.ids.some((id) => matches.has(id)));
  const near = entries.map((_, at) => lit.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).includes(true));
  const found = [];
  let dark = [];
  const close = () => {
    if (dark.length === 0) {
      return;
    }
    const runs = dark.flatMap((entry) => entry.runs);
    const ids = runs.map((run) => run.execution);
    const key = `folded:${ids[ids.length - 1]}`;
    if (dark.length < 3 || expanded.has(key)) {
      found.push(...dark);
    } else {
      const inside = new Set(ids);
      const links = dark.flatMap((entry) => entry.links).filter((link) => !inside.has(link.id));
      const unique = [...new Map(links.map((link) => [link.id, link])).values()];
      found.push({ key, runs, ids, links: unique.sort((a, b) => a.kind - b.kind), group: null, stretch: 0, folded: runs.length });
    }
    dark = [];
  };
  entries.forEach((entry, at) => {
    if (near[at]) {
      close();
      found.push(entry);
    } else {
      dark.push(entry);
    }
  });
  close();
  return found;
}

function startsWith(runs, known) {
  return known.every((run, at) => run === runs[at]);
}
