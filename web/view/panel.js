/** The tab: status, search, tree, inspector; what keys do. Draws the state of the store, and tells it what the author does. */

import { isParcel } from "../again.js";
import { parentOf } from "../fold.js";
import { find, NO_FILTER, statusOf, toggled } from "../state.js";
import { Tree } from "../tree.js";
import { chooseAuthorities, TimeMark } from "./authorities.js";
import { bar, TAB_ACTIONS } from "./bar.js";
import { h } from "./dom.js";
import { chosen, takeFiles } from "./drop.js";
import { Find } from "./find.js";
import { Heading } from "./heading.js";
import { Inspector } from "./inspector.js";
import { List } from "./list.js";
import { Press } from "./press.js";
import { Split } from "./split.js";

const HEAD_EVERY_MS = 400;

/**
 * @typedef {{t: Function, locale: string, store: import("../store.js").Store, api: import("../api.js").Record,
 *   actions: import("../actions.js").Actions, again: import("../again.js").Again, pictures: import("./pictures.js").Pictures, head: () => string|null,
 *   group: () => boolean}} Parts
 */
export class Panel {
  #parts;
  #tree = new Tree();
  #picking = null;
  #timer;
  #unsubscribe;
  /** @type {AbortController|null} */
  #reaching = null;
  #cursor = null;
  #find;
  #heading;
  #time;
  #inspector;
  #split;
  #press = new Press();

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { t, store, api, actions, again, pictures } = parts;
    this.#find = new Find({ t, onChange: (filter) => void store.filter(filter), onLeave: () => this.list.element.focus() });
    this.list = new List({
      label: t("tree.title"),
      picture: pictures.small,
      on: {
        pick: (id) => this.#pick(id),
        open: (id) => void actions.reload(id),
        fold: (key) => store.apply((now) => toggled(now, key)),
        go: (id) => void this.go(id),
      },
      nearEnd: () => void store.older(),
    });
    const file = h("input", { type: "file", hidden: true, testid: "provenance-identify", on: { change: () => chosen(file, (found) => this.#identify(found)) } });
    const tools = { t, api, store, actions, again, go: (id) => void this.go(id), chooseFile: () => file.click() };
    this.#inspector = new Inspector({
      api,
      tools,
      still: () => new Promise((go) => this.#press.after(() => go(undefined))),
      view: { t, locale: parts.locale, picture: pictures.small, full: pictures.full, usedBy: (id) => this.#usedBy(id), openSheet: (id) => void again.sheet(id, tools.go), takeBack: () => void actions.decide(this.#selected, { decision: "clear" }) },
      on: {
        go: (id) => void this.go(id),
        close: () => this.#select(null),
        reload: () => void actions.reload(this.#selected),
        compare: () => this.#startPick("compare"),
        pickAgainst: () => this.#startPick("against"),
        decide: (verdict, output) => void (output ? actions.decide(this.#selected, { decision: verdict, output }) : this.#decide(verdict)),
        rate: (rating) => void actions.decide(this.#selected, { decision: "rate", rating }),
        say: (what, text) => void this.#say(what, text),
        enlarge: (run, output) => actions.enlarge(output),
        focusTree: () => this.list.element.focus(),
      },
    });
    this.#build(file, bar(TAB_ACTIONS, { t, tools, most: 4 }));
    this.#press.watch(this.element);
    const draw = () => this.#draw();
    this.#unsubscribe = store.subscribe(() => this.#press.after(draw));
    this.#timer = setInterval(() => this.#readHead(), HEAD_EVERY_MS);
    this.#readHead();
    this.#draw();
    void store.start();
  }

  destroy() {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#press.destroy();
    this.#reaching?.abort();
    this.list.destroy();
    this.#inspector.destroy();
    this.#find.destroy();
    this.element.remove();
    void this.#parts.store.filter(NO_FILTER);
  }

  /** Select a run and bring it into sight, reading older pages until it is there. */
  async go(id) {
    const { store } = this.#parts;
    this.#reaching?.abort();
    const reaching = new AbortController();
    this.#reaching = reaching;
    this.#select(id);
    if (!this.list.reveal(id, { centre: true })) {
      await store.reach(id, reaching.signal);
      this.#draw();
      if (!reaching.signal.aborted) {
        this.list.reveal(id, { centre: true });
      }
    }
  }

  get #selected() {
    return this.#parts.store.state.selected;
  }

  #build(file, offered) {
    const { t, actions, store } = this.#parts;
    this.#heading = new Heading({
      t,
      on: {
        pause: () => void actions.recording(store.state.status?.state === "paused" ? "recording" : "paused"),
        head: () => store.state.head && void this.go(store.state.head),
        again: () => void store.start(),
        stopPick: () => this.#stopPick(),
        frame: (on) => actions.frame(on),
        forgetFrames: () => actions.forgetFrames(),
        openDraft: () => void actions.openDraft(),
        forgetDraft: () => actions.forgetDraft(),
      },
    });
    const { status, pause, canvasHead, notices, empty } = this.#heading;
    const { api, locale } = this.#parts;
    this.#time = new TimeMark({ t, open: () => void chooseAuthorities({ api, t, locale, done: () => void store.refresh() }) });
    this.#inspector.element.hidden = true;
    const body = h("div", { class: "cpv-body" }, h("div", { class: "cpv-tree-box" }, this.list.element, empty));
    this.#split = new Split({ label: t("split"), body });
    body.append(this.#split.element, this.#inspector.element);
    this.element = h(
      "div",
      {
        class: "cpv-root cpv-panel",
        testid: "provenance-tab",
        lang: this.#parts.locale,
        on: { keydown: (event) => this.#key(event) },
      },
      h("header", { class: "cpv-top" }, status, canvasHead, this.#time.element, h("span", { class: "cpv-space" }), ...offered, pause, file),
      this.#find.element,
      body,
      this.#time.question,
      notices, // below, so that the tree does not move under the hand
      h("div", { class: "cpv-drop", "aria-hidden": "true" }, t("identify.drop")),
    );
    takeFiles(this.element, (found) => this.#identify(found));
  }

  #readHead() {
    const head = this.#parts.head();
    this.#parts.store.apply((now) => (now.head === head ? now : { ...now, head }));
  }

  #draw() {
    const { t, locale, store, group } = this.#parts;
    const { state } = store;
    this.#tree.update(state.runs, { expanded: state.expanded, matches: state.matches?.ids ?? null, group: group() });
    const now = new Date();
    this.list.update(this.#tree, {
      t,
      locale,
      now,
      day: now.toDateString(),
      language: locale,
      selected: state.selected,
      head: state.head,
      statusOf: (run) => statusOf(state, run),
    });
    this.list.element.hidden = !this.#heading.draw(state, this.#picking);
    this.#time.draw(state.status);
    const { ids = null, asked = true, more = false } = state.matches ?? {};
    this.#find.count.textContent = ids === null || asked ? "" : t("find.count", { count: `${ids.size}${more ? "+" : ""}` });
    this.element.setAttribute("aria-busy", String(state.loading));
    const shown = state.selected !== null;
    this.#inspector.element.hidden = this.#split.element.hidden = !shown;
    void this.#inspector.show(state.selected, find(state, state.selected), state.revision);
  }

  #select(id) {
    this.#parts.store.apply((now) => (now.selected === id ? now : { ...now, selected: id }));
    this.#draw();
    if (id !== null) {
      this.list.reveal(id);
    }
  }

  #pick(id) {
    if (this.#picking === null) {
      this.#select(id);
      return;
    }
    const what = this.#picking;
    const selected = this.#selected;
    this.#stopPick();
    if (id === selected || selected === null) {
      return;
    }
    if (what === "compare") {
      void this.#parts.actions.compare(selected, id, (run) => void this.go(run));
    } else {
      void this.#inspector.against(id);
    }
  }

  /** Runs that the tree holds which took a picture of this one. */
  #usedBy(id) {
    const { state } = this.#parts.store;
    return this.#tree.childrenOf(id).flatMap((child) => {
      const merge = find(state, child)?.merges?.find((one) => one.execution === id);
      return merge === undefined ? [] : [{ execution: child, basis: merge.basis }];
    });
  }

  #startPick(what) {
    this.#picking = what;
    this.element.classList.add("picking");
    this.#draw();
    this.list.element.focus();
  }

  #stopPick() {
    this.#picking = null;
    this.#cursor = null;
    this.element.classList.remove("picking");
    this.#draw();
  }

  async #decide(verdict) {
    const { store, actions } = this.#parts;
    const id = this.#selected;
    const again = find(store.state, id)?.decision?.decision === verdict;
    if (!again && (await actions.decide(id, { decision: verdict })) && this.#selected === id) {
      await store.refresh();
      this.#draw();
    }
    if (this.#selected === id) {
      this.#inspector.ask(verdict);
    }
  }

  async #say(what, text) {
    const { actions } = this.#parts;
    const id = this.#selected;
    if (what === "label") {
      await actions.label(id, text);
    } else {
      await actions.decide(id, { decision: what, reason: text });
    }
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const onControl = event.target.closest("button, summary, [role=separator]");
    const handled = typing ? false : this.#handle(event.key, Boolean(onControl));
    if (handled) {
      event.preventDefault();
    }
    if (handled || typing || (onControl && (event.key === "Enter" || event.key === " "))) {
      event.stopPropagation(); // the page has shortcuts of its own on these keys
    }
  }

  #handle(key, onControl) {
    const { actions, store } = this.#parts;
    const selected = this.#selected;
    if (key === "/") {
      this.#find.focus();
      return true;
    }
    if (key === "Escape") {
      if (this.#picking !== null) {
        this.#stopPick();
      } else if (!this.#find.isEmpty) {
        this.#find.clear();
      } else if (selected !== null) {
        this.#select(null);
        this.list.element.focus();
      } else {
        return false;
      }
      return true;
    }
    if (!onControl && this.#move(key)) {
      return true;
    }
    if (selected === null) {
      return false;
    }
    /** @type {{[key: string]: () => unknown}} */
    const keys = {
      k: () => this.#decide("keep"),
      r: () => this.#decide("reject"),
      n: () => this.#inspector.ask("note"),
      l: () => this.#inspector.ask("label"),
      c: () => this.#startPick("compare"),
      ...Object.fromEntries([1, 2, 3, 4, 5].map((rating) => [String(rating), () => actions.decide(selected, { decision: "rate", rating })])),
    };
    if (!onControl) {
      keys.Enter = () => (this.#picking === null ? actions.reload(selected) : this.#pick(this.#cursor ?? selected));
      keys[" "] = () => {
        const row = this.#tree.rows[this.#tree.placeOf(selected)];
        const fold = row && (row.runs.length > 1 ? row.key : row.group);
        if (fold) {
          store.apply((now) => toggled(now, fold));
        }
      };
    }
    const act = keys[key.length === 1 ? key.toLowerCase() : key];
    if (act === undefined) {
      return false;
    }
    void act();
    return true;
  }

  /** Keys that move along the tree. */
  #move(key) {
    const { rows } = this.#tree;
    if (rows.length === 0) {
      return false;
    }
    const from = this.#picking !== null && this.#cursor !== null ? this.#cursor : this.#selected;
    const at = from === null ? -1 : this.#tree.placeOf(from);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: this.list.pageRows, PageUp: -this.list.pageRows };
    let to = null;
    if (key in steps) {
      to = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + steps[key]))].ids[0];
    } else if (key === "Home") {
      to = rows[0].ids[0];
    } else if (key === "End") {
      to = rows[rows.length - 1].ids[0];
    } else if (key === "ArrowLeft" || key === "ArrowRight") {
      return this.#across(key, from, rows[at]);
    }
    if (to === null) {
      return false;
    }
    this.#moveTo(to);
    return true;
  }

  /** Left to the parent, or fold; right to the newest child, or unfold. */
  #across(key, from, row) {
    if (row === undefined) {
      return false;
    }
    const { store } = this.#parts;
    const right = key === "ArrowRight";
    const fold = right ? (row.runs.length > 1 || row.folded ? row.key : null) : row.group;
    if (fold) {
      store.apply((now) => toggled(now, fold));
      return true;
    }
    const run = find(store.state, from);
    const to = right ? this.#tree.childrenOf(from)[0] : run && parentOf(run);
    if (to && this.#tree.placeOf(to) >= 0) {
      this.#moveTo(to);
    }
    return true;
  }

  #moveTo(id) {
    if (this.#picking !== null) {
      this.#cursor = id;
      this.list.point(id);
    } else {
      this.#select(id);
    }
  }

  #identify(file) {
    if (isParcel(file)) {
      void this.#parts.again.open(file);
      return;
    }
    void this.#parts.actions.identify(file, (id) => this.go(id));
  }
}
