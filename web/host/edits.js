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
 * Replace what stands on the canvas by `change(workflow)`, as one step that can be undone. It goes the way of the page's own
 * redo, which keeps the view, the open subgraph and the pictures that nodes show. `change` answers null to leave everything.
 * Answers whether the page could do it.
 */
export async function rewrite(change) {
  const tracker = openTab()?.changeTracker;
  const now = serialized();
  const { undoQueue, redoQueue } = tracker ?? {};
  if (!tracker?.redo || !Array.isArray(undoQueue) || !Array.isArray(redoQueue) || now === null) {
    lacking("history of edits", "nodes cannot be wrapped or unwrapped");
    return false;
  }
  capture(tracker); // an edit that the page has not noticed yet is a step of its own
  const next = change(plain(now));
  if (next === null) {
    return true;
  }
  const chosen = selectedIds();
  redoQueue.splice(0, redoQueue.length, next);
  await tracker.redo();
  if (redoQueue.length > 0) {
    redoQueue.length = 0; // the page was busy with a step of its own
    return false;
  }
  select(chosen);
  redraw();
  // The page completes what it loads, say with the sizes of new widgets: that belongs to this step and is none of its own.
  tracker.activeState = plain(serialized());
  return true;
}
