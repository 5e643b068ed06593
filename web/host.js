/**
 * The only script that knows ComfyUI's page. Every access is guarded: what a version of the page lacks is answered with null
 * or an empty list, or reported once through `lacking`, and never thrown into the page.
 */

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

const EXTENSION = "comfy-provenance";
const reported = new Set();

/** Say once, in the console, that something of the page is missing and what does not work without it. */
export function lacking(what, consequence) {
  if (!reported.has(what)) {
    reported.add(what);
    console.warn(`[Provenance] This page has no ${what}: ${consequence}.`);
  }
}

/** Register the extension; `setup` is called once, when the page is ready. */
export function register(settings, setup) {
  if (typeof app?.registerExtension !== "function") {
    lacking("app.registerExtension", "the page does not keep the head");
    return;
  }
  app.registerExtension({ name: EXTENSION, settings, setup });
}

/** The value of a setting, or `fallback` where the page does not know it. */
export function setting(id, fallback) {
  return app.extensionManager?.setting?.get?.(id) ?? fallback;
}

/** Listen to an event that the host sends. Listening also keeps the page from reporting it as unknown. */
export function onEvent(name, listener) {
  api?.addEventListener?.(name, (event) => listener(event.detail));
}

/** The graph on screen, from its root also while a subgraph is open. */
export function canvasGraph() {
  const graph = app.rootGraph ?? app.graph;
  return graph?.rootGraph ?? graph ?? null;
}

/** The open tab: an opaque value that is the same whenever the same tab is open. Null where the page has no tabs. */
export function openTab() {
  return app.extensionManager?.workflow?.activeWorkflow ?? null;
}

/** The states that the page keeps for a tab, the current one first, each once. */
export function storedStates(tab) {
  const tracker = tab?.changeTracker;
  if (!tracker) {
    return [];
  }
  const states = [tracker.activeState, tracker.initialState, ...(tracker.undoQueue ?? []), ...(tracker.redoQueue ?? [])];
  return [...new Set(states)].filter((state) => state !== null && typeof state === "object");
}

/**
 * Pages up to 1.35 keep the open canvas in the browser's storage, to show it again after a reload, and renew it on an edit
 * only; a queue press is none. `change(draft)` answers whether it changed the draft. Newer pages renew theirs on leaving.
 */
export function changeDraft(change) {
  for (const [storage, key] of [
    [localStorage, "workflow"],
    [sessionStorage, `workflow:${api?.clientId}`],
  ]) {
    try {
      const draft = JSON.parse(storage.getItem(key));
      if (draft !== null && change(draft)) {
        storage.setItem(key, JSON.stringify(draft));
      }
    } catch (error) {
      lacking("usable draft of the canvas", `after a reload the next run may name an older parent (${error.message})`);
    }
  }
}

/** Report queue presses: `pressed(count)` for each, `settled()` when the page has submitted all of them. */
export function watchPresses({ pressed, settled }) {
  const queuePrompt = app.queuePrompt;
  if (typeof queuePrompt !== "function") {
    lacking("app.queuePrompt", "each run of a batch descends from the one before it");
    return;
  }
  let running = 0;
  app.queuePrompt = async function (number, count, ...rest) {
    running += 1;
    pressed(count);
    try {
      return await queuePrompt.call(this, number, count, ...rest);
    } finally {
      running -= 1;
      if (running === 0) {
        settled();
      }
    }
  };
}

/**
 * Report every run that is sent to the queue. `before(workflow)` answers with a value that comes back in
 * `accepted(value, prompt_id)` or `refused(value)`. Nothing that is sent or received is changed.
 */
export function watchRuns({ before, accepted, refused }) {
  const queuePrompt = api?.queuePrompt;
  if (typeof queuePrompt !== "function") {
    lacking("api.queuePrompt", "the page does not keep the head");
    return;
  }
  api.queuePrompt = async function (number, data, ...rest) {
    const run = before(data?.workflow);
    let answer;
    try {
      answer = await queuePrompt.call(this, number, data, ...rest);
    } catch (error) {
      refused(run);
      throw error;
    }
    if (typeof answer?.prompt_id === "string") {
      accepted(run, answer.prompt_id);
    } else {
      refused(run);
    }
    return answer;
  };
}
