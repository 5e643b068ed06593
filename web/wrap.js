/**
 * Wrapping: a node changes its type to the one that the record observes, and back, and nothing else about it changes. Pure.
 *
 * A plan is made on a workflow as the page saves it, subgraphs with it. What the page would save for a new node of a type,
 * its shape, is given by the caller: `{title, names, values, inputs, outputs, properties, height}`, where `names` and
 * `values` are those of the widgets that are saved, in their order.
 */

const PREFIX = "Provenance";
// The categories of classes that stand in for a stock class; others of this pack only share its name.
const STANDS_IN = new Set(["provenance/sampling", "provenance/conditioning"]);
// Where the page notes which pack a node's class is from.
const PACK = ["cnr_id", "aux_id", "ver"];
const NAMED_AFTER_TYPE = "Node name for S&R";

/** Which class stands in for which: from the categories of all registered classes, by class. */
export function standIns(categories) {
  const found = new Map();
  for (const [type, category] of categories) {
    const stock = type.slice(PREFIX.length);
    if (type.startsWith(PREFIX) && STANDS_IN.has(category) && categories.has(stock)) {
      found.set(stock, type);
    }
  }
  return found;
}

/** The class that a node of this type becomes, or null. `way` is `wrap` or `unwrap`. */
export function becomes(type, way, pairs) {
  if (way === "wrap") {
    return pairs.get(type) ?? null;
  }
  const stock = String(type).slice(PREFIX.length);
  return pairs.get(stock) === type ? stock : null;
}

/** The graphs of a workflow: the root, whose id is null, and every subgraph that it holds. */
function graphsOf(workflow) {
  return [[null, workflow], ...(workflow.definitions?.subgraphs ?? []).map((graph) => [graph.id, graph])];
}

/** Whether a node samples, or encodes a prompt, by what goes in and out. */
function samplesOrEncodes({ inputs = [], outputs = [] }) {
  const takes = new Set(inputs.map((input) => input.type));
  const gives = outputs.map((output) => output.type);
  const samples = gives.includes("LATENT") && (takes.has("GUIDER") || (takes.has("MODEL") && takes.has("CONDITIONING")));
  const writes = inputs.some((input) => input.widget && input.type === "STRING");
  const encodes = gives.length > 0 && gives.every((type) => type === "CONDITIONING") && takes.has("CLIP") && writes;
  return samples || encodes;
}

/**
 * What to swap. `scope` names the nodes: `{graph, ids}` for some of one graph, or null for every sampler and prompt of the
 * workflow. `left` are those of them that have no class to become; nodes that are so already are in neither list.
 *
 * @param {object} workflow
 * @param {{graph: string|null, ids: Iterable<string|number>}|null} scope
 * @param {"wrap"|"unwrap"} way
 * @param {Map<string, string>} pairs
 */
export function plan(workflow, scope, way, pairs) {
  const back = way === "wrap" ? "unwrap" : "wrap";
  const chosen = scope && new Set([...scope.ids].map(String));
  const swaps = [];
  const left = [];
  for (const [graph, { nodes = [] }] of graphsOf(workflow)) {
    if (chosen && graph !== scope.graph) {
      continue;
    }
    for (const node of nodes) {
      if (chosen && !chosen.has(String(node.id))) {
        continue;
      }
      const to = becomes(node.type, way, pairs);
      if (to !== null) {
        swaps.push({ graph, id: node.id, from: node.type, to });
      } else if (becomes(node.type, back, pairs) === null && (chosen || (way === "wrap" && samplesOrEncodes(node)))) {
        left.push({ graph, id: node.id, type: node.type });
      }
    }
  }
  return { swaps, left };
}

/** Names that may occur twice, such as `control_after_generate`, told apart by their occurrence. */
function occurrences(names) {
  const seen = new Map();
  return names.map((name) => {
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    return `${nth} ${name}`;
  });
}

/** Values by name into the order of the other class; what it has beyond gets its default, what it lacks goes. */
function widgets(node, from, to) {
  const values = node.widgets_values;
  if (Array.isArray(values)) {
    const had = new Map(occurrences(from.names).map((key, at) => [key, at]));
    const kept = occurrences(to.names).map((key, at) => {
      const before = had.get(key);
      return before !== undefined && before < values.length ? values[before] : to.values[at];
    });
    node.widgets_values = [...kept, ...values.slice(from.names.length)];
  } else if (values !== null && typeof values === "object") {
    node.widgets_values = byName(values, from, to);
  }
  if (node.widgets_values_named) {
    node.widgets_values_named = byName(node.widgets_values_named, from, to);
  }
}

function byName(values, from, to) {
  const kept = Object.entries(values).filter(([name]) => to.names.includes(name) || !from.names.includes(name));
  const added = to.names.flatMap((name, at) => (name in values || from.names.includes(name) ? [] : [[name, to.values[at]]]));
  return Object.fromEntries([...kept, ...added]);
}

/** Slots in the order of the other class, by name; what neither class declares stays at the end. `moved`: old to new place. */
function slots(had, from, to) {
  const old = had ?? [];
  const made = to.map((slot) => old.find((before) => before.name === slot.name) ?? structuredClone(slot));
  const declared = new Set([...from, ...to].map((slot) => slot.name));
  const all = [...made, ...old.filter((slot) => !declared.has(slot.name))];
  const moved = new Map(old.map((slot, at) => [at, all.indexOf(slot)]));
  return { all, moved };
}

/** One node in its other type. Changes `node`; answers where its slots went, -1 for one that is gone. */
function swap(node, from, to) {
  const before = node.type;
  node.type = to.type;
  if (node.title !== undefined && (node.title === from.title || node.title === before)) {
    node.title = to.title;
  }
  widgets(node, from, to);
  const inputs = slots(node.inputs, from.inputs, to.inputs);
  const outputs = slots(node.outputs, from.outputs, to.outputs);
  node.inputs = inputs.all;
  node.outputs = outputs.all;
  if (node.size) {
    node.size[1] = Math.max(node.size[1] + to.height - from.height, 0);
  }
  properties(node, before, to);
  return { inputs: inputs.moved, outputs: outputs.moved };
}

function properties(node, before, to) {
  const had = node.properties;
  if (!had) {
    return;
  }
  if (had[NAMED_AFTER_TYPE] === before) {
    had[NAMED_AFTER_TYPE] = to.type;
  }
  for (const key of PACK) {
    delete had[key];
    if (to.properties?.[key] !== undefined) {
      had[key] = to.properties[key];
    }
  }
}

/** A link has its places in a list at the root and in fields in a subgraph. */
const PLACES = {
  list: { id: 0, origin: 1, from: 2, target: 3, to: 4 },
  fields: { id: "id", origin: "origin_id", from: "origin_slot", target: "target_id", to: "target_slot" },
};

/** Follow slots that moved. Links to a slot that is gone go too; answers how many. */
function relink(graph, id, moved) {
  const gone = new Set();
  const follow = (link) => {
    const place = Array.isArray(link) ? PLACES.list : PLACES.fields;
    for (const [end, slot, places] of [["origin", "from", moved.outputs], ["target", "to", moved.inputs]]) {
      if (String(link[place[end]]) === String(id)) {
        link[place[slot]] = places.get(link[place[slot]]) ?? link[place[slot]];
      }
    }
    const kept = link[place.from] !== -1 && link[place.to] !== -1;
    if (!kept) {
      gone.add(link[place.id]);
    }
    return kept;
  };
  for (const list of ["links", "floatingLinks"]) {
    if (Array.isArray(graph[list])) {
      graph[list] = graph[list].filter(follow);
    }
  }
  if (gone.size > 0) {
    forget(graph, gone);
  }
  return gone.size;
}

/** Take links out of what refers to them: the nodes at their ends, the borders of a subgraph, reroutes. */
function forget(graph, gone) {
  const kept = (id) => !gone.has(id);
  for (const node of graph.nodes ?? []) {
    for (const input of node.inputs ?? []) {
      input.link = kept(input.link) ? input.link : null;
    }
    for (const output of node.outputs ?? []) {
      output.links = output.links?.filter(kept) ?? output.links;
    }
  }
  for (const list of [graph.inputs, graph.outputs, graph.reroutes, graph.extra?.reroutes]) {
    for (const end of list ?? []) {
      end.linkIds = end.linkIds?.filter(kept) ?? end.linkIds;
    }
  }
}

/** A group holds the nodes whose middle it covers: it grows along with one that would grow out of it. */
function regroup(graph, node, grown) {
  const [x, y] = [node.pos[0] + node.size[0] / 2, node.pos[1] + (node.size[1] - grown) / 2];
  for (const { bounding } of graph.groups ?? []) {
    const [left, top, width, height] = [bounding[0], bounding[1], bounding[2], bounding[3]];
    if (x >= left && x < left + width && y >= top && y < top + height) {
      bounding[3] = Math.max(height, Math.ceil(y + grown / 2 - top) + 1);
    }
  }
}

/**
 * The workflow after the swaps of a plan, and how many links had no slot to go to. `shapes` has the shape of every type
 * that a swap names, by type. Ids, places, colours, modes, flags and whatever else a node holds stay. `workflow` is kept.
 */
export function swapped(workflow, swaps, shapes) {
  const next = structuredClone(workflow);
  const graphs = new Map(graphsOf(next));
  let unlinked = 0;
  for (const { graph: inside, id, from, to } of swaps) {
    const graph = graphs.get(inside);
    const node = graph.nodes.find((found) => found.id === id);
    const [old, fresh] = [shapes.get(from), shapes.get(to)];
    const moved = swap(node, old, { ...fresh, type: to });
    unlinked += relink(graph, id, moved);
    if (node.size && node.pos && fresh.height > old.height) {
      regroup(graph, node, fresh.height - old.height);
    }
  }
  return { workflow: next, unlinked };
}
