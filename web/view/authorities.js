/** Who is asked for time-stamps: the first question, the choice, and how it stands. Nothing is asked before the author chose. */

import { messageOf } from "../api.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";
import { chosen as take } from "./drop.js";
import { source } from "./times.js";

const MINUTES = [1, 5, 15, 60];

/** A mark in the heading that says how it stands with time-stamps, and a question until the author has answered it. */
export class TimeMark {
  #t;
  #open;
  #later = false;

  /** @param {{t: Function, open: () => void}} how `open` shows the choice */
  constructor({ t, open }) {
    this.#t = t;
    this.#open = open;
    this.element = h("button", { type: "button", class: "cpv-head cpv-time-mark", testid: "provenance-time-mark", hidden: true, on: { click: () => open() } });
    this.question = h("div", { class: "cpv-notices", testid: "provenance-time-question" });
  }

  /** @param {import("../record.js").Status|null} status */
  draw(status) {
    const { anchoring, time } = status ?? {};
    this.element.hidden = !anchoring || !time;
    const asks = Boolean(anchoring) && !anchoring.chosen && !this.#later && time.anchors === 0;
    if ((this.question.childElementCount > 0) !== asks) {
      put(this.question, ...(asks ? [this.#ask()] : []));
    }
    if (this.element.hidden) {
      return;
    }
    const state = stateOf(anchoring, time);
    const words = this.#t(`time.mark.${state}`, { count: time.unanchored });
    if (this.element.textContent !== words) {
      this.element.dataset.state = state;
      put(this.element, words);
      this.element.title = this.#t(`time.mark.${state}.long`, { count: time.unanchored });
    }
  }

  #ask() {
    const t = this.#t;
    const later = () => {
      this.#later = true;
      put(this.question);
    };
    return h(
      "div",
      { class: "cpv-notice info", role: "status" },
      h("span", {}, t("time.question")),
      button({ text: t("time.choose"), kind: "small", testid: "provenance-time-choose", on: () => this.#open() }),
      button({ text: t("time.later"), kind: "small", testid: "provenance-time-later", on: later }),
    );
  }
}

/** One word for how it stands: `off`, `failing`, `waiting` or `done`. */
export function stateOf(anchoring, time) {
  if (!anchoring.authorities.length) {
    return time.anchors > 0 && time.unanchored === 0 ? "done" : "off";
  }
  if (time.unanchored === 0) {
    return "done";
  }
  return anchoring.authorities.every((one) => one.state === "failing") ? "failing" : "waiting";
}

/**
 * Show the choice.
 * @param {{api: import("../api.js").Record, t: Function, locale: string, done: () => void}} how `done`: something was changed
 */
export async function chooseAuthorities({ api, t, locale, done }) {
  const content = h("div", { class: "cpv-times", testid: "provenance-times" }, h("p", { class: "muted" }, t("loading")));
  const dialog = openDialog({ title: t("time.title"), testid: "provenance-time-dialog", closeTitle: t("close"), content: [content] });
  const view = { api, t, locale, done, close: () => dialog.close() };
  try {
    const [times, { settings }] = await Promise.all([api.times(), api.settings()]);
    put(content, ...form(view, times, settings));
  } catch (error) {
    put(content, h("p", { class: "cpv-warning", role: "alert" }, messageOf(error)));
  }
}

function form(view, times, settings) {
  const { api, t, done, close } = view;
  const chosen = settings.authorities ?? [];
  const rows = h("div", { class: "cpv-authorities" });
  for (const one of [...times.known, ...chosen.filter((own) => !times.known.some((known) => known.url === own.url))]) {
    rows.append(row(one, chosen.some((had) => had.url === one.url), times));
  }
  const problem = h("p", { class: "cpv-warning", role: "alert", hidden: true });
  const told = (error) => {
    problem.hidden = false;
    problem.textContent = messageOf(error);
  };
  const minutes = h(
    "select",
    { class: "cpv-input", "aria-label": t("time.interval"), testid: "provenance-time-minutes" },
    ...[...new Set([...MINUTES, settings.anchor_minutes])].sort((a, b) => a - b).map((count) => h("option", { value: String(count), selected: count === settings.anchor_minutes }, t("time.minutes", { count }))),
  );
  const save = async (authorities) => {
    try {
      await api.changeSettings({ authorities, anchor_minutes: Number(minutes.value) });
      done();
      close();
    } catch (error) {
      told(error);
    }
  };
  const picked = () => [...rows.querySelectorAll("input:checked")].map((input) => ({ name: input.dataset.name, url: input.value }));
  const standing = h("div", {});
  const show = (now) => put(standing, ...status(view, now));
  show(times);
  const act = async (what) => {
    problem.hidden = true;
    try {
      await what();
      show(await api.times());
      done();
    } catch (error) {
      told(error);
    }
  };
  return [
    h("p", {}, t("time.explained")),
    h("p", {}, t("time.leaves")),
    rows,
    own(t, rows, times, told),
    h("label", { class: "cpv-choice" }, t("time.interval"), minutes),
    problem,
    h(
      "div",
      { class: "cpv-modes" },
      button({ text: t("time.use"), kind: "primary", testid: "provenance-time-use", on: () => (picked().length > 0 ? save(picked()) : told(new Error(t("time.pickOne")))) }),
      button({ text: t("time.nobody"), testid: "provenance-time-nobody", on: () => save([]) }),
    ),
    h("section", {}, h("h3", {}, t("time.standing")), standing, button({ text: t("time.now"), kind: "small", testid: "provenance-time-now", disabled: chosen.length === 0, on: () => act(() => api.anchorNow()) })),
    elsewhere(view, act),
  ];
}

function row({ name, url }, checked, times) {
  const stands = times.authorities.find((one) => one.url === url);
  return h(
    "label",
    { class: "cpv-choice" },
    h("input", { type: "checkbox", value: url, "data-name": name, checked }),
    h("span", {}, h("b", {}, name), h("span", { class: "muted" }, ` ${url}`), stands?.problem ? h("span", { class: "cpv-warning" }, ` ${stands.problem}`) : null),
  );
}

/** A field for an authority that is not listed. */
function own(t, rows, times, told) {
  const name = h("input", { class: "cpv-input", placeholder: t("time.own.name"), "aria-label": t("time.own.name"), maxlength: "100" });
  const url = h("input", { class: "cpv-input", type: "url", placeholder: "https://…", "aria-label": t("time.own.url"), maxlength: "500", testid: "provenance-time-url" });
  const add = () => {
    if (!/^https?:\/\/\S+$/u.test(url.value.trim())) {
      told(new Error(t("time.own.bad")));
      return;
    }
    rows.append(row({ name: name.value.trim() || new URL(url.value.trim()).hostname, url: url.value.trim() }, true, times));
    name.value = url.value = "";
  };
  const keys = { keydown: (event) => event.key === "Enter" && (event.preventDefault(), add()) };
  url.addEventListener("keydown", keys.keydown);
  return h("div", { class: "cpv-own" }, name, url, button({ text: t("time.own.add"), kind: "small", testid: "provenance-time-add", on: add }));
}

function status({ t, locale }, times) {
  const counts = t(times.unanchored > 0 ? "time.counts" : "time.counts.all", { anchors: times.anchors, covered: times.covered, rest: times.unanchored });
  const newest = times.newest.slice(0, 5).map((one) =>
    h("li", {}, `${new Date(one.gen_time).toLocaleString(locale, { hour12: false })} · ${t("time.covers", { count: one.size })} · `, h("span", { class: "muted" }, source({ ...one, trust: one.trust ?? "invalid" }, t))),
  );
  const roots = times.problem ?? (times.roots === 0 && times.anchors > 0 ? t("time.noRoots") : null);
  return [h("p", { testid: "provenance-time-counts" }, counts), newest.length > 0 ? h("ul", { class: "cpv-lines" }, ...newest) : null, roots ? h("p", { class: "muted" }, roots) : null];
}

/** For authorities that take a file: the checkpoint to give them, and the token that comes back. */
function elsewhere({ api, t }, act) {
  const file = h("input", { type: "file", hidden: true, testid: "provenance-time-token", on: { change: () => take(file, (found) => void act(async () => api.bringToken(await encoded(found)))) } });
  const print = h("code", { testid: "provenance-fingerprint" });
  const fetch_ = async () => {
    const found = await api.checkpoint();
    print.textContent = found.fingerprint;
    const link = h("a", { href: URL.createObjectURL(new Blob([found.note], { type: "text/plain" })), download: `checkpoint-${found.checkpoint.size}.txt` });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return h(
    "section",
    {},
    h("h3", {}, t("time.elsewhere")),
    h("p", { class: "muted" }, t("time.elsewhere.long")),
    h("div", { class: "cpv-modes" }, button({ text: t("time.checkpoint"), kind: "small", testid: "provenance-checkpoint", on: () => act(fetch_) }), button({ text: t("time.bring"), kind: "small", on: () => file.click() }), file),
    print,
  );
}

/** A file's bytes in base64. @param {File} file */
async function encoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}
