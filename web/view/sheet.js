/** A sheet of variations: the recorded run first, then its cells, as a table where two things vary. Draws only. */

import { outcomeWords } from "./again.js";
import { openDialog } from "./dialog.js";
import { h, put } from "./dom.js";
import { shortId } from "../words.js";

/** Show a sheet that was queued before. */
export function openSheet(sheet, { t, picture, go }) {
  const grid = h("div", { class: "cpv-sheet", testid: "provenance-sheet" });
  const dialog = openDialog({
    title: t("vary.sheet", { id: shortId(sheet.of) }),
    testid: "provenance-sheet-dialog",
    closeTitle: t("close"),
    wide: true,
    content: [h("p", { class: "cpv-warning" }, t("vary.label")), grid],
  });
  drawSheet(grid, sheet, { t, picture, go: (id) => (dialog.close(), go(id)) });
}

/** Draw what `GET sheets/{id}` tells, in place of what was drawn of it before. */
export function drawSheet(grid, sheet, view) {
  const { t } = view;
  const original = sheet.original ? figure(sheet.original, [h("b", {}, t("vary.original"))], "", view, true) : null;
  put(grid, original, sheet.columns === null ? sheet.items.map((item) => figure(item, [h("b", {}, t("vary.cell", { cell: item.cell + 1 })), ...changes(item, t)], came(item, t), view)) : table(sheet, view));
}

/** Rows and columns, each headed by what its first cell differs in: the host has made sure that the others do too. */
function table({ items, columns }, view) {
  const { t } = view;
  const at = new Map(items.map((item) => [item.cell, item]));
  const shown = [...Array(columns).keys()].filter((column) => at.has(column));
  const rows = [...at.keys()].filter((cell) => cell % columns === 0);
  const cell = (item) => h("td", {}, item ? figure(item, [], came(item, t), view) : null);
  return h(
    "div",
    { class: "cpv-sheet-table" },
    h(
      "table",
      { testid: "provenance-sheet-table" },
      h("thead", {}, h("tr", {}, h("td", {}), ...shown.map((column) => h("th", { scope: "col" }, ...changes(at.get(column), t))))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, h("th", { scope: "row" }, ...changes(at.get(row), t)), ...shown.map((column) => cell(at.get(row + column)))))),
    ),
  );
}

const changes = (item, t) => (item.differs.length > 0 ? item.differs : [t("vary.unchanged")]).map((line) => h("div", {}, line));
const came = (item, t) => outcomeWords(item.replay, t) || t(`status.${item.status}`);

function figure(run, words, note, { t, picture, go }, first = false) {
  return h(
    "figure",
    { class: `cpv-cell${first ? " first" : ""}`, testid: "provenance-cell", "data-execution": run.execution },
    h("button", { type: "button", class: "cpv-picture", title: shortId(run.execution), on: { click: () => go(run.execution) } },
      run.thumbnails?.length ? picture(run.thumbnails[0]) : h("span", { class: "muted" }, t(`status.${run.status}`))),
    h("figcaption", {}, ...words, h("span", { class: "muted" }, note)),
  );
}
