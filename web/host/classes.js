/** The classes of nodes that the page knows, and what it makes of them. */

import { lacking } from "./page.js";

/** A workflow as it is in a file: the page compares what it captures with that, and a value that is missing is no value there. */
export function plain(value) {
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
