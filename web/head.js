/**
 * The head rule, as far as it can be said without a page: plain values in, plain values out.
 *
 * The head is the execution from which a canvas descends. It lives in the graph, at `extra.provenance.execution`, so that
 * saving, loading, duplicating and dropping an image carry it along with no other bookkeeping.
 */

const KEY = "provenance";

/** The head that a graph or a stored state carries, or null. */
export function headOf(graph) {
  const execution = graph?.extra?.[KEY]?.execution;
  return typeof execution === "string" && execution !== "" ? execution : null;
}

/** Write the head into a graph or a stored state. What else `extra` holds stays; shared objects are not written to. */
export function setHead(graph, execution) {
  const extra = graph.extra ?? {};
  graph.extra = { ...extra, [KEY]: { ...extra[KEY], execution } };
}

/**
 * What the runs of one queue press have in common: they all descend from the canvas as it was when the button was pressed.
 * So the canvas moves on only when the last run of the press is accepted, or the press fails.
 *
 * `pressed`, `submitting`, `accepted`, `refused` and `settled` report what happens, in that order; the last three answer
 * with the moves that are now due: `{tab, sent, execution}`, where `sent` is the head that the page sent along. A run that
 * belongs to no press that was reported counts as a press of its own.
 *
 * Presses that wait while another is being submitted are taken from the end, as the page takes them.
 *
 * @typedef {{tab: unknown, sent: string|null, execution: string}} Move
 * @typedef {{left: number, moves: Map<unknown, Move>}} Press
 */
export class Presses {
  /** @type {number[]} */
  #waiting = [];
  /** @type {Press|null} */
  #current = null;

  /** The queue button was pressed for `count` runs. */
  pressed(count) {
    this.#waiting.push(Number.isInteger(count) && count > 0 ? count : 1);
  }

  /** A run is about to be sent; the answer stands for its press in `accepted` and `refused`. */
  submitting() {
    let press = this.#current;
    if (press === null || press.left === 0) {
      press = { left: this.#waiting.pop() ?? 1, moves: new Map() };
      this.#current = press;
    }
    press.left -= 1;
    return press;
  }

  /** The host accepted a run from `tab`, which had sent the head `sent`, and named it `execution`. */
  accepted(press, tab, sent, execution) {
    press.moves.set(tab, { tab, sent: press.moves.has(tab) ? press.moves.get(tab).sent : sent, execution });
    return press.left === 0 ? take(press) : [];
  }

  /** The host refused a run: the page gives up the rest of its press. */
  refused(press) {
    press.left = 0;
    return take(press);
  }

  /** The page has nothing more to submit. */
  settled() {
    this.#waiting = [];
    const press = this.#current;
    this.#current = null;
    return press === null ? [] : take(press);
  }
}

function take(press) {
  const moves = [...press.moves.values()];
  press.moves.clear();
  return moves;
}

/**
 * Carry out one move: the canvas of `tab` now descends from `execution`.
 *
 * `canvas` is the live graph when that tab is the one on screen, else null; `stored` are the states that the page keeps for
 * the tab: the current one first, then those it compares with and those it can undo and redo to. All of them get the head,
 * so that the page sees no difference (no undo step, nothing to save) and undoing an edit does not undo a run. Where the
 * author has meanwhile put something else on the canvas, nothing is written. Answers whether the head was written.
 */
export function moveHead({ sent, execution }, canvas, stored) {
  const shown = canvas ?? stored[0];
  if (!shown || headOf(shown) !== sent) {
    return false;
  }
  for (const graph of canvas ? [canvas, ...stored] : stored) {
    setHead(graph, execution);
  }
  return true;
}
