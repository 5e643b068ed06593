/** Open workflows: the page's tabs, what it keeps of them, and putting a workflow on the canvas. */

import { messageOf } from "../api.js";
import { api, app, lacking } from "./page.js";

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
  for (const { storage, key } of [
    { storage: localStorage, key: "workflow" },
    { storage: sessionStorage, key: `workflow:${api?.clientId}` },
  ]) {
    try {
      const draft = JSON.parse(storage.getItem(key) ?? "null");
      if (draft !== null && change(draft)) {
        storage.setItem(key, JSON.stringify(draft));
      }
    } catch (error) {
      lacking("usable draft of the canvas", `after a reload the next run may name an older parent (${messageOf(error)})`);
    }
  }
}

/**
 * Put a workflow on the canvas, in a tab of its own; answers false where the page has no tabs, so that it stands where the
 * canvas before stood. `name` is used unless something of that name is saved or open.
 */
export async function showWorkflow(workflow, name) {
  if (typeof app.loadGraphData !== "function") {
    throw new Error("this page cannot load a workflow");
  }
  const before = openTab();
  await app.loadGraphData(workflow, true, true, freeName(name));
  return before !== null && openTab() !== before;
}

/** The same for a graph in the form that is executed. */
export async function showPrompt(prompt, name) {
  if (typeof app.loadApiJson !== "function") {
    throw new Error("this page cannot load the graph of a run that was sent without a workflow");
  }
  const before = openTab();
  await app.loadApiJson(prompt, freeName(name) ?? undefined);
  return before !== null && openTab() !== before;
}

function freeName(name) {
  const taken = app.extensionManager?.workflow?.getWorkflowByPath?.(`workflows/${name}.json`);
  return taken ? null : name;
}

/** Whether the page opens workflows in tabs. */
export function hasTabs() {
  return openTab() !== null;
}
