/** Everything about the selected run, and what can be done with it. Reads what it shows itself; actions are told to `on`. */

import { isAbort, Refusal } from "../api.js";
import { labelOf } from "../fold.js";
import { moment, shortId } from "../words.js";
import { bar, RUN_ACTIONS } from "./bar.js";
import { button, h, put } from "./dom.js";
import { outputs } from "./outputs.js";
import { PARTS } from "./parts.js";
import * as sections from "./sections.js";

/** @typedef {Partial<import("../fold.js").Run> & {execution: string}} Known what is known of a run before it is read in full */

export class Inspector {
  #api;
  #view;
  #on;
  #tools;
  #still;
  /** @type {Known|null} */
  #run = null;
  /** @type {import("../record.js").Execution|null} */
  #shown = null;
  /** @type {string|undefined} */
  #against = undefined;
  /** @type {AbortController|null} */
  #abort = null;
  #memory = new Map();
  #content = ""; // what is drawn, so that the same is not drawn again
  #revision = 0;

  /**
   * @param {{api: import("../api.js").Record, view: object, tools: object, still: () => Promise<void>, on: object}} options
   *   `tools`: what actions get, see `bar.js`; `still`: settles when nothing is pressed; `view`: `t`, `locale`, `picture(sha256)`, `full(output)`, `usedBy(id)`; `on`: what each action does
   */
  constructor({ api, view, tools, still, on }) {
    this.#api = api;
    this.#still = still;
    this.#tools = tools;
    this.#view = view;
    this.#on = on;
    this.element = h("section", {
      class: "cpv-inspector",
      testid: "provenance-inspector",
      "aria-label": view.t("inspector.title"),
      on: { click: (event) => this.#click(event) },
    });
  }

  destroy() {
    this.#abort?.abort();
  }

  /**
   * Show a run: `run` as the tree knows it, or null with an id of one that the tree does not hold. A shown run is read again
   * when the tree knows more of it, or with another `revision`: what is recorded may be about any run.
   */
  async show(id, run, revision = 0) {
    if (id === null) {
      this.#abort?.abort();
      this.#run = this.#shown = null;
      this.element.replaceChildren();
      return;
    }
    const renewed = this.#run?.execution === id;
    const known = run ?? (renewed ? this.#run : null) ?? { execution: id };
    const same = renewed && known === this.#run;
    if (same && revision === this.#revision) {
      return;
    }
    this.#revision = revision;
    if (!renewed) {
      this.#against = undefined;
      this.element.scrollTop = 0;
      this.#shown = null;
    }
    this.#run = known;
    if (!same) {
      this.#head();
    }
    await this.#load(id, renewed);
  }

  /** Compare with another run than the parent; null is the parent again. */
  async against(id) {
    this.#against = id ?? undefined;
    if (this.#run) {
      await this.#load(this.#run.execution, true);
    }
  }

  /** Open the field for a word of the author's: `note`, `label`, or the reason of `keep` or `reject`. */
  ask(what) {
    const field = this.element.querySelector(".cpv-ask");
    if (!field) {
      return;
    }
    const { t } = this.#view;
    const label = what === "label";
    const input = h(label ? "input" : "textarea", {
      class: "cpv-input",
      rows: label ? null : "2",
      maxlength: label ? "200" : "10000",
      placeholder: t(`ask.${what}`),
      "aria-label": t(`ask.${what}`),
      testid: `provenance-ask-${what}`,
    });
    if (label) {
      input.value = labelOf(this.#run) ?? "";
    } else if (what === "note") {
      input.value = this.#run?.decision?.note ?? "";
    }
    const close = () => {
      field.replaceChildren();
      this.#on.focusTree();
    };
    const send = () => {
      close();
      if (label || input.value.trim() !== "") {
        this.#on.say(what, input.value.trim());
      }
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) {
        return;
      }
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        send();
      } else if (event.key === "Escape") {
        event.preventDefault();
        close();
      }
    });
    put(field, input, h("div", { class: "cpv-ask-row" }, h("span", { class: "muted" }, t("ask.hint")), button({ text: t("ask.sign"), kind: "primary small", on: send })));
    input.focus();
    input.select();
  }

  #click(event) {
    const go = event.target.closest("[data-go]");
    if (go) {
      this.#on.go(go.dataset.go);
    }
  }

  #head() {
    const { t } = this.#view;
    const run = this.#run;
    if (run === null) {
      return;
    }
    /** @type {Partial<NonNullable<Known["decision"]>>} */
    const said = run.decision ?? {};
    const had = this.element.querySelector(".cpv-ask")?.firstChild;
    const header = h(
      "header",
      { class: "cpv-inspector-head" },
      h(
        "div",
        { class: "cpv-title" },
        h("h3", {}, labelOf(run) ?? t("inspector.run", { id: shortId(run.execution) })),
        h("span", { class: "muted" }, run.submitted_at ? moment(run.submitted_at, new Date(), this.#view.locale) : ""),
        ...bar(RUN_ACTIONS, { t, tools: this.#tools, most: 3, run: () => this.#shown ?? this.#run }),
        button({ icon: "close", title: t("inspector.close"), kind: "quiet", on: () => this.#on.close() }),
      ),
      h(
        "div",
        { class: "cpv-actions", role: "toolbar", "aria-label": t("actions.title") },
        button({ icon: "reload", text: t("actions.reload"), kind: "primary", key: "Enter", testid: "provenance-reload", on: () => this.#on.reload() }),
        button({ icon: "compare", title: t("actions.compare"), key: "C", testid: "provenance-compare", on: () => this.#on.compare() }),
        h("span", { class: "cpv-break" }),
        button({ icon: "keep", title: t("actions.keep"), key: "K", kind: "keep", pressed: said.decision === "keep", testid: "provenance-decision-keep", on: () => this.#on.decide("keep") }),
        button({ icon: "reject", title: t("actions.reject"), key: "R", kind: "reject", pressed: said.decision === "reject", testid: "provenance-decision-reject", on: () => this.#on.decide("reject") }),
        stars(said.rating ?? 0, t, (rating) => this.#on.rate(rating)),
        button({ icon: "note", title: t("actions.note"), key: "N", testid: "provenance-note", on: () => this.ask("note") }),
        button({ icon: "label", title: t("actions.label"), key: "L", testid: "provenance-label", on: () => this.ask("label") }),
      ),
      h("div", { class: "cpv-ask" }, had && this.element.dataset.run === run.execution ? [...this.element.querySelector(".cpv-ask").childNodes] : []),
    );
    const before = this.element.querySelector(".cpv-inspector-head");
    const active = /** @type {HTMLElement|null} */ (document.activeElement);
    const focused = before?.contains(active) ? active : null;
    const typing = focused?.matches("input, textarea") ? focused : null;
    const testid = typing ? null : focused?.dataset.testid;
    if (before && this.element.dataset.run === run.execution) {
      before.replaceWith(header);
    } else {
      put(this.element, header, h("div", { class: "cpv-details" }, this.#quick(run)));
    }
    this.element.dataset.run = run.execution;
    (typing ?? (testid ? header.querySelector(`[data-testid="${testid}"]`) : null))?.focus();
  }

  /** What the tree knows already, so that the place of the pictures does not jump. */
  #quick(run) {
    const pictures = (run.thumbnails ?? []).map((sha256) => h("figure", {}, h("span", { class: "cpv-picture" }, this.#view.picture(sha256))));
    const loading = h("p", { class: "muted cpv-loading" }, this.#view.t("loading"));
    return [h("div", { class: "cpv-glance" }, h("div", {}, h("div", { class: `cpv-pictures${pictures.length > 1 ? " many" : ""}` }, ...pictures)), h("div", {}, loading))];
  }

  async #load(id, renewed) {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    try {
      const shown = await this.#api.execution(id, signal);
      const origin = shown.replay?.known ? shown.replay.of : shown.parent?.known ? shown.parent.execution : null;
      const other = this.#against ?? origin;
      const [diff, ...read] = await Promise.all([
        other ? this.#api.diff(other, shown.execution, signal).catch(forgiven) : null,
        ...PARTS.map((part) => part.read?.(this.#api, shown, signal)?.catch(forgiven) ?? null),
      ]);
      await this.#still();
      if (signal.aborted || this.#run?.execution !== id) {
        return;
      }
      const content = JSON.stringify([shown, diff, read, other, this.#run, this.#view.usedBy(shown.execution)]);
      if (this.#shown === null || content !== this.#content) {
        this.#content = content;
        this.#shown = shown;
        this.#draw({ shown, diff, read, other });
      }
    } catch (error) {
      if (!isAbort(error)) {
        this.#fail(error, renewed);
      }
    }
  }

  #fail(error, renewed) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    const place = this.element.querySelector(".cpv-details");
    if (!renewed && place) {
      put(place, h("p", { class: "cpv-warning", role: "alert" }, this.#view.t("inspector.failed", { reason: error.message })));
    }
  }

  #draw({ shown, diff, read, other }) {
    const view = this.#view;
    const { t } = view;
    const told = { shown, diff: diff instanceof Refusal ? null : diff, merges: this.#run?.merges ?? shown.merges ?? [], view };
    const parts = (glance) =>
      PARTS.map((part, at) => {
        const { key, open, note } = part;
        const wanted = Boolean(part.glance) === glance;
        return wanted ? sections.part(t(`part.${key}`), part.content(told, read[at]), { key, memory: this.#memory, open, note: note?.(told) }) : null;
      });
    const scroll = this.element.scrollTop;
    put(
      this.element.querySelector(".cpv-details"),
      h(
        "div",
        { class: "cpv-glance" },
        h("div", {}, this.#pictures(shown)),
        h("div", {}, sections.failure(shown, t), this.#comparison(shown, diff, other), ...parts(true)),
      ),
      ...parts(false),
    );
    this.element.scrollTop = scroll;
  }

  #comparison(shown, diff, other) {
    const { t } = this.#view;
    if (diff instanceof Refusal) {
      return h("p", { class: "cpv-warning" }, t("diff.failed", { reason: diff.message }));
    }
    const pick = h("button", { type: "button", class: "cpv-link", on: { click: () => this.#on.pickAgainst() } }, t("diff.pick"));
    if (!other) {
      return h("p", { class: "cpv-against muted" }, t(shown.parent ? "diff.orphan" : "diff.root"), " · ", pick);
    }
    const chosen = this.#against !== undefined;
    return h(
      "p",
      { class: "cpv-against muted" },
      t(chosen ? "diff.against" : shown.replay ? "diff.original" : "diff.parent"),
      " ",
      sections.runLink(other),
      " · ",
      chosen && (shown.parent || shown.replay) ? h("button", { type: "button", class: "cpv-link", on: { click: () => this.against(null) } }, t("diff.back")) : pick,
    );
  }

  #pictures(shown) {
    const { t, full } = this.#view;
    const run = this.#run;
    return outputs({
      outputs: shown.outputs,
      thumbnails: shown.thumbnails ?? run?.thumbnails ?? [],
      said: run?.output_decisions ?? [],
      t,
      full,
      enlarge: (output) => this.#on.enlarge(shown, output),
      decide: (verdict, output) => this.#on.decide(verdict, output),
    });
  }
}

function stars(rating, t, rate) {
  return h(
    "span",
    { class: "cpv-rating", role: "group", "aria-label": t("actions.rate") },
    ...[1, 2, 3, 4, 5].map((count) =>
      h(
        "button",
        { type: "button", class: count <= rating ? "on" : "", title: `${t("decision.rated", { count })} (${count})`, "aria-label": t("decision.rated", { count }), "aria-pressed": String(count === rating), testid: `provenance-rate-${count}`, on: { click: () => rate(count) } },
        count <= rating ? "★" : "☆",
      ),
    ),
  );
}

/** A part that cannot be read is told in its place; the others are shown. */
function forgiven(error) {
  if (error instanceof Refusal) {
    return error;
  }
  throw error;
}
