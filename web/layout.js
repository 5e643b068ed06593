/**
 * Where rows and lines of the tree go. Pure: literal rows in, numbers out; the view only draws them.
 *
 * Rows stand newest on top. A lane is a column; at each border between two rows it waits for one run that is still to
 * come further down. All lines that lead to the same run share its lane from where they meet, so the number of lanes is
 * the number of runs that are waited for, not the number of branches.
 *
 * @typedef {{id: string, kind: number}} Link             a line to an older run
 * @typedef {{ids: string[], links: Link[]}} Row          `ids`: a row can stand for several runs
 * @typedef {{id: string, colour: number, kind: number}} Lane
 * @typedef {{lane: number, colour: number, kind: number}} Line   the lane at the far end
 * @typedef {{from: number, to: number, colour: number, kind: number}} Move
 * @typedef {{lane: number, colour: number, above: Line[], below: Line[], passing: Line[], moves: Move[], stub: boolean}} Cell
 * @typedef {{lanes: (Lane|null)[], at: number, next: number, width: number, seen: Map<string, number>}} Carry
 */

/** Kinds of lines, the stronger one first: where two share a lane, the stronger one shows. */
export const REVISION = 0;
export const MERGE = 1;
export const INFERRED = 2;
export const REPLAY = 3;

/** How many colours there are; a colour is a number below it. */
export const COLOURS = 8;

/** The state before the first row. @returns {Carry} */
export function start() {
  return { lanes: [], at: 0, next: 0, width: 1, seen: new Map() };
}

/** The colour that a run got, or undefined. */
export function colourOf(carry, id) {
  const known = carry.seen.get(id);
  return known === undefined ? undefined : known % COLOURS;
}

/** What is noted of a run that was laid out, in one number: its row, whether it took the next colour, its colour. */
const note = (at, took, colour) => (at * 2 + (took ? 1 : 0)) * COLOURS + colour;
const rowIn = (noted) => Math.floor(noted / (2 * COLOURS));
const tookIn = (noted) => Math.floor(noted / COLOURS) % 2 === 1;

/**
 * Lay out `rows` below what `carry` describes; with `draw` off, only work out the state below them, which costs far less.
 * Rows that were laid out before get the same cells again from the same carry.
 *
 * `absent` tells the runs that the ledger does not hold: their line ends at once, as a stub. `tint` may give the colour that
 * a run is to have, so that colours stay when rows are added on top.
 *
 * `carry.seen`, which grows, is shared; everything else that is given stays as it is.
 *
 * @param {Row[]} rows
 * @param {Carry} carry
 * @param {{absent?: (id: string) => boolean, tint?: (row: Row) => number|undefined, draw?: boolean}} [options]
 * @returns {{cells: Cell[], carry: Carry}}
 */
export function layout(rows, carry = start(), { absent = () => false, tint = () => undefined, draw = true } = {}) {
  const lanes = [...carry.lanes];
  const waiting = new Map();
  lanes.forEach((lane, place) => lane && waiting.set(lane.id, place));
  const seen = carry.seen;
  let { at, next, width } = carry;
  const cells = [];

  for (const row of rows) {
    const above = arrivals(row, lanes, waiting);
    const arrived = above.length === 0 ? null : above.reduce((best, line) => (line.kind < best.kind ? line : best));
    const lane = arrived === null ? free(lanes, 0) : arrived.lane;
    const noted = seen.get(row.ids[0]);
    let colour = noted === undefined ? tint(row) : noted % COLOURS;
    let took = noted !== undefined && tookIn(noted);
    if (colour === undefined) {
      took = arrived?.kind !== REVISION;
      colour = took || arrived === null ? next % COLOURS : arrived.colour;
    }
    next += took ? 1 : 0;
    for (const line of above) {
      lanes[line.lane] = null;
    }
    const passing = draw ? linesOf(lanes) : [];
    if (noted === undefined) {
      for (const id of row.ids) {
        seen.set(id, note(at, took, colour));
      }
    }
    const place = at;
    const ends = (id) => absent(id) || rowIn(seen.get(id)) <= place; // NaN, of a run that comes later, compares as false
    const { below, moves, stub } = descend(row, lane, colour, lanes, waiting, ends);
    width = Math.max(width, lane + 1, lanes.length);
    while (lanes.length > 0 && lanes[lanes.length - 1] == null) {
      lanes.pop();
    }
    at += 1;
    if (draw) {
      const straight = passing.filter((line) => !moves.some((move) => move.from === line.lane));
      cells.push({ lane, colour, above, below, passing: straight, moves, stub });
    }
  }
  return { cells, carry: { lanes, at, next, width, seen } };
}

/** The lines that end in a row; they are waited for no longer. @returns {Line[]} */
function arrivals(row, lanes, waiting) {
  const found = [];
  for (const id of row.ids) {
    const lane = waiting.get(id);
    if (lane !== undefined) {
      found.push({ lane, colour: lanes[lane].colour, kind: lanes[lane].kind });
      waiting.delete(id);
    }
  }
  return found.sort((a, b) => a.lane - b.lane);
}

/** @returns {Line[]} */
function linesOf(lanes) {
  const found = [];
  lanes.forEach((waiting, lane) => {
    if (waiting != null) {
      found.push({ lane, colour: waiting.colour, kind: waiting.kind });
    }
  });
  return found;
}

/** Lines from a dot to the lanes below it. Changes `lanes` and `waiting`. */
function descend(row, lane, colour, lanes, waiting, ends) {
  const below = [];
  const moves = [];
  let stub = false;
  for (const { id, kind } of row.links) {
    if (ends(id)) {
      stub ||= kind === REVISION;
      continue;
    }
    const at = waiting.get(id);
    if (at === undefined) {
      const to = lanes[lane] == null ? lane : free(lanes, lane + 1);
      lanes[to] = { id, colour, kind };
      waiting.set(id, to);
      below.push({ lane: to, colour, kind });
    } else if (kind === REVISION && lanes[lane] == null && (lanes[at].kind !== REVISION || at > lane)) {
      // The line of the branch, and of two branches the left one, goes straight on; the other one bends into it.
      moves.push({ from: at, to: lane, colour: lanes[at].colour, kind: lanes[at].kind });
      lanes[at] = null;
      lanes[lane] = { id, colour, kind };
      waiting.set(id, lane);
      below.push({ lane, colour, kind });
    } else {
      if (kind < lanes[at].kind) {
        lanes[at] = { id, colour, kind };
      }
      below.push({ lane: at, colour, kind });
    }
  }
  return { below, moves, stub };
}

function free(lanes, from) {
  for (let at = from; at < lanes.length; at += 1) {
    if (lanes[at] == null) {
      return at;
    }
  }
  return Math.max(from, lanes.length);
}

/** Lanes beyond the sixth are drawn ever closer together, so that a wide tree leaves room for words. In lane widths. */
export function column(lane) {
  const wide = 6;
  return lane <= wide ? lane : wide + 2 * (1 - 1 / (1 + (lane - wide) / 3));
}
