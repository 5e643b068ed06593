/** Changes of what stands on the canvas, each one step of the page's history. */

import { canvasGraph, redraw, selectedIds, serialized } from "./canvas.js";
import { plain } from "./classes.js";
import { app, lacking } from "./page.js";
import { openTab } from "./tabs.js";

/** Have the page take note of what was done to the canvas as one step that can be undone. `change` does it. */
export function asOneEdit(change) {
  const graph = canvasGraph();
  graph?.beforeChange?.();
  change();
  graph?.afterChange?.();
  capture(openTab()?.changeTracker);
  redraw();
}

function capture(tracker) {
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}

function select(ids) {
  const nodes = ids.map((id) => app.canvas?.graph?.getNodeById?.(id)).filter((node) => node != null);
  if (nodes.length > 0) {
    app.canvas?.selectItems?.(nodes);
  }
}

/**
 * Replace what stands on the canvas by `change(workflow)`, as one step that can be undone and redone. It goes the way of the
 * page's own redo, which keeps the view, the open subgraph and the pictures that nodes show. `change` answers null to leave
 * everything. Answers whether the page could do it.
 */
export async function rewrite(change) {
  const tracker = openTab()?.changeTracker;
  const now = serialized();
  if (!tracker?.redo || !Array.isArray(tracker.undoQueue) || !Array.isArray(tracker.redoQueue) || now === null) {
    lacking("history of edits", "nodes cannot be wrapped or unwrapped");
    return false;
  }
  capture(tracker); // an edit that the page has not noticed yet is a step of its own
  const next = change(plain(now));
  if (next === null) {
    return true;
  }
  const chosen = selectedIds();
  const done = (await settle(tracker, plain(now))) && (await step(tracker, next));
  if (done) {
    select(chosen);
    redraw();
  }
  return done;
}

/**
 * Pages up to 1.42 complete what they load, say with an order of nodes that were drawn by hand, and take that for an edit of
 * the author's when they look again after an undo: a step too many, and nothing left to redo. So the state to come back to is
 * loaded once before, and kept as the page completes it. Newer pages do this themselves.
 */
async function settle(tracker, now) {
  if (tracker.captureCanvasState) {
    return true;
  }
  const done = await step(tracker, now);
  if (done) {
    tracker.undoQueue.pop();
  }
  return done;
}

/** Have the page go on to a state. Answers false when it was busy with a step of its own. */
async function step(tracker, state) {
  const { redoQueue } = tracker;
  redoQueue.splice(0, redoQueue.length, state);
  await tracker.redo();
  if (redoQueue.length > 0) {
    redoQueue.length = 0;
    return false;
  }
  // What the page completes in what it loads, say with the sizes of new widgets, belongs to this step and is none of its own.
  tracker.activeState = plain(serialized());
  return true;
}
