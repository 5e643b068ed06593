/**
 * Which runs share a row. Pure.
 *
 * Runs that differ in nothing but their seed, made one after the other, become one row with a strip of pictures: siblings
 * (a batch), or a chain in which each descends from the one before. Only the newest of them may have children outside, so
 * that every line still ends at the run it belongs to. What is running, failed or labelled keeps a row of its own.
 *
 * @typedef {import("./layout.js").Link} Link
 * @typedef {{execution: string, status: string, submitted_at: string, changes: string[], prompt_id?: string,
 *   parent?: {execution: string, known: boolean}|null, merges?: {execution: string, basis: string}[],
 *   thumbnails?: string[], outputs?: object[], duration_ms?: number|null, error?: {class: string, message: string}|null,
 *   replay?: {of: string, known: boolean, sheet: {id: string, cell: number, cells: number}|null, outcome: string|null}|null,
 *   decision?: {decision: string|null, rating: number|null, note: string|null, reason: string|null, label: string|null}|null,
 *   output_decisions?: {output: string, decision: string|null}[], times?: import("./record.js").Times
 * }} Run  an item of `executions`
 * @typedef {{key: string, runs: Run[], ids: string[], links: Link[], group: string|null, stretch: number}} Entry
 *   `group`: the opened group it belongs to; `stretch`: the same for entries that more runs at the end could still change together
 */

import { INFERRED, MERGE, REPLAY, REVISION } from "./layout.js";
import { withoutSeeds } from "./words.js";

/** From how many runs on a group is folded. */
export const LEAST = 3;

/**
 * The lines of a run to older runs, the one to its canvas's parent first.
 * @returns {Link[]}
 */
export function linksOf(run) {
  if (run.replay) {
    return [{ id: run.replay.of, kind: REPLAY }]; // it took nothing that its original did not
  }
  const parent = parentOf(run);
  const merges = (run.merges ?? []).map((merge) => ({
    id: merge.execution,
    kind: merge.basis === "inferred" ? INFERRED : MERGE,
  }));
  return parent === null ? merges : [{ id: parent, kind: REVISION }, ...merges];
}

/** The run from whose canvas this one descends, or null. */
export function parentOf(run) {
  return run.parent?.execution ?? null;
}

/** Whether the run names a parent that the ledger does not hold. */
export function isOrphan(run) {
  return run.parent?.known === false;
}

/**
 * Fold runs, newest first, into entries. `children` answers with the ids of the runs that point to a run; it has to know
 * those of all runs given. `expanded` holds the keys of groups that the author opened.
 *
 * @param {Run[]} runs
 * @param {{children: (id: string) => string[], expanded?: Set<string>, enabled?: boolean}} options
 * @returns {Entry[]}
 */
export function fold(runs, { children, expanded = new Set(), enabled = true }) {
  const entries = [];
  let group = [];
  let inside = new Set();
  let kind = null;
  let stretch = 0;

  function close() {
    stretch += 1;
    if (group.length >= LEAST && !expanded.has(keyOf(group))) {
      entries.push(entryOf(group, null, stretch));
    } else {
      const key = group.length >= LEAST ? keyOf(group) : null;
      for (const run of group) {
        entries.push(entryOf([run], key, stretch));
      }
    }
    group = [];
    inside = new Set();
    kind = null;
  }

  for (const run of runs) {
    const joined = enabled && group.length > 0 && isQuiet(run) ? howJoined(group, inside, run, children, kind) : null;
    if (joined === null && group.length > 0) {
      close();
    }
    kind = joined;
    group.push(run);
    inside.add(run.execution);
    if (!enabled || !isQuiet(run)) {
      close();
    }
  }
  if (group.length > 0) {
    close();
  }
  return entries;
}

function isQuiet(run) {
  return run.status === "success" && !labelOf(run) && !run.replay;
}

/** The label of a run, or null. */
export function labelOf(run) {
  return run.decision?.label ?? null;
}

function howJoined(group, inside, run, children, kind) {
  const last = group[group.length - 1];
  if (!children(run.execution).every((id) => inside.has(id))) {
    return null;
  }
  const links = linksOf(last);
  if (kind !== "siblings" && links.length === 1 && links[0].id === run.execution && isSeedOnly(last)) {
    return "chain";
  }
  if (kind !== "chain" && parentOf(last) !== null && sameLinks(links, linksOf(run)) && sameChange(last, run)) {
    return "siblings";
  }
  return null;
}

const told = new WeakMap();

function changesOf(run) {
  let lines = told.get(run);
  if (lines === undefined) {
    lines = withoutSeeds(run.changes);
    told.set(run, lines);
  }
  return lines;
}

function isSeedOnly(run) {
  return run.changes.length > 0 && changesOf(run).length === 0;
}

function sameChange(one, other) {
  const [a, b] = [changesOf(one), changesOf(other)];
  return a.length === b.length && a.every((line, at) => line === b[at]);
}

function sameLinks(a, b) {
  return a.length === b.length && a.every((link, at) => link.id === b[at].id);
}

/** Named after its oldest run, so that a group that grows stays the same group. */
function keyOf(runs) {
  return `group:${runs[runs.length - 1].execution}`;
}

function entryOf(runs, group, stretch) {
  if (runs.length === 1) {
    return { key: runs[0].execution, runs, ids: [runs[0].execution], links: linksOf(runs[0]), group, stretch };
  }
  const ids = runs.map((run) => run.execution);
  const inside = new Set(ids);
  const links = new Map();
  for (const run of runs) {
    for (const link of linksOf(run)) {
      if (!inside.has(link.id) && !links.has(link.id)) {
        links.set(link.id, link);
      }
    }
  }
  const found = [...links.values()].sort((a, b) => a.kind - b.kind);
  return { key: keyOf(runs), runs, ids, links: found, group, stretch };
}
