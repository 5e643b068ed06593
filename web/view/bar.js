/**
 * Buttons in a row, and a menu for those that have no room. A feature adds an action in one line: to `TAB_ACTIONS` what is
 * about the record as a whole, to `RUN_ACTIONS` what is about the selected run; its words go under its key in both languages.
 *
 * @typedef {{id: string, icon: string, words: string, act: (tools: object, run?: object) => void, able?: (run: object) => boolean}} Action
 *   `words`: key of the text; `tools`: `t`, `api`, `store`, `actions`, `again`, `go(id)`, `chooseFile()`; `able`: whether it can be done
 */

import { isOrphan, parentOf } from "../fold.js";
import { openDossier } from "./dossier.js";
import { button, h } from "./dom.js";

/** @type {Action[]} */
export const TAB_ACTIONS = [{ id: "whence", icon: "image", words: "identify.button", act: ({ chooseFile }) => chooseFile() }];

/** @type {Action[]} */
export const RUN_ACTIONS = [
  {
    id: "apply",
    icon: "apply",
    words: "actions.apply",
    able: (run) => parentOf(run) !== null && !isOrphan(run),
    act: ({ actions }, run) => actions.apply(run.execution, parentOf(run)),
  },
  { id: "replay-run", icon: "replay", words: "actions.replay", act: ({ again, go }, run) => again.replay(run.execution, go) },
  { id: "vary-run", icon: "grid", words: "actions.vary", act: ({ again, go }, run) => again.vary(run.execution, go) },
  { id: "parcel-run", icon: "parcel", words: "actions.parcel", act: ({ again }, run) => again.parcel(run.execution) },
  { id: "dossier-run", icon: "dossier", words: "actions.dossier", act: ({ t, api }, run) => openDossier(run, { t, api }) },
  { id: "download", icon: "download", words: "actions.download", act: ({ actions }, run) => actions.download(run.execution) },
  { id: "copy", icon: "copy", words: "actions.copy", act: ({ actions }, run) => actions.copyId(run.execution) },
];

/**
 * The actions as buttons, those beyond `most` in a menu. `run` answers with the run they are about.
 * @param {Action[]} offered
 * @param {{t: Function, tools: object, most: number, run?: () => object|null}} how
 * @returns {HTMLElement[]}
 */
export function bar(offered, { t, tools, most, run = () => null }) {
  const room = offered.length > most ? most - 1 : offered.length;
  const made = (one, more) => {
    const about = run();
    const disabled = about !== null && one.able !== undefined && !one.able(about);
    return button({ icon: one.icon, kind: "quiet", testid: `provenance-${one.id}`, disabled, ...more });
  };
  const buttons = offered.slice(0, room).map((one) => made(one, { title: t(one.words), on: () => one.act(tools, run() ?? undefined) }));
  const rest = offered.slice(room);
  return rest.length === 0 ? buttons : [...buttons, menu(rest, { t, tools, run, made })];
}

function menu(offered, { t, tools, run, made }) {
  const items = offered.map((one) => {
    const item = made(one, { text: t(one.words), on: () => (close(), one.act(tools, run() ?? undefined)) });
    item.setAttribute("role", "menuitem");
    return item;
  });
  const list = h("div", { class: "cpv-menu", role: "menu", "aria-label": t("more"), hidden: true }, ...items);
  const opener = button({ icon: "more", title: t("more"), kind: "quiet", testid: "provenance-more", on: () => (list.hidden ? open() : close()) });
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");

  function open() {
    list.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    items.find((item) => !item.disabled)?.focus();
  }
  function close() {
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    opener.focus();
  }
  const keys = { ArrowDown: 1, ArrowUp: -1 };
  return h(
    "span",
    {
      class: "cpv-more",
      on: {
        keydown(event) {
          if (list.hidden) {
            return;
          }
          if (event.key === "Escape") {
            close();
          } else if (event.key in keys) {
            const able = items.filter((item) => !item.disabled);
            able.at((able.indexOf(document.activeElement) + keys[event.key]) % able.length)?.focus();
          } else {
            return;
          }
          event.preventDefault();
          event.stopPropagation();
        },
        focusout(event) {
          if (!event.currentTarget.contains(event.relatedTarget)) {
            list.hidden = true;
            opener.setAttribute("aria-expanded", "false");
          }
        },
      },
    },
    opener,
    list,
  );
}
