/** The author's desk below the tree: an idea, a choice, a file from outside, a screen recording. Lives as long as the page. */

import { mediaOf, Recording } from "../recording.js";
import { messageOf } from "../api.js";
import { openBringing } from "./bringing.js";
import { openChoosing } from "./choosing.js";
import { openRecordings, Pill } from "./filming.js";
import { openIdeas } from "./ideas.js";
import { button, h } from "./dom.js";

/**
 * @typedef {{t: Function, locale: string, api: import("../api.js").Record, pictures: import("./pictures.js").Pictures,
 *   address: (path: string) => string, selected: () => string|null, toast: (severity: string, summary: string, detail?: string) => void,
 *   changed: () => void, whenLeaving: (told: {asked: () => boolean, leaving: () => void}) => void}} Parts
 */

export class Desk {
  #parts;
  #pill;
  #record;
  /** @type {Recording|null} */
  #recording;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { t, api } = parts;
    const media = mediaOf(globalThis);
    this.#pill = new Pill({ t, stop: () => void this.#stop() });
    this.#recording = media === null ? null : new Recording({ api, media, changed: (state) => this.#drawn(state) });
    this.#record = button({ icon: "film", text: t("desk.record"), title: t(media === null ? "desk.cannotRecord" : "desk.recordTitle"), kind: "small", testid: "provenance-record", disabled: media === null, on: () => void this.#toggle() });
    this.element = h(
      "div",
      { class: "cpv-root cpv-desk", role: "toolbar", "aria-label": t("desk.title"), testid: "provenance-desk" },
      button({ icon: "idea", text: t("desk.idea"), title: t("desk.ideaTitle"), kind: "small", testid: "provenance-idea", on: () => openIdeas(parts) }),
      button({ icon: "keep", text: t("desk.choose"), title: t("desk.chooseTitle"), kind: "small", testid: "provenance-choose", on: () => void this.#choose() }),
      button({ icon: "bring", text: t("desk.bring"), title: t("desk.bringTitle"), kind: "small", testid: "provenance-bring", on: () => void this.#bring() }),
      this.#record,
      button({ icon: "more", title: t("desk.recordings"), kind: "quiet", testid: "provenance-recordings", on: () => openRecordings(parts) }),
    );
    parts.whenLeaving({
      asked: () => this.#recording !== null && this.#recording.state.state !== "idle",
      leaving: () => this.#recording?.leave(), // what was answered for is kept either way
    });
  }

  async #bring() {
    await this.#told("bring.failed", async () => {
      const id = this.#parts.selected();
      openBringing(this.#parts, id === null ? null : await this.#parts.api.execution(id));
    });
  }

  async #choose() {
    await this.#told("choose.failed", () => openChoosing(this.#parts, this.#parts.selected()));
  }

  async #toggle() {
    if (this.#recording?.state.state === "idle") {
      await this.#told("film.failed", () => this.#recording?.start() ?? Promise.resolve(false));
    } else {
      await this.#stop();
    }
  }

  #stop() {
    return this.#told("film.failed", () => this.#recording?.stop() ?? Promise.resolve());
  }

  /** @param {import("../recording.js").Filming} state */
  #drawn(state) {
    const { t, toast } = this.#parts;
    this.#pill.draw(state);
    const on = state.state !== "idle" && state.state !== "asking";
    this.#record.setAttribute("aria-pressed", String(on));
    this.#record.classList.toggle("on", on);
    const words = this.#record.querySelector("span");
    if (words) {
      words.textContent = t(on ? "desk.stop" : "desk.record");
    }
    if (state.state === "idle" && state.recording !== null) {
      const told = { chunks: state.chunks, reason: t(`film.ended.${state.ended}`) };
      const asMeant = state.problem === null && (state.ended === "author" || state.ended === "source-ended");
      toast(asMeant ? "success" : "warn", t("film.ended", told), state.problem ?? "");
      this.#parts.changed();
    }
  }

  /** @param {string} summary @param {() => Promise<unknown>} act */
  async #told(summary, act) {
    try {
      await act();
    } catch (error) {
      this.#parts.toast("error", this.#parts.t(summary), messageOf(error));
    }
  }
}
