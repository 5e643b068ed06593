/** A window over the page, closed by Escape, its button or a click beside it. */

import { button, h } from "./dom.js";

/**
 * @param {{title: string, testid: string, closeTitle: string, wide?: boolean, content: Node[], actions?: Node[], onClose?: () => void}} options
 */
export function openDialog({ title, testid, closeTitle, wide = false, content, actions = [], onClose = () => {} }) {
  const heading = `cpv-dialog-${testid}`;
  const element = h(
    "dialog",
    {
      class: `cpv-root cpv-dialog${wide ? " wide" : ""}`,
      testid,
      "aria-labelledby": heading,
      on: {
        close: () => {
          element.remove();
          onClose();
        },
        click: (event) => event.target === element && element.close(),
        keydown: (event) => event.stopPropagation(),
      },
    },
    h(
      "div",
      { class: "cpv-dialog-box" },
      h(
        "header",
        {},
        h("h2", { id: heading }, title),
        button({ icon: "close", title: closeTitle, kind: "quiet", on: () => element.close() }),
      ),
      h("div", { class: "cpv-dialog-content" }, ...content),
      actions.length > 0 ? h("footer", {}, ...actions) : null,
    ),
  );
  document.body.append(element);
  element.showModal();
  return element;
}
