/**
 * From a recorded graph to what the page loads. Pure. Nothing is replaced but what the author chose, what the record holds
 * a marker for, and the head.
 */

import { setHead } from "./head.js";

const MARKER = /\[redacted:hmac-sha256:[0-9a-f]{16}\]/gu;

/** Whether a report of drift says anything. */
export function hasDrift(restored) {
  const { drift } = restored;
  const lists = ["nodes", "models", "packs", "inputs", "redacted"];
  return lists.some((name) => drift[name].length > 0) || (drift.not_checked ?? []).length > 0 || worry(restored).length > 0;
}

/** Numbers of an executed graph that the page would round; the page's own workflows were rounded when they were made. */
export function worry(restored) {
  return restored.kind === "prompt" ? (restored.unrepresentable ?? []) : [];
}

/**
 * The workflow to load, as recorded, with the chosen run as its head. `choices` holds what the author wants replaced:
 * `{from, to}` for a file under another name. Markers of secrets become empty; `marked` names the nodes that held one.
 *
 * @param {{execution: string, kind: string, workflow: object|null, prompt: object|null, drift: object}} restored
 * @param {{from: string, to: string, node?: string}[]} [choices]
 */
export function prepare(restored, choices = []) {
  const document = structuredClone(restored[restored.kind]);
  const marked = new Set();
  for (const { path } of restored.drift.redacted) {
    const node = blank(document, path) ? nodeAt(document, path, restored.kind) : null;
    node?.shown.forEach((id) => marked.add(id));
  }
  for (const choice of choices) {
    substitute(document, restored.kind, choice);
  }
  if (restored.kind === "workflow") {
    setHead(document, restored.execution);
  }
  return { document, marked: [...marked] };
}

/**
 * The node that a JSON pointer into the recorded graph leads to: `{id, type, shown}`, or null. `shown` are the nodes of the
 * root graph that stand for it: itself, or those of the subgraph that it is inside.
 */
export function nodeAt(document, pointer, kind) {
  const way = steps(pointer);
  if (kind === "prompt") {
    const type = document?.[way[0]]?.class_type;
    return type === undefined ? null : { id: way[0], type, shown: [way[0].split(":")[0]] };
  }
  const inside = way[0] === "definitions" ? document?.definitions?.subgraphs?.[way[2]] : null;
  const node = inside === null ? (way[0] === "nodes" ? document?.nodes?.[way[1]] : undefined) : inside?.nodes?.[way[4]];
  if (!node) {
    return null;
  }
  const holders = inside === null ? [node] : (document.nodes ?? []).filter((one) => one.type === inside.id);
  return { id: String(node.id), type: node.type, shown: holders.map((one) => String(one.id)) };
}

function steps(pointer) {
  return pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Empty what stands at a JSON pointer; answers whether a text stood there. */
function blank(document, pointer) {
  const way = steps(pointer);
  const last = way.pop();
  let place = document;
  for (const step of way) {
    place = place?.[step];
  }
  if (last === undefined || typeof place?.[last] !== "string") {
    return false;
  }
  place[last] = place[last].replace(MARKER, "");
  return true;
}

/** @param {any} document @param {string} kind @param {{from: string, to: string, node?: string}} choice */
function substitute(document, kind, { from, to, node }) {
  const swap = (values) => {
    for (const key of Object.keys(values ?? {})) {
      if (values[key] === from) {
        values[key] = to;
      }
    }
  };
  if (kind === "prompt") {
    for (const [id, body] of Object.entries(document)) {
      if (node === undefined || id === node) {
        swap(body?.inputs);
      }
    }
    return;
  }
  const inside = (document.definitions?.subgraphs ?? []).flatMap((graph) => graph.nodes ?? []);
  for (const body of [...(document.nodes ?? []), ...inside]) {
    if (node === undefined || String(body.id) === node.split(":").at(-1)) {
      swap(body.widgets_values);
      swap(body.widgets_values_named);
    }
  }
}

/**
 * Ids of the nodes of `after` that `before` does not have like that: new ones, of another class, with other values or other
 * sources of their links. Places, sizes, colours and titles do not count.
 */
export function differing(before, after) {
  const was = essences(before);
  return [...essences(after)].filter(([id, essence]) => was.get(id) !== essence).map(([id]) => id);
}

function essences(graph) {
  const sources = new Map(
    (graph?.links ?? []).map((link) =>
      Array.isArray(link) ? [link[0], `${link[1]}:${link[2]}`] : [link.id, `${link.origin_id}:${link.origin_slot}`],
    ),
  );
  return new Map(
    (graph?.nodes ?? []).map((node) => {
      const linked = (node.inputs ?? []).filter((input) => input.link != null);
      const links = linked.map((input) => [input.name, sources.get(input.link) ?? null]);
      return [String(node.id), JSON.stringify([node.type, node.mode ?? 0, node.widgets_values ?? null, links])];
    }),
  );
}
