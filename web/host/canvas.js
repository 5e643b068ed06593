/** What stands on the canvas. */

import { address, app } from "./page.js";

/** The graph on screen, from its root also while a subgraph is open. */
export function canvasGraph() {
  const graph = app.rootGraph ?? app.graph;
  return graph?.rootGraph ?? graph ?? null;
}

/** What the canvas holds now, as it would be saved, or null. */
export function serialized() {
  return canvasGraph()?.serialize?.() ?? null;
}

export function redraw() {
  app.canvas?.setDirty?.(true, true);
}

/** All nodes of the canvas, those in subgraphs too, by the id that the executed graph calls each by. */
function nodesById() {
  const found = new Map();
  const visit = (graph, prefix, depth) => {
    for (const node of graph?.nodes ?? graph?._nodes ?? []) {
      found.set(`${prefix}${node.id}`, node);
      if (node.subgraph && depth < 32) {
        visit(node.subgraph, `${prefix}${node.id}:`, depth + 1);
      }
    }
  };
  visit(canvasGraph(), "", 0);
  return found;
}

/**
 * All nodes on the canvas, those in subgraphs too: the id that the executed graph calls each by, its class, its widgets.
 * @returns {import("../replay.js").Node[]}
 */
export function canvasNodes() {
  return [...nodesById()].map(([id, node]) => ({
    id,
    type: node.comfyClass ?? node.type,
    widgets: (node.widgets ?? []).map(({ name, value }) => ({ name, value })),
  }));
}

/** Give widgets values as the author would: with what their nodes do on it. @param {import("../replay.js").Change[]} changes */
export function setWidgets(changes) {
  const nodes = nodesById();
  for (const { id, input, after } of changes) {
    const node = nodes.get(id);
    const widget = node?.widgets?.find((one) => one.name === input);
    if (widget) {
      widget.value = after;
      widget.callback?.(after, app.canvas, node);
    }
  }
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

/**
 * What an action on a node is about: the selection when the node is part of one, else the node alone. `graph` is the id of the
 * graph that it stands in, null for the root; `types` are the classes, in the order of `ids`.
 */
export function chosenWith(node) {
  const inside = node.graph ?? null;
  const graph = inside === null || inside === canvasGraph() ? null : inside.id;
  const selected = openGraphId() === graph ? selectedIds() : [];
  const ids = selected.length > 1 && selected.includes(node.id) ? selected : [node.id];
  return { graph, ids, types: ids.map((id) => inside?.getNodeById?.(id)?.type ?? node.type) };
}

/** The address of the picture that a node shows or loads, or null. */
export function imageOf(node) {
  const shown = node?.imgs?.[node.imageIndex ?? 0]?.src;
  if (shown) {
    return shown;
  }
  const [first] = app.nodeOutputs?.[node?.id]?.images ?? [];
  if (!first?.filename) {
    return null;
  }
  const { filename, subfolder = "", type = "output" } = first;
  return address(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}
