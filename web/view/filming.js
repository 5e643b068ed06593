/** What shows that the screen is being recorded, wherever the author looks; and the recordings there are. */

import { messageOf, Record } from "../api.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";

const EVERY_MS = 500;

/** A red dot with the time, over everything, while a recording is on. */
export class Pill {
  #t;
  /** @type {import("../recording.js").Filming|null} */
  #state = null;
  #timer = 0;

  /** @param {{t: Function, stop: () => void}} parts */
  constructor({ t, stop }) {
    this.#t = t;
    this.words = h("span", { role: "status", "aria-live": "off" });
    this.element = h("div", { class: "cpv-root cpv-film", testid: "provenance-filming" }, h("i", { class: "cpv-lamp", "aria-hidden": "true" }), this.words, button({ text: t("desk.stop"), kind: "small", testid: "provenance-film-stop", on: stop }));
  }

  /** @param {import("../recording.js").Filming} state */
  draw(state) {
    this.#state = state;
    const on = state.state === "recording" || state.state === "stopping";
    if (on && !this.element.isConnected) {
      document.body.append(this.element);
      this.#timer = Number(setInterval(() => this.#write(), EVERY_MS));
    } else if (!on && this.element.isConnected) {
      clearInterval(this.#timer);
      this.element.remove();
    }
    this.#write();
  }

  #write() {
    const state = this.#state;
    if (state === null || state.since === null) {
      return;
    }
    const t = this.#t;
    const seconds = Math.floor((Date.now() - state.since) / 1000);
    const time = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    const key = state.problem !== null ? "film.trouble" : state.state === "stopping" ? "film.stopping" : "film.on";
    this.words.textContent = t(key, { time, size: mebibytes(state.bytes), chunks: state.chunks, reason: state.problem ?? "" });
    this.element.classList.toggle("trouble", state.problem !== null);
  }
}

/** The recordings that there are, newest first, each with its way to the file. @param {import("./desk.js").Parts} parts */
export function openRecordings({ t, locale, api, address }) {
  const list = h("div", { class: "cpv-lines" }, h("p", {}, t("loading")));
  openDialog({ title: t("desk.recordings"), testid: "provenance-recordings-dialog", closeTitle: t("close"), content: [h("p", { class: "muted" }, t("film.explain")), list] });
  api
    .recordings()
    .then(({ items }) => {
      put(list, ...(items.length === 0 ? [h("p", {}, t("film.none"))] : items.reverse().map((item) => line(item, { t, locale, address }))));
    })
    .catch((error) => put(list, h("p", { class: "cpv-warning", role: "alert" }, messageOf(error))));
}

function line(item, { t, locale, address }) {
  const when = new Date(item.started_at).toLocaleString(locale, { hour12: false });
  const told = [t("film.chunks", { count: item.chunks }), mebibytes(item.size), t(`film.ended.${item.reason ?? "open"}`)].join(" · ");
  const href = address(Record.recordingPath(item.recording));
  return h(
    "div",
    { class: "cpv-item", "data-recording": item.recording },
    h("b", {}, when),
    item.note ? h("p", {}, item.note) : null,
    h("div", { class: "muted" }, told),
    item.chunks > 0 ? h("a", { class: "cpv-link", href, target: "_blank", rel: "noopener", download: `${item.recording.slice(0, 8)}.webm` }, t("film.file")) : null,
    item.sha256 ? h("code", { title: item.sha256 }, ` sha256 ${item.sha256.slice(0, 16)}…`) : null,
  );
}

function mebibytes(bytes) {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
