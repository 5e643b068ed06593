/**
 * What the author presses is not taken away from under the hand: a press that ends on another element than it began on is no
 * click. While something is held down that takes a click, what would be drawn anew waits for the end of the press.
 */

const TAKES_CLICKS = "button, summary, label, a, [data-go], [data-fold], .cpv-row";

export class Press {
  #held = false;
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #watching = new AbortController();

  /** Watch presses in an element. @param {HTMLElement} element */
  watch(element) {
    const options = { capture: true, signal: this.#watching.signal };
    const over = () => {
      this.#held = false;
      setTimeout(() => this.#draw()); // first what the click does
    };
    element.addEventListener("pointerdown", ({ target }) => (this.#held = target instanceof Element && target.closest(TAKES_CLICKS) !== null), options);
    element.addEventListener("click", over, options);
    addEventListener("pointerup", () => setTimeout(over), options); // the click, if there is one, comes before that
    addEventListener("pointercancel", over, options);
    addEventListener("blur", over, { signal: options.signal }); // of the window, not of what is in it
  }

  /** Do this at once, or when nothing is pressed any more. @param {() => void} draw */
  after(draw) {
    if (this.#held) {
      this.#waiting.add(draw);
    } else {
      draw();
    }
  }

  /** Nothing that waits is done any more. */
  destroy() {
    this.#watching.abort();
    this.#waiting.clear();
  }

  #draw() {
    const waiting = this.#held ? [] : [...this.#waiting];
    for (const draw of waiting) {
      this.#waiting.delete(draw);
      draw();
    }
  }
}
