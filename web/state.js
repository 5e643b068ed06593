/**
 * What the tab knows, and how it changes. Pure: a state and what happened in, the next state out.
 *
 * @typedef {import("./fold.js").Run} Run
 * @typedef {{text: string, status: string, decision: string, label: string, model: string, since: string, until: string}} Filter
 * @typedef {{runs: Run[], cursor: string|null, complete: boolean, loading: boolean, error: string|null, selected: string|null,
 *   head: string|null, running: string|null, expanded: Set<string>, filter: Filter,
 *   frames: {count: number, on: boolean}|null, draft: boolean, revision: number, matches: Matches|null, status: object|null}} State
 * @typedef {{ids: Set<string>|null, oldest: string|null, more: boolean, asked: boolean}} Matches
 *   while `asked`, no answer has come: `ids` are those of the question before, or null
 */

/** @type {Filter} */
export const NO_FILTER = Object.freeze({ text: "", status: "", decision: "", label: "", model: "", since: "", until: "" });

/** @returns {State} */
export function initial() {
  return {
    runs: [],
    cursor: null,
    complete: false,
    loading: true,
    error: null,
    selected: null,
    head: null,
    running: null,
    expanded: new Set(),
    filter: NO_FILTER,
    matches: null,
    frames: null,
    draft: false,
    revision: 0,
    status: null,
  };
}

/** A page of older runs came. */
export function pageLoaded(state, { items, next }) {
  return {
    ...state,
    runs: state.runs.length === 0 ? items : [...state.runs, ...items],
    cursor: next,
    complete: next === null,
    loading: false,
    error: null,
  };
}

/**
 * The newest page came again. Runs that are known are renewed where they stand, new ones come on top. When nothing of it is
 * known, more has happened than one page holds: then the list starts anew from this page.
 */
export function newestLoaded(state, { items, next }) {
  const at = new Map(state.runs.slice(0, 2 * items.length + 100).map((run, place) => [run.execution, place]));
  if (state.runs.length > 0 && items.length > 0 && !items.some((run) => at.has(run.execution))) {
    return pageLoaded({ ...state, runs: [] }, { items, next });
  }
  if (state.runs.length === 0) {
    return pageLoaded(state, { items, next });
  }
  return renew(state.error === null ? state : { ...state, error: null }, items, at);
}

/** What was recorded has been read: what is shown of a single run may have changed too. */
export function revised(state) {
  return { ...state, revision: state.revision + 1 };
}

/** A run that may stand anywhere came again; one that is not in the list is passed over. */
export function runLoaded(state, run) {
  const at = state.runs.findIndex((one) => one.execution === run.execution);
  return at < 0 ? state : renew(state, [run], new Map([[run.execution, at]]));
}

function renew(state, items, at) {
  const runs = [...state.runs];
  const fresh = [];
  let changed = false;
  for (const run of items) {
    const place = at.get(run.execution);
    if (place === undefined) {
      fresh.push(run);
    } else if (!same(runs[place], run)) {
      runs[place] = run;
      changed = true;
    }
  }
  if (fresh.length === 0 && !changed) {
    return state;
  }
  return { ...state, runs: fresh.length > 0 ? [...fresh, ...runs] : runs };
}

/** The same value keeps its identity, so that rows that did not change are not drawn again. */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The host says which prompt it is working on now, or with null that it works on none. */
export function runningSeen(state, promptId) {
  return state.running === promptId ? state : { ...state, running: promptId };
}

/** The status to show: a run that the host is working on is running, whatever the last answer said. */
export function statusOf(state, run) {
  const waits = run.status === "queued" || run.status === "running";
  return waits && state.running !== null && (run.prompt_id ?? run.execution) === state.running ? "running" : run.status;
}

/** Ask something of all runs. Until the first answer comes the matches of the question before stay. */
export function filtered(state, change) {
  const filter = { ...state.filter, ...change };
  const ids = state.matches?.ids ?? null;
  return { ...state, filter, matches: isFiltering(filter) ? { ids, oldest: null, more: true, asked: true } : null };
}

/** Whether the filter asks for anything. */
export function isFiltering(filter) {
  return Object.values(filter).some((value) => value.trim() !== "");
}

/** Runs that match came, newest first. */
export function matchesLoaded(state, { items, next }) {
  if (state.matches === null) {
    return state;
  }
  const ids = new Set(state.matches.asked ? [] : state.matches.ids);
  for (const run of items) {
    ids.add(run.execution);
  }
  const oldest = items.length > 0 ? items[items.length - 1].execution : state.matches.oldest;
  return { ...state, matches: { ids, oldest, more: next !== null, asked: false } };
}

/** Open a folded group, or close it. */
export function toggled(state, key) {
  const expanded = new Set(state.expanded);
  if (!expanded.delete(key)) {
    expanded.add(key);
  }
  return { ...state, expanded };
}

/** The run of that id, or null. @returns {Run|null} */
export function find(state, id) {
  return id === null ? null : (state.runs.find((run) => run.execution === id) ?? null);
}
