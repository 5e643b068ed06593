/** Wrapping on plain workflows: what a swap changes, and that it changes nothing else. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { becomes, plan, standIns, swapped } from "../../web/wrap.js";

const CATEGORIES = new Map([
  ["KSampler", "sampling"],
  ["CLIPTextEncode", "conditioning"],
  ["SaveImage", "image"],
  ["ProvenanceKSampler", "provenance/sampling"],
  ["ProvenanceCLIPTextEncode", "provenance/conditioning"],
  ["ProvenanceSaveImage", "provenance"],
  ["ProvenanceIntent", "provenance"],
]);
const PAIRS = standIns(CATEGORIES);
const slot = (name, type, more = {}) => ({ name, type, link: null, ...more });
const STOCK = {
  title: "KSampler",
  names: ["seed", "control_after_generate", "steps"],
  values: [0, "randomize", 20],
  inputs: [slot("model", "MODEL"), slot("positive", "CONDITIONING"), slot("seed", "INT", { widget: { name: "seed" } })],
  outputs: [{ name: "LATENT", type: "LATENT", links: null }],
  properties: { cnr_id: "comfy-core", ver: "1" },
  height: 200,
};
const WRAPPED = {
  ...STOCK,
  title: "KSampler (Provenance)",
  names: [...STOCK.names, "preview_every"],
  values: [...STOCK.values, 0],
  // in another order than the stock class has them
  inputs: [STOCK.inputs[1], STOCK.inputs[0], STOCK.inputs[2], slot("preview_every", "INT", { widget: { name: "preview_every" } })],
  properties: {},
  height: 240,
};
const SHAPES = new Map([["KSampler", STOCK], ["ProvenanceKSampler", WRAPPED]]);

const sampler = (more = {}) => ({
  id: 3,
  type: "KSampler",
  pos: [10, 20],
  size: [300, 200],
  mode: 4,
  flags: { collapsed: true },
  color: "#232",
  inputs: [slot("model", "MODEL", { link: 1 }), slot("positive", "CONDITIONING", { link: 2, label: "mine" }), STOCK.inputs[2]],
  outputs: [{ name: "LATENT", type: "LATENT", links: [] }],
  properties: { "Node name for S&R": "KSampler", mine: 1, cnr_id: "comfy-core", ver: "1" },
  widgets_values: [7, "fixed", 30],
  ...more,
});
const canvas = (node = sampler()) => ({
  nodes: [{ id: 1, type: "Loader", outputs: [{ name: "MODEL", type: "MODEL", links: [1] }] }, node],
  links: [[1, 1, 0, 3, 0, "MODEL"], [2, 2, 0, 3, 1, "CONDITIONING"]],
  groups: [],
});
const TO = [{ graph: null, id: 3, from: "KSampler", to: "ProvenanceKSampler" }];
const BACK = [{ graph: null, id: 3, from: "ProvenanceKSampler", to: "KSampler" }];

test("only classes that stand in for a stock class are wrappers", () => {
  assert.deepEqual([...PAIRS], [["KSampler", "ProvenanceKSampler"], ["CLIPTextEncode", "ProvenanceCLIPTextEncode"]]);
  assert.equal(becomes("ProvenanceSaveImage", "unwrap", PAIRS), null);
  assert.equal(becomes("ProvenanceKSampler", "unwrap", PAIRS), "KSampler");
  assert.equal(becomes("ProvenanceKSampler", "wrap", PAIRS), null);
});

test("a node that is wrapped keeps everything but its class", () => {
  const before = canvas();
  const copy = structuredClone(before);
  const { workflow, unlinked } = swapped(before, TO, SHAPES);
  const node = workflow.nodes[1];
  assert.deepEqual(before, copy);
  assert.equal(unlinked, 0);
  assert.equal(node.type, "ProvenanceKSampler");
  for (const key of ["id", "pos", "mode", "flags", "color", "outputs", "title"]) {
    assert.deepEqual(node[key], copy.nodes[1][key], key);
  }
  assert.deepEqual(node.widgets_values, [7, "fixed", 30, 0]);
  assert.deepEqual(node.size, [300, 240]);
  assert.deepEqual(node.properties, { "Node name for S&R": "ProvenanceKSampler", mine: 1 });
});

test("links follow their slots by name", () => {
  const { workflow } = swapped(canvas(), TO, SHAPES);
  assert.deepEqual(workflow.nodes[1].inputs.map(({ name, link, label }) => [name, link, label]).slice(0, 2), [
    ["positive", 2, "mine"],
    ["model", 1, undefined],
  ]);
  assert.deepEqual(workflow.links, [[1, 1, 0, 3, 1, "MODEL"], [2, 2, 0, 3, 0, "CONDITIONING"]]);
});

test("unwrapping gives back what was there", () => {
  const before = canvas();
  assert.deepEqual(swapped(swapped(before, TO, SHAPES).workflow, BACK, SHAPES).workflow, before);
});

test("a title of one's own stays, the default one follows the class", () => {
  const titled = (title) => swapped(canvas(sampler({ title })), TO, SHAPES).workflow.nodes[1].title;
  assert.equal(titled("Mine"), "Mine");
  assert.equal(titled("KSampler"), "KSampler (Provenance)");
});

test("a link to an input that only the wrapper has goes, and is counted", () => {
  const wrapped = swapped(canvas(), TO, SHAPES).workflow;
  wrapped.nodes[1].inputs[3].link = 9;
  wrapped.nodes[0].outputs.push({ name: "INT", type: "INT", links: [9] });
  wrapped.links.push([9, 1, 1, 3, 3, "INT"]);
  const { workflow, unlinked } = swapped(wrapped, BACK, SHAPES);
  assert.equal(unlinked, 1);
  assert.deepEqual(workflow.links, canvas().links);
  assert.deepEqual(workflow.nodes[0].outputs[1].links, []);
});

test("values that are saved by name are kept by name", () => {
  const named = { seed: 7, control_after_generate: "fixed", steps: 30 };
  const { workflow } = swapped(canvas(sampler({ widgets_values_named: named })), TO, SHAPES);
  assert.deepEqual(workflow.nodes[1].widgets_values_named, { ...named, preview_every: 0 });
  const back = swapped(workflow, BACK, SHAPES).workflow;
  assert.deepEqual(back.nodes[1].widgets_values_named, named);
});

test("a group keeps a node that grows", () => {
  const before = canvas(sampler());
  before.groups = [{ bounding: [0, 0, 400, 125] }, { bounding: [1000, 0, 10, 10] }];
  const { groups } = swapped(before, TO, SHAPES).workflow;
  assert.ok(groups[0].bounding[3] > 20 + 240 / 2);
  assert.deepEqual(groups[1].bounding, [1000, 0, 10, 10]);
});

test("a swap inside a subgraph touches that graph alone", () => {
  const inside = { id: "sub", nodes: [sampler()], links: [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 3, target_slot: 0 }] };
  const before = { ...canvas(), definitions: { subgraphs: [inside] } };
  const { workflow } = swapped(before, [{ ...TO[0], graph: "sub" }], SHAPES);
  assert.deepEqual(workflow.nodes, before.nodes);
  assert.equal(workflow.definitions.subgraphs[0].nodes[0].type, "ProvenanceKSampler");
  assert.equal(workflow.definitions.subgraphs[0].links[0].target_slot, 1);
});

test("all means samplers and prompts, in subgraphs too; what has no wrapper is named", () => {
  const other = sampler({ id: 4, type: "OtherSampler" });
  const save = { id: 5, type: "SaveImage", inputs: [slot("images", "IMAGE")], outputs: [] };
  const inside = { id: "sub", nodes: [sampler({ id: 8 }), sampler({ id: 9, type: "ProvenanceKSampler" })] };
  const workflow = { nodes: [sampler(), other, save], links: [], definitions: { subgraphs: [inside] } };
  const { swaps, left } = plan(workflow, null, "wrap", PAIRS);
  assert.deepEqual(swaps.map(({ graph, id }) => [graph, id]), [[null, 3], ["sub", 8]]);
  assert.deepEqual(left.map(({ type }) => type), ["OtherSampler"]);
  const chosen = plan(workflow, { graph: null, ids: [3, "5"] }, "wrap", PAIRS);
  assert.deepEqual(chosen.swaps.map(({ id }) => id), [3]);
  assert.deepEqual(chosen.left.map(({ type }) => type), ["SaveImage"]);
});
