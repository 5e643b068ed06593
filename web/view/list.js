/**
 * The tree on screen: only the rows in sight are elements, and a row whose content stays keeps its element. Knows rows and
 * cells; what a key or a click means is told to `on`.
 */

import { h } from "./dom.js";
import { graphWidth, ROW } from "./graph.js";
import { drawRow, rowId } from "./row.js";

const MARGIN_ROWS = 6;

export class List {
  /** @type {import("../tree.js").Tree|null} */
  #tree = null;
  /** @type {any} what rows need to be drawn, see `drawRow`; null until something is shown */
  #view = null;
  #shown = new Map();
  #serials = new WeakMap();
  #serial = 0;
  #frame = 0;
  #pictures;
  #nearEnd;
  /** @type {string|null} */
  #active = null;
  #height = 0;
  #resize;

  /**
   * @param {{label: string, picture: (sha256: string) => HTMLElement, on: {pick: Function, open: Function, fold: Function, go: Function},
   *   nearEnd: () => void}} options
   */
  constructor({ label, picture, on, nearEnd }) {
    this.#pictures = picture;
    this.#nearEnd = nearEnd;
    this.canvas = h("div", { class: "cpv-canvas", role: "presentation" });
    this.element = h(
      "div",
      {
        class: "cpv-tree",
        role: "tree",
        tabindex: "0",
        "aria-label": label,
        on: {
          scroll: () => this.#schedule(),
          click: (event) => this.#click(event, on),
          dblclick: (event) => {
            const row = this.#rowOf(event.target);
            if (row && !row.folded && !event.target.closest("button")) {
              on.open(runOf(event.target, row));
            }
          },
        },
      },
      this.canvas,
    );
    this.#resize = new ResizeObserver(() => {
      this.#keepInSight();
      this.#schedule();
    });
    this.#resize.observe(this.element);
  }

  destroy() {
    this.#resize.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** Show what the tree holds now. `view` is what rows need to be drawn, see `drawRow`. Rows in sight stay in sight. */
  update(tree, view) {
    const anchor = this.#anchor();
    this.#tree = tree;
    this.#view = { ...view, picture: this.#pictures, width: graphWidth(tree.width), total: tree.rows.length };
    this.canvas.style.height = `${tree.rows.length * ROW}px`;
    if (anchor !== null) {
      const place = tree.placeOf(anchor.id);
      const top = place * ROW + anchor.offset;
      if (place >= 0 && Math.abs(top - this.element.scrollTop) > 1) {
        this.element.scrollTop = top;
      }
    }
    this.draw();
  }

  /** Bring the row of a run into sight; answers false when the tree does not show it. */
  reveal(id, { centre = false } = {}) {
    const place = this.#tree?.placeOf(id) ?? -1;
    if (place < 0) {
      return false;
    }
    const { clientHeight: height, scrollTop: top } = this.element;
    const at = place * ROW;
    if (centre) {
      this.element.scrollTop = at - height / 2 + ROW / 2;
    } else if (at < top) {
      this.element.scrollTop = at;
    } else if (at + ROW > top + height) {
      this.element.scrollTop = at + ROW - height;
    }
    this.draw();
    return true;
  }

  /** Show where the keyboard is without selecting. */
  point(id) {
    this.reveal(id);
    for (const { element } of this.#shown.values()) {
      element.classList.toggle("pointed", id !== null && element.dataset.execution === id);
    }
  }

  /** Rows that fit on the screen. */
  get pageRows() {
    return Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
  }

  #anchor() {
    const { scrollTop: top } = this.element;
    if (this.#tree === null || top < ROW) {
      return null;
    }
    const row = this.#tree.rows[Math.floor(top / ROW)];
    return row === undefined ? null : { id: row.ids[0], offset: top % ROW };
  }

  /** When the tree gets lower, the selected row stays in sight if it was. */
  #keepInSight() {
    const { clientHeight: height, scrollTop: top } = this.element;
    const place = this.#view?.selected == null ? -1 : (this.#tree?.placeOf(this.#view.selected) ?? -1);
    const end = (place + 1) * ROW;
    if (place >= 0 && end > top + height && end <= top + this.#height) {
      this.element.scrollTop = end - height;
    }
    this.#height = height;
  }

  #schedule() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.draw();
      });
    }
  }

  draw() {
    const tree = this.#tree;
    if (tree === null) {
      return;
    }
    const { clientHeight: height, scrollTop: top } = this.element;
    const from = Math.max(0, Math.floor(top / ROW) - MARGIN_ROWS);
    const to = Math.min(tree.rows.length, Math.ceil((top + height) / ROW) + MARGIN_ROWS);
    const cells = tree.cells(from, to);
    const gone = new Set(this.#shown.keys());
    for (let at = from; at < to; at += 1) {
      const row = tree.rows[at];
      const cell = cells[at - from];
      gone.delete(row.key);
      this.#show(row, cell, at);
    }
    for (const key of gone) {
      this.#shown.get(key).element.remove();
      this.#shown.delete(key);
    }
    this.#mark(tree);
    if (to >= tree.rows.length - 2 * MARGIN_ROWS) {
      this.#nearEnd();
    }
  }

  #show(row, cell, at) {
    const content = this.#content(row, cell);
    const shown = this.#shown.get(row.key);
    if (shown?.content === content) {
      if (shown.at !== at) {
        shown.at = at;
        shown.element.style.transform = `translateY(${at * ROW}px)`;
        shown.element.setAttribute("aria-posinset", String(at + 1));
      }
      shown.element.setAttribute("aria-setsize", String(this.#view.total));
      return;
    }
    const element = drawRow(row, cell, { ...this.#view, at });
    if (shown) {
      shown.element.replaceWith(element);
    } else {
      this.canvas.append(element);
    }
    this.#shown.set(row.key, { element, content, at });
  }

  /** All that a row shows, in one text: a row is drawn again only when it differs. */
  #content(row, cell) {
    const view = this.#view;
    const mine = (id) => (id !== null && row.ids.includes(id) ? id : "");
    const runs = row.runs.map((run) => `${this.#serialOf(run)}${view.statusOf(run)}`);
    return [runs, JSON.stringify(cell), row.lit, row.group, row.folded, view.width, mine(view.selected), mine(view.head), view.day, view.language].join("|");
  }

  #serialOf(run) {
    let serial = this.#serials.get(run);
    if (serial === undefined) {
      serial = this.#serial += 1;
      this.#serials.set(run, serial);
    }
    return serial;
  }

  #mark(tree) {
    const place = this.#view.selected === null ? -1 : tree.placeOf(this.#view.selected);
    const id = place < 0 ? null : rowId(tree.rows[place]);
    if (id !== this.#active) {
      this.#active = id;
      if (id === null) {
        this.element.removeAttribute("aria-activedescendant");
      } else {
        this.element.setAttribute("aria-activedescendant", id);
      }
    }
  }

  #rowOf(target) {
    const element = target.closest?.(".cpv-row");
    if (!element) {
      return null;
    }
    return this.#tree?.rows.find((row) => row.key === element.dataset.key) ?? null;
  }

  #click(event, on) {
    const row = this.#rowOf(event.target);
    if (row === null) {
      return;
    }
    const fold = event.target.closest("[data-fold]");
    const go = event.target.closest("[data-go]");
    this.element.focus({ preventScroll: true });
    if (fold) {
      on.fold(fold.dataset.fold);
    } else if (go) {
      on.go(go.dataset.go);
    } else if (row.folded) {
      on.fold(row.key);
    } else {
      on.pick(runOf(event.target, row));
    }
  }
}

/** In a strip of pictures, the run whose picture was hit. */
function runOf(target, row) {
  return target.closest("[data-run]")?.dataset.run ?? row.ids[0];
}
