/** The tab: status, search, tree, inspector; what keys do. Draws the state of the store, and tells it what the author does. */

import { parentOf } from "../fold.js";
import { find, NO_FILTER, statusOf, toggled } from "../state.js";
import { Tree } from "../tree.js";
import { shortId } from "../words.js";
import { button, h, put } from "./dom.js";
import { Find } from "./find.js";
import { Inspector } from "./inspector.js";
import { List } from "./list.js";

const HEAD_EVERY_MS = 400;
const SPLIT = "comfy-provenance.split";

/**
 * @typedef {{t: Function, locale: string, store: import("../store.js").Store, api: import("../api.js").Record,
 *   actions: import("../actions.js").Actions, pictures: import("./pictures.js").Pictures, head: () => string|null,
 *   group: () => boolean}} Parts
 */
export class Panel {
  #parts;
  #tree = new Tree();
  #picking = null;
  #timer;
  #unsubscribe;
  #reaching = null;
  #cursor = null;
  #find;
  #inspector;
  #status;
  #pause;
  #canvasHead;
  #notice;
  #empty;
  #split;
  #body;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { t, store, api, actions, pictures } = parts;
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
    this.#inspector = new Inspector({
      api,
      view: { t, locale: parts.locale, picture: pictures.small, full: pictures.full, usedBy: (id) => this.#usedBy(id) },
      on: {
        go: (id) => void this.go(id),
        close: () => this.#select(null),
        reload: () => void actions.reload(this.#selected),
        compare: () => this.#startPick("compare"),
        pickAgainst: () => this.#startPick("against"),
        decide: (verdict) => void this.#decide(verdict),
        rate: (rating) => void this.#rate(rating),
        say: (what, text) => void this.#say(what, text),
        apply: () => this.#apply(),
        download: () => void actions.download(this.#selected),
        copy: () => void actions.copyId(this.#selected),
        enlarge: (run, output) => actions.enlarge(output),
        focusTree: () => this.list.element.focus(),
        loaded: () => {},
      },
    });
    this.#build();
    this.#unsubscribe = store.subscribe(() => this.#draw());
    this.#timer = setInterval(() => this.#readHead(), HEAD_EVERY_MS);
    this.#readHead();
    this.#draw();
    void store.start();
  }

  destroy() {
    clearInterval(this.#timer);
    this.#unsubscribe();
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

  #build() {
    const { t, actions } = this.#parts;
    this.#status = h("span", { class: "cpv-state", role: "status", testid: "provenance-status" });
    this.#pause = button({ icon: "pause", title: t("recording.pause"), kind: "quiet", testid: "provenance-pause", on: () => void actions.recording(this.#parts.store.state.status?.state === "paused" ? "recording" : "paused") });
    const file = h("input", { type: "file", hidden: true, testid: "provenance-identify", on: { change: () => this.#identify(file) } });
    this.#canvasHead = h("button", { type: "button", class: "cpv-head", testid: "provenance-canvas-head", on: { click: () => this.#parts.store.state.head && void this.go(this.#parts.store.state.head) } });
    this.#notice = h("div", { class: "cpv-notices" });
    this.#empty = h("div", { class: "cpv-empty", hidden: true });
    this.#split = h("div", {
      class: "cpv-split",
      role: "separator",
      tabindex: "0",
      "aria-orientation": "horizontal",
      "aria-label": t("split"),
      hidden: true,
      on: { pointerdown: (event) => this.#drag(event), keydown: (event) => this.#resizeBy(event) },
    });
    this.#inspector.element.hidden = true;
    this.#body = h("div", { class: "cpv-body" }, h("div", { class: "cpv-tree-box" }, this.list.element, this.#empty), this.#split, this.#inspector.element);
    this.element = h(
      "div",
      {
        class: "cpv-root cpv-panel",
        testid: "provenance-tab",
        lang: this.#parts.locale,
        on: {
          keydown: (event) => this.#key(event),
          dragenter: (event) => this.#dragged(event, true),
          dragover: (event) => this.#dragged(event, true),
          dragleave: (event) => !this.element.contains(event.relatedTarget) && this.#dragged(event, false),
          drop: (event) => this.#dropped(event),
        },
      },
      h(
        "header",
        { class: "cpv-top" },
        this.#status,
        this.#canvasHead,
        h("span", { class: "cpv-space" }),
        button({ icon: "image", title: t("identify.button"), kind: "quiet", on: () => file.click() }),
        this.#pause,
        file,
      ),
      this.#find.element,
      this.#notice,
      this.#body,
      h("div", { class: "cpv-drop", "aria-hidden": "true" }, t("identify.drop")),
    );
    try {
      this.#setSplit(Number(localStorage.getItem(SPLIT)) || 45);
    } catch (error) {
      console.info(`[Provenance] ${error.message}`);
      this.#setSplit(45);
    }
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
    this.#drawStatus(state);
    this.#drawNotices(state);
    this.#drawEmpty(state);
    this.#find.count.textContent = state.matches === null ? "" : t("find.count", { count: state.matches.ids.size + (state.matches.more ? "+" : "") });
    this.element.setAttribute("aria-busy", String(state.loading));
    const shown = state.selected !== null;
    this.#inspector.element.hidden = this.#split.hidden = !shown;
    void this.#inspector.show(state.selected, find(state, state.selected));
  }

  #drawStatus(state) {
    const { t } = this.#parts;
    const told = state.status?.state ?? "starting";
    if (this.#status.dataset.state !== told || this.#status.title !== (state.status?.reason ?? "")) {
      this.#status.dataset.state = told;
      this.#status.title = state.status?.reason ?? "";
      put(this.#status, h("i", { class: "cpv-light", "aria-hidden": "true" }), t(`state.${told}`));
      const paused = told === "paused";
      const other = button({ icon: paused ? "play" : "pause", title: t(paused ? "recording.resume" : "recording.pause") });
      put(this.#pause, ...other.childNodes);
      this.#pause.title = other.title;
      this.#pause.setAttribute("aria-label", other.title);
      this.#pause.disabled = !["recording", "paused"].includes(told);
    }
    const mark = state.head === null ? t("head.none") : shortId(state.head);
    if (this.#canvasHead.dataset.head !== String(state.head)) {
      this.#canvasHead.dataset.head = String(state.head);
      put(this.#canvasHead, h("span", { class: "muted" }, t("head.canvas")), " ", mark);
      this.#canvasHead.title = t(state.head === null ? "head.noneTitle" : "head.go");
      this.#canvasHead.disabled = state.head === null;
    }
  }

  #drawNotices(state) {
    const { t, actions } = this.#parts;
    const lines = [];
    if (["broken", "paused", "off", "offline"].includes(state.status?.state)) {
      lines.push([state.status.state, `${t(`state.${state.status.state}.long`)} ${state.status.reason ?? ""}`.trim(), []]);
    }
    if (state.error !== null) {
      lines.push(["broken", t("error.read", { reason: state.error }), [[t("error.again"), () => void this.#parts.store.start()]]]);
    }
    if (this.#picking !== null) {
      lines.push(["pick", t(`pick.${this.#picking}`), [[t("cancel"), () => this.#stopPick()]]]);
    }
    if (state.frames !== null) {
      const { on, count } = state.frames;
      lines.push(["info", t("frames.note", { count }), [[t(on ? "frames.hide" : "frames.show"), () => actions.frame(!on)], [t("close"), () => actions.forgetFrames()]]]);
    }
    const content = JSON.stringify(lines);
    if (this.#notice.dataset.content === content) {
      return;
    }
    this.#notice.dataset.content = content;
    put(
      this.#notice,
      ...lines.map(([kind, text, offers]) =>
        h("div", { class: `cpv-notice ${kind}`, role: kind === "broken" ? "alert" : "status" }, h("span", {}, text), ...offers.map(([words, act]) => button({ text: words, kind: "small", on: act }))),
      ),
    );
  }

  #drawEmpty(state) {
    const { t } = this.#parts;
    const nothing = state.runs.length === 0;
    const noMatch = state.matches !== null && !state.matches.more && state.matches.ids.size === 0;
    const key = nothing ? (state.loading ? "loading" : state.error === null ? "empty" : "") : noMatch ? "find.nothing" : "";
    this.#empty.hidden = key === "";
    this.list.element.hidden = nothing || noMatch;
    if (this.#empty.dataset.key !== key) {
      this.#empty.dataset.key = key;
      put(this.#empty, ...(key === "empty" ? [h("b", {}, t("empty.title")), h("p", {}, t("empty.text"))] : key === "" ? [] : [h("p", {}, t(key))]));
    }
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

  async #rate(rating) {
    await this.#parts.actions.decide(this.#selected, { decision: "rate", rating });
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

  #apply() {
    const run = find(this.#parts.store.state, this.#selected) ?? this.#inspector.details;
    const parent = run ? parentOf(run) : null;
    if (parent !== null) {
      void this.#parts.actions.apply(this.#selected, parent);
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
    const keys = {
      k: () => this.#decide("keep"),
      r: () => this.#decide("reject"),
      n: () => this.#inspector.ask("note"),
      l: () => this.#inspector.ask("label"),
      c: () => this.#startPick("compare"),
      ...Object.fromEntries([1, 2, 3, 4, 5].map((rating) => [String(rating), () => this.#rate(rating)])),
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
      to = rows.at(-1).ids[0];
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

  #dragged(event, over) {
    if (event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
      event.stopPropagation();
      this.element.classList.toggle("dropping", over);
    }
  }

  #dropped(event) {
    const [file] = event.dataTransfer?.files ?? [];
    if (file) {
      event.preventDefault();
      event.stopPropagation();
      this.element.classList.remove("dropping");
      void this.#parts.actions.identify(file, (id) => this.go(id));
    }
  }

  #identify(input) {
    const [file] = input.files;
    input.value = "";
    if (file) {
      void this.#parts.actions.identify(file, (id) => this.go(id));
    }
  }

  #drag(event) {
    event.preventDefault();
    this.#split.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const box = this.#body.getBoundingClientRect();
      this.#setSplit(((moved.clientY - box.top) / box.height) * 100);
    };
    this.#split.addEventListener("pointermove", move);
    this.#split.addEventListener("lostpointercapture", () => this.#split.removeEventListener("pointermove", move), { once: true });
  }

  #resizeBy(event) {
    const step = { ArrowUp: -4, ArrowDown: 4 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      this.#setSplit(Number(this.#split.getAttribute("aria-valuenow")) + step);
    }
  }

  #setSplit(percent) {
    const kept = Math.round(Math.max(15, Math.min(85, percent)));
    this.#body.style.setProperty("--tree", `${kept}%`);
    this.#split.setAttribute("aria-valuenow", String(kept));
    try {
      localStorage.setItem(SPLIT, String(kept));
    } catch (error) {
      console.info(`[Provenance] ${error.message}`);
    }
  }
}
