/** The bar between tree and inspector: dragged, or moved with the arrow keys; its place is kept in the browser. */

import { messageOf } from "../api.js";
import { h } from "./dom.js";

const KEPT_AS = "comfy-provenance.split";
const AT_FIRST = 45;

export class Split {
  #body;

  /** @param {{label: string, body: HTMLElement}} parts `body` gets the tree's share as the property `--tree` */
  constructor({ label, body }) {
    this.#body = body;
    this.element = h("div", {
      class: "cpv-split",
      role: "separator",
      tabindex: "0",
      "aria-orientation": "horizontal",
      "aria-label": label,
      hidden: true,
      on: { pointerdown: (event) => this.#drag(event), keydown: (event) => this.#resizeBy(event) },
    });
    this.#set(kept());
  }

  #drag(event) {
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const box = this.#body.getBoundingClientRect();
      this.#set(((moved.clientY - box.top) / box.height) * 100);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("lostpointercapture", () => this.element.removeEventListener("pointermove", move), { once: true });
  }

  #resizeBy(event) {
    const step = { ArrowUp: -4, ArrowDown: 4 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      this.#set(Number(this.element.getAttribute("aria-valuenow")) + step);
    }
  }

  #set(percent) {
    const share = Math.round(Math.max(15, Math.min(85, percent)));
    this.#body.style.setProperty("--tree", `${share}%`);
    this.element.setAttribute("aria-valuenow", String(share));
    keep(share);
  }
}

function kept() {
  try {
    return Number(localStorage.getItem(KEPT_AS)) || AT_FIRST;
  } catch (error) {
    console.info(`[Provenance] ${messageOf(error)}`);
    return AT_FIRST;
  }
}

function keep(share) {
  try {
    localStorage.setItem(KEPT_AS, String(share));
  } catch (error) {
    console.info(`[Provenance] ${messageOf(error)}`);
  }
}
