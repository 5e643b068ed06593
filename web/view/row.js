/** One row of the tree: lines, pictures, what changed, when and how it went. */

import { labelOf } from "../fold.js";
import { changeTone, changeWords, duration, moment, ranked, shortId, withoutSeeds } from "../words.js";
import { replayMark, replayWords } from "./again.js";
import { h, icon } from "./dom.js";
import { drawCell, ROW } from "./graph.js";

const MOST_LINES = 4;
const MOST_PICTURES = 12;
const MARKS = { error: "warn", interrupted: "stopped", cancelled: "stopped", lost: "lost", queued: "waiting", running: "waiting" };

/**
 * @param {import("../tree.js").TreeRow} row
 * @param {import("../layout.js").Cell} cell
 * @param {{t: Function, locale: string, now: Date, width: number, at: number, total: number, selected: string|null, head: string|null,
 *   picked: string|null, statusOf: (run: object) => string, picture: (sha256: string) => HTMLElement}} view
 */
export function drawRow(row, cell, view) {
  const { t, at } = view;
  const [run] = row.runs;
  const many = row.runs.length > 1;
  const isHead = view.head !== null && row.ids.includes(view.head);
  const isSelected = view.selected !== null && row.ids.includes(view.selected);
  const status = many ? "success" : view.statusOf(run);
  const element = h(
    "div",
    {
      class: `cpv-row${isSelected ? " selected" : ""}${isHead ? " head" : ""}${row.lit ? "" : " dim"}${row.group ? " member" : ""}`,
      role: "treeitem",
      id: rowId(row),
      testid: row.folded ? "provenance-fold" : "provenance-row",
      "data-execution": row.folded ? null : run.execution,
      "data-executions": many ? row.ids.join(" ") : null,
      "data-status": row.folded ? null : status,
      "data-key": row.key,
      "data-head": isHead ? "true" : null,
      "data-replay": many ? null : (run.replay?.of ?? null),
      "aria-level": 1 + cell.lane,
      "aria-selected": String(isSelected),
      "aria-posinset": at + 1,
      "aria-setsize": view.total,
      "aria-expanded": many ? "false" : row.group ? "true" : null,
      "aria-label": spoken(row, status, isHead, view),
      style: `transform:translateY(${at * ROW}px)`,
    },
    drawCell(cell, { width: view.width, head: isHead, status, count: row.runs.length, folded: Boolean(row.folded) }),
  );
  if (row.folded) {
    element.append(h("div", { class: "cpv-body-line muted" }, t("tree.folded", { count: row.folded })));
    return element;
  }
  element.append(pictures(row, status, view), words(row, run, status, isHead, view));
  return element;
}

/** The id of the element of a row, for `aria-activedescendant`. */
export function rowId(row) {
  return `cpv-row-${row.key.replace(/[^\w-]/gu, "_")}`;
}

function pictures(row, status, view) {
  const strip = row.runs.length > 1;
  const found = row.runs.flatMap((run) => (run.thumbnails ?? []).slice(0, strip ? 1 : 4).map((sha256) => ({ run, sha256 })));
  if (found.length === 0) {
    return h("div", { class: `cpv-thumbs empty ${status}`, "aria-hidden": "true" }, status in MARKS ? icon(MARKS[status]) : null);
  }
  const shown = found.slice(0, strip ? MOST_PICTURES : 4);
  const images = shown.map(({ run, sha256 }) => {
    const image = view.picture(sha256);
    const said = run.output_decisions?.find((one) => one.output === sha256)?.decision;
    const marks = strip
      ? [run.execution === view.selected && "chosen", run.execution === view.head && "here", run.decision?.decision]
      : found.length > 1 && said ? ["said", said] : [];
    return h(
      "span",
      { class: `cpv-thumb ${marks.filter(Boolean).join(" ")}`, "data-run": strip ? run.execution : null },
      image,
    );
  });
  return h("div", { class: `cpv-thumbs n${strip ? "strip" : images.length}` }, ...images);
}

function words(row, run, status, isHead, view) {
  const { t } = view;
  const many = row.runs.length > 1;
  return h(
    "div",
    { class: "cpv-words" },
    h("div", { class: "cpv-body-line" }, ...(many ? groupWords(row, view) : run.replay ? [replayMark(run, t)] : changes(run, view))),
    h(
      "div",
      { class: "cpv-foot" },
      isHead ? h("span", { class: "cpv-here", testid: "provenance-head", title: t("head.title") }, t("head.mark")) : null,
      label(many ? row.runs.find(labelOf) : run),
      many ? null : verdict(run, t),
      status === "success" ? null : h("span", { class: `cpv-status ${status}`, title: run.error?.message ?? null }, t(`status.${status}`)),
      h("time", { datetime: run.submitted_at }, moment(run.submitted_at, view.now, view.locale)),
      many || !run.duration_ms ? null : h("span", {}, duration(run.duration_ms, t)),
      many ? null : h("span", { class: "cpv-id" }, shortId(run.execution)),
      row.group
        ? h("button", { class: "cpv-link", type: "button", "data-fold": row.group, tabindex: "-1" }, t("tree.fold"))
        : null,
    ),
  );
}

function groupWords(row, { t }) {
  const open = h(
    "button",
    { class: "cpv-link", type: "button", "data-fold": row.key, tabindex: "-1", title: t("tree.unfold") },
    t("tree.group", { count: row.runs.length }),
  );
  // What the oldest changed beside the seed, all of a batch did, and a chain began with.
  const common = ranked(withoutSeeds(row.runs.at(-1).changes)).slice(0, MOST_LINES);
  return [open, ...common.flatMap((line) => [between(), piece(line, t)])];
}

function between() {
  return h("span", { class: "cpv-between" }, " · ");
}

function piece(line, t) {
  return h("span", { class: `cpv-change ${changeTone(line)}`, title: line }, changeWords(line, t));
}

/** What changed, as pieces of one line. */
function changes(run, { t }) {
  const merges = (run.merges ?? []).map((merge) =>
    h(
      "button",
      { class: `cpv-change from ${merge.basis}`, type: "button", "data-go": merge.execution, tabindex: "-1", title: t(`basis.${merge.basis}`) },
      t(merge.basis === "inferred" ? "changes.imageLike" : "changes.image", { id: shortId(merge.execution) }),
    ),
  );
  const lines = ranked(run.changes).filter((line) => merges.length === 0 || !/\[(?:output|temp)\]/u.test(line));
  const shown = lines
    .slice(0, MOST_LINES)
    .map((line) => piece(line, t));
  if (lines.length > MOST_LINES) {
    shown.push(h("span", { class: "cpv-change more" }, t("changes.more", { count: lines.length - MOST_LINES })));
  }
  if (shown.length === 0 && merges.length === 0) {
    shown.push(h("span", { class: "muted" }, t(run.parent ? (run.parent.known === false ? "changes.orphan" : "changes.none") : "changes.root")));
  }
  return [...merges, ...shown].flatMap((one, at) => (at === 0 ? [one] : [between(), one]));
}

function label(run) {
  const text = run ? labelOf(run) : null;
  return text ? h("span", { class: "cpv-label", title: text }, text) : null;
}

function verdict(run, t) {
  const said = run.decision;
  if (!said) {
    return null;
  }
  const found = [];
  if (said.decision === "keep" || said.decision === "reject") {
    found.push(h("span", { class: `cpv-verdict ${said.decision}`, title: said.reason ?? null }, t(`decision.${said.decision}.mark`)));
  }
  if (said.rating) {
    found.push(h("span", { class: "cpv-stars", "aria-label": t("decision.rated", { count: said.rating }) }, "★".repeat(said.rating)));
  }
  if (said.note) {
    found.push(h("span", { class: "cpv-note", title: said.note, "aria-label": t("decision.noted") }, "✎"));
  }
  return found;
}

function spoken(row, status, isHead, view) {
  const { t } = view;
  const [run] = row.runs;
  if (row.folded) {
    return t("tree.folded", { count: row.folded });
  }
  const said = row.runs.length > 1 ? t("tree.group", { count: row.runs.length }) : ranked(run.changes).slice(0, MOST_LINES).map((line) => changeWords(line, t)).join("; ");
  const parts = [
    isHead ? t("head.mark") : "",
    run.replay ? replayWords(run.replay, t) : "",
    labelOf(run) ?? "",
    said || t(run.parent ? "changes.none" : "changes.root"),
    t(`status.${status}`),
    moment(run.submitted_at, view.now, view.locale),
    shortId(run.execution),
  ];
  return parts.filter(Boolean).join(", ");
}
