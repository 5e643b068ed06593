/** What stands above the tree: whether runs are recorded, what the canvas descends from, notices; and what stands in its place. */

import { shortId } from "../words.js";
import { button, h, put } from "./dom.js";

/**
 * Draws state; `on` is told what the author asks for: `pause(state)`, `head()`, `again()`, `stopPick()`, `frame(on)`,
 * `forgetFrames()`, `openDraft()`, `forgetDraft()`.
 */
export class Heading {
  #t;
  #on;

  constructor({ t, on }) {
    this.#t = t;
    this.#on = on;
    this.status = h("span", { class: "cpv-state", role: "status", testid: "provenance-status" });
    this.pause = button({ icon: "pause", title: t("recording.pause"), kind: "quiet", testid: "provenance-pause", on: () => on.pause() });
    this.canvasHead = h("button", { type: "button", class: "cpv-head", testid: "provenance-canvas-head", on: { click: () => on.head() } });
    this.notices = h("div", { class: "cpv-notices" });
    this.empty = h("div", { class: "cpv-empty", hidden: true });
  }

  /** Draw the state of the store; `picking` says for what a second run is being picked, or null. */
  draw(state, picking) {
    this.#drawStatus(state);
    this.#drawHead(state);
    this.#drawNotices(state, picking);
    return this.#drawEmpty(state);
  }

  #drawStatus(state) {
    const t = this.#t;
    const told = state.status?.state ?? "starting";
    const reason = state.status?.reason ?? "";
    if (this.status.dataset.state === told && this.status.title === reason) {
      return;
    }
    this.status.dataset.state = told;
    this.status.title = reason;
    put(this.status, h("i", { class: "cpv-light", "aria-hidden": "true" }), t(`state.${told}`));
    const paused = told === "paused";
    const other = button({ icon: paused ? "play" : "pause", title: t(paused ? "recording.resume" : "recording.pause") });
    put(this.pause, ...other.childNodes);
    this.pause.title = other.title;
    this.pause.setAttribute("aria-label", other.title);
    this.pause.disabled = !["recording", "paused"].includes(told);
  }

  #drawHead(state) {
    const t = this.#t;
    if (this.canvasHead.dataset.head === String(state.head)) {
      return;
    }
    this.canvasHead.dataset.head = String(state.head);
    const mark = state.head === null ? t("head.none") : shortId(state.head);
    put(this.canvasHead, h("span", { class: "muted" }, t("head.canvas")), mark);
    this.canvasHead.title = t(state.head === null ? "head.noneTitle" : "head.go");
    this.canvasHead.disabled = state.head === null;
  }

  #drawNotices(state, picking) {
    const t = this.#t;
    const lines = [];
    const told = state.status?.state;
    const again = [[t("error.again"), () => this.#on.again()]];
    if (["broken", "paused", "off", "offline"].includes(told)) {
      lines.push([told, `${t(`state.${told}.long`)} ${state.status.reason ?? ""}`.trim(), told === "offline" ? again : []]);
    }
    if (state.error !== null && told !== "offline" && state.runs.length > 0) {
      lines.push(["broken", t("error.read", { reason: state.error }), again]);
    }
    if (picking !== null) {
      lines.push(["pick", t(`pick.${picking}`), [[t("cancel"), () => this.#on.stopPick()]]]);
    }
    if (state.draft) {
      lines.push(["info", t("reload.draft"), [[t("reload.openDraft"), () => this.#on.openDraft()], [t("close"), () => this.#on.forgetDraft()]]]);
    }
    if (state.frames !== null) {
      const { on, count } = state.frames;
      lines.push(["info", t("frames.note", { count }), [[t(on ? "frames.hide" : "frames.show"), () => this.#on.frame(!on)], [t("close"), () => this.#on.forgetFrames()]]]);
    }
    const content = JSON.stringify(lines);
    if (this.notices.dataset.content === content) {
      return;
    }
    this.notices.dataset.content = content;
    put(
      this.notices,
      ...lines.map(([kind, text, offers]) =>
        h("div", { class: `cpv-notice ${kind}`, role: kind === "broken" ? "alert" : "status" }, h("span", {}, text), ...offers.map(([words, act]) => button({ text: words, kind: "small", on: act }))),
      ),
    );
  }

  /** Answers whether the tree has something to show. */
  #drawEmpty(state) {
    const t = this.#t;
    const nothing = state.runs.length === 0;
    const noMatch = state.matches !== null && !state.matches.asked && !state.matches.more && state.matches.ids.size === 0;
    const key = nothing ? (state.loading ? "loading" : state.error === null ? "empty" : "error.read") : noMatch ? "find.nothing" : "";
    const reason = state.error ?? "";
    this.empty.hidden = key === "";
    if (this.empty.dataset.key !== key + reason) {
      this.empty.dataset.key = key + reason;
      const content = {
        "": [],
        empty: [h("b", {}, t("empty.title")), h("p", {}, t("empty.text"))],
        "error.read": [h("p", { role: "alert" }, t(key, { reason })), button({ text: t("error.again"), on: () => this.#on.again() })],
      };
      put(this.empty, ...(content[key] ?? [h("p", {}, t(key))]));
    }
    return !nothing && !noMatch;
  }
}
