/** Frames around nodes, drawn over the canvas. */

import { canvasGraph, redraw } from "./canvas.js";
import { app, lacking } from "./page.js";

const marked = new Set();
const frames = { drawn: false };

/** Draw a frame around these nodes of the root graph until told otherwise. Nothing in the graph changes. */
export function mark(ids, colour) {
  marked.clear();
  ids.forEach((id) => marked.add(String(id)));
  const { canvas } = app;
  if (!canvas) {
    lacking("canvas to draw on", "nodes that differ are not marked");
    return;
  }
  if (!frames.drawn) {
    frames.drawn = true;
    const before = canvas.onDrawForeground;
    canvas.onDrawForeground = function (context, area) {
      before?.call(this, context, area);
      if (marked.size > 0 && canvas.graph === canvasGraph()) {
        frame(context, canvas.graph, colour);
      }
    };
  }
  redraw();
}

function frame(context, graph, colour) {
  context.save();
  context.lineWidth = 3;
  context.strokeStyle = colour;
  for (const node of graph.nodes ?? graph._nodes ?? []) {
    if (marked.has(String(node.id))) {
      const title = globalThis.LiteGraph?.NODE_TITLE_HEIGHT ?? 30;
      const [width, height] = node.flags?.collapsed ? [node._collapsed_width ?? 80, 0] : node.size;
      context.strokeRect(node.pos[0] - 7, node.pos[1] - title - 7, width + 14, height + title + 14);
    }
  }
  context.restore();
}
