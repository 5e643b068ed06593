/**
 * The part of the door to ComfyUI's page that is about replacing what stands on the canvas. Guarded as all of `host.js` is:
 * what a version of the page lacks is answered with null or an empty list, or reported once, and never thrown into the page.
 */

import { canvasGraph, lacking, openTab, page as app, redraw, serialized } from "./host.js";

/** A workflow as it is in a file: the page compares what it captures with that, and a value that is missing is no value there. */
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

/** The categories of all node classes that the page knows, by class. */
export function nodeCategories() {
  const types = globalThis.LiteGraph?.registered_node_types ?? {};
  return new Map(Object.entries(types).map(([type, made]) => [type, made?.nodeData?.category ?? made?.category ?? ""]));
}

/** What the page would save for a new node of a class; null where it makes none. The node is in no graph. */
export function shapeOf(type) {
  const node = globalThis.LiteGraph?.createNode?.(type);
  const saved = node?.serialize?.();
  if (!node || !saved) {
    lacking(`new node of class ${type}`, "such nodes are not wrapped or unwrapped");
    return null;
  }
  const kept = (node.widgets ?? []).filter((widget) => widget.serialize !== false);
  return plain({
    title: node.title,
    names: kept.map((widget) => widget.name),
    values: kept.map((widget) => widget.value ?? null),
    inputs: saved.inputs ?? [],
    outputs: saved.outputs ?? [],
    properties: saved.properties ?? {},
    height: saved.size?.[1] ?? 0,
  });
}

/** The id that the saved workflow has for the graph on screen: null for the root. */
export function openGraphId() {
  const open = app.canvas?.graph ?? null;
  return open === null || open === canvasGraph() ? null : open.id;
}

/** The ids of the selected nodes of the graph on screen. */
export function selectedIds() {
  return Object.values(app.canvas?.selected_nodes ?? {}).map((node) => node.id);
}

/** The id of the graph that a node stands in, null for the root. */
export function graphIdOf(node) {
  const graph = node.graph ?? null;
  return graph === null || graph === canvasGraph() ? null : graph.id;
}

function select(ids) {
  const nodes = ids.map((id) => app.canvas?.graph?.getNodeById?.(id)).filter((node) => node != null);
  if (nodes.length > 0) {
    app.canvas?.selectItems?.(nodes);
  }
}

function capture(tracker) {
  (tracker.captureCanvasState ?? tracker.checkState)?.call(tracker);
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
