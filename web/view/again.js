/** What is shown of runs that repeat an earlier one: a mark in the tree, the outcome in full. Draws only. */

import { shortId } from "../words.js";
import { h } from "./dom.js";

/** In a few words: what it repeats, and how it came out. */
export function replayWords(replay, t) {
  const cell = replay.sheet ? t("again.cell", { cell: replay.sheet.cell + 1, cells: replay.sheet.cells }) : "";
  return [t("again.mark", { id: shortId(replay.of) }), cell, outcomeWords(replay, t)].filter(Boolean).join(" · ");
}

/** The same for a row, whose line leads to what it repeats. */
function rowWords(replay, t) {
  const cell = replay.sheet ? `${replay.sheet.cell + 1}/${replay.sheet.cells}` : "";
  return [t("again.short"), cell, outcomeWords(replay, t)].filter(Boolean).join(" · ");
}

/** How a replay came out; empty while that is not known. The cells of a sheet share caches, which goes without saying. */
export function outcomeWords(replay, t, cached = replay.sheet === null) {
  if (replay.outcome === null || replay.outcome === undefined) {
    return replay.known ? "" : t("again.elsewhere");
  }
  return t(`again.outcome.${replay.outcome}`) + (cached && replay.fresh === false ? t("again.cached") : "");
}

/** The mark of a row. */
export function replayMark(run, t) {
  const { replay } = run;
  if (!replay) {
    return null;
  }
  return h("span", { class: `cpv-replay ${tone(replay.outcome)}`, testid: "provenance-replay-mark", title: replayWords(replay, t) }, rowWords(replay, t));
}

function tone(outcome) {
  return { "same-bytes": "good", "same-content": "good", different: "bad", incomplete: "bad" }[outcome] ?? "";
}

/**
 * The part of the inspector about replays: what this run repeats and how it compares, and what repeats it.
 * @returns {HTMLElement|null}
 */
export function replayPart(shown, t, { openSheet }) {
  const own = shown.replay ? outcome(shown.replay, t, openSheet) : null;
  const others = (shown.replays ?? []).filter((one) => one.sheet === null);
  const sheets = new Map((shown.replays ?? []).filter((one) => one.sheet !== null).map((one) => [one.sheet.id, one.sheet]));
  if (own === null && others.length === 0 && sheets.size === 0) {
    return null;
  }
  return h(
    "div",
    { class: "cpv-again" },
    own,
    ...others.map((one) =>
      h("div", { class: "cpv-item" }, t("again.by"), " ", runLink(one.execution), " ", h("span", { class: `cpv-replay ${tone(one.outcome)}` }, outcomeWords(one, t) || t("again.pending")))),
    ...[...sheets.values()].map((sheet) =>
      h("div", { class: "cpv-item" }, sheetLink(sheet, t, openSheet))),
  );
}

function sheetLink(sheet, t, openSheet) {
  return h("button", { type: "button", class: "cpv-link", testid: "provenance-open-sheet", on: { click: () => openSheet(sheet.id) } }, t("again.sheet", { count: sheet.cells }));
}

/** How a replay compares, with what may explain it. */
export function outcome(replay, t, openSheet = () => {}) {
  const lines = [
    h("p", { class: "cpv-warning" }, t("again.label"), " ", runLink(replay.of)),
    replay.sheet ? h("p", {}, sheetLink(replay.sheet, t, openSheet)) : null,
    h("p", { class: `cpv-outcome ${tone(replay.outcome)}`, testid: "provenance-outcome", "data-outcome": replay.outcome }, outcomeWords(replay, t, true) || t("again.pending")),
  ];
  const items = [
    ...(replay.outputs ?? []).map((pair) => [`#${pair.node} ${pair.key} ${pair.ordinal}`, pairWords(pair, t)]),
    ...(replay.tensors ?? []).map((pair) => [`#${pair.node} ${pair.name}`, t(pair.equal ? "again.equal" : "again.unequal")]),
    ...(replay.graph?.changed ?? []).map((one) => [`#${one.node} ${one.input ?? ""}`, t("again.changed")]),
  ];
  const drift = (replay.drift ?? []).map((one) => h("li", {}, h("b", {}, one.name), ` ${short(one.before, t)} → ${short(one.after, t)}`));
  return h(
    "div",
    {},
    ...lines.filter(Boolean),
    h("ul", { class: "cpv-lines" }, ...items.map(([what, words]) => h("li", {}, h("span", { class: "muted" }, `${what}: `), words))),
    drift.length > 0 ? h("h4", {}, t("again.drift", { count: drift.length })) : null,
    h("ul", { class: "cpv-lines" }, ...drift),
    (replay.not_compared ?? []).length > 0 ? h("p", { class: "muted" }, t("again.silent", { what: replay.not_compared.map((what) => t(`again.what.${what}`)).join(", ") })) : null,
  );
}

function pairWords(pair, t) {
  const numbers = [];
  if (pair.psnr_db !== null) {
    numbers.push(`PSNR ${pair.psnr_db} dB`);
  }
  if (pair.ssim !== null && pair.verdict === "different") {
    numbers.push(`SSIM ${pair.ssim}`);
  }
  return [t(`again.verdict.${pair.verdict}`), ...numbers, pair.problem ?? ""].filter(Boolean).join(", ");
}

function short(value, t) {
  return value === null ? t("again.unknown") : value.length > 40 ? `${value.slice(0, 12)}…` : value;
}

function runLink(id) {
  return h("button", { type: "button", class: "cpv-link", "data-go": id }, shortId(id));
}
