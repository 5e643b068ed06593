/** The search field and the filters below it. Tells `onChange` what is asked, a moment after the last key. */

import { NO_FILTER } from "../state.js";
import { button, h } from "./dom.js";

const PAUSE = 220;
const STATUSES = ["success", "error", "interrupted", "cancelled", "lost", "running", "queued"];
const VERDICTS = ["kept", "rejected", "undecided"];

/**
 * @param {{t: Function, onChange: (filter: object) => void, onLeave: () => void}} options  `onLeave`: the keyboard goes back to the tree
 */
export class Find {
  #timer = 0;
  #onChange;
  #fields = {};

  constructor({ t, onChange, onLeave }) {
    this.#onChange = onChange;
    const input = h("input", {
      type: "search",
      class: "cpv-input",
      placeholder: t("find.placeholder"),
      "aria-label": t("find.placeholder"),
      "aria-keyshortcuts": "/",
      testid: "provenance-search",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.#fields.text = input;
    const select = (name, values) =>
      (this.#fields[name] = h(
        "select",
        { class: "cpv-input", "aria-label": t(`find.${name}`), testid: `provenance-filter-${name}` },
        h("option", { value: "" }, t(`find.${name}.any`)),
        ...values.map((value) => h("option", { value }, t(name === "status" ? `status.${value}` : `find.${value}`))),
      ));
    const field = (name, type) =>
      (this.#fields[name] = h("input", { class: "cpv-input", type, placeholder: t(`find.${name}`), "aria-label": t(`find.${name}`), title: t(`find.${name}`), testid: `provenance-filter-${name}` }));
    const named = (name) => h("label", { class: "cpv-field" }, h("span", {}, t(`find.${name}`)), field(name, "date"));
    this.filters = h(
      "div",
      { class: "cpv-filters", hidden: true },
      select("status", STATUSES),
      select("decision", VERDICTS),
      field("label", "text"),
      field("model", "text"),
      named("since"),
      named("until"),
    );
    this.toggle = button({
      icon: "filter",
      title: t("find.filters"),
      kind: "quiet",
      pressed: false,
      testid: "provenance-filters",
      on: () => {
        this.filters.hidden = !this.filters.hidden;
        this.toggle.setAttribute("aria-pressed", String(!this.filters.hidden));
      },
    });
    this.count = h("span", { class: "cpv-count muted", role: "status" });
    this.element = h(
      "div",
      {
        class: "cpv-find",
        role: "search",
        on: {
          input: () => this.#later(),
          change: () => this.#later(),
          keydown: (event) => {
            event.stopPropagation();
            if (event.isComposing) {
              return;
            }
            if (event.key === "Escape") {
              event.preventDefault();
              if (this.isEmpty) {
                onLeave();
              } else {
                this.clear();
              }
            } else if (event.key === "Enter" || (event.key === "ArrowDown" && event.target === input)) {
              event.preventDefault();
              this.#now();
              onLeave();
            }
          },
        },
      },
      h("div", { class: "cpv-find-row" }, input, this.count, this.toggle),
      this.filters,
    );
  }

  get isEmpty() {
    return Object.values(this.#fields).every((field) => field.value === "");
  }

  focus() {
    this.#fields.text.focus();
    this.#fields.text.select();
  }

  clear() {
    for (const field of Object.values(this.#fields)) {
      field.value = "";
    }
    this.#now();
  }

  destroy() {
    clearTimeout(this.#timer);
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#now(), PAUSE);
  }

  #now() {
    clearTimeout(this.#timer);
    const asked = Object.fromEntries(Object.entries(this.#fields).map(([name, field]) => [name, field.value.trim()]));
    this.#onChange({ ...NO_FILTER, ...asked });
  }
}
