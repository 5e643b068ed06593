/** From a recorded graph to the canvas, and an edit from one canvas to another. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepDraft, readDrafts } from "../../web/drafts.js";
import { replay, reword } from "../../web/replay.js";
import { differing, hasDrift, nodeAt, prepare, worry } from "../../web/restore.js";

const none = { nodes: [], models: [], packs: [], inputs: [], redacted: [], not_checked: [] };
const workflow = (nodes, more = {}) => ({ nodes, links: [], extra: { ds: { scale: 1 }, provenance: { execution: "parent" } }, ...more });
const restored = (document, drift = {}, kind = "workflow") => ({
  execution: "run",
  kind,
  workflow: null,
  prompt: null,
  [kind]: document,
  drift: { ...none, ...drift },
});

test("the recorded workflow is loaded as it is, but for the head", () => {
  const recorded = workflow([{ id: 1, type: "A", widgets_values: ["x", 7] }]);
  const before = structuredClone(recorded);
  const { document, marked } = prepare(restored(recorded));
  assert.deepEqual(recorded, before, "what was recorded is not changed");
  assert.deepEqual(document, { ...before, extra: { ds: { scale: 1 }, provenance: { execution: "run" } } });
  assert.deepEqual(marked, []);
});

test("what was withheld is empty, and its node is named", () => {
  const secret = `[redacted:hmac-sha256:${"0a".repeat(8)}]`;
  const nodes = [{ id: 4, type: "A", widgets_values: ["keep", secret] }, { id: 9, type: "B", widgets_values: [`a ${secret} b`] }];
  const redacted = [
    { document: "workflow", path: "/nodes/0/widgets_values/1" },
    { document: "workflow", path: "/nodes/1/widgets_values/0" },
    { document: "workflow", path: "/nodes/7/widgets_values/0" },
  ];
  const { document, marked } = prepare(restored(workflow(nodes), { redacted }));
  assert.deepEqual(document.nodes.map((node) => node.widgets_values), [["keep", ""], ["a  b"]]);
  assert.deepEqual(marked, ["4", "9"]);
});

test("what was withheld inside a subgraph is named by the node that stands for it", () => {
  const secret = `[redacted:hmac-sha256:${"0b".repeat(8)}]`;
  const definitions = { subgraphs: [{ id: "s-1", nodes: [{ id: 2, type: "Fetch", widgets_values: [secret] }] }] };
  const path = "/definitions/subgraphs/0/nodes/0/widgets_values/0";
  const given = restored(workflow([{ id: 7, type: "s-1" }], { definitions }), { redacted: [{ document: "workflow", path }] });
  const { document, marked } = prepare(given);
  assert.deepEqual(document.definitions.subgraphs[0].nodes[0].widgets_values, [""]);
  assert.deepEqual(marked, ["7"]);
  assert.deepEqual(nodeAt(given.workflow, path, "workflow"), { id: "2", type: "Fetch", shown: ["7"] });
  assert.equal(nodeAt(given.workflow, "/nodes/4/widgets_values/0", "workflow"), null);
  assert.deepEqual(nodeAt({ "7:2": { class_type: "Fetch" } }, "/7:2/inputs/key", "prompt"), { id: "7:2", type: "Fetch", shown: ["7"] });
});

test("a file is replaced only where the author chose it", () => {
  const nodes = [{ id: 1, type: "L", widgets_values: ["a.safetensors", 1] }, { id: 2, type: "L", widgets_values: { name: "a.safetensors" } }];
  const given = restored(workflow(nodes), { models: [{ name: "a.safetensors", same_hash: "b.safetensors" }] });
  assert.deepEqual(prepare(given).document.nodes, nodes);
  const { document } = prepare(given, [{ from: "a.safetensors", to: "b.safetensors" }]);
  assert.deepEqual(document.nodes.map((node) => node.widgets_values), [["b.safetensors", 1], { name: "b.safetensors" }]);
  const one = prepare(given, [{ from: "a.safetensors", to: "c", node: "2" }]).document;
  assert.deepEqual(one.nodes.map((node) => node.widgets_values), [["a.safetensors", 1], { name: "c" }]);
});

test("a run without a workflow is prepared from what was executed", () => {
  const prompt = { 5: { class_type: "LoadImage", inputs: { image: "x.png", other: ["4", 0] } } };
  const { document } = prepare(restored(prompt, {}, "prompt"), [{ from: "x.png", to: "y.png", node: "5" }]);
  assert.deepEqual(document, { 5: { class_type: "LoadImage", inputs: { image: "y.png", other: ["4", 0] } } });
});

test("numbers are a worry only where the page did not make them itself", () => {
  const numbers = { unrepresentable: ["18446744073709551615"] };
  assert.deepEqual(worry({ ...restored({}, {}, "prompt"), ...numbers }), ["18446744073709551615"]);
  assert.deepEqual(worry({ ...restored(workflow([])), ...numbers }), []);
});

test("drift is anything that could make a difference", () => {
  assert.equal(hasDrift(restored(workflow([]))), false);
  assert.equal(hasDrift(restored(workflow([]), { not_checked: ["models"] })), true);
  assert.equal(hasDrift(restored(workflow([]), { packs: [{}] })), true);
});

test("nodes differ by what they do, not by where they stand", () => {
  const link = [[1, 10, 0, 20, 0, "IMAGE"]];
  const before = { nodes: [{ id: 10, type: "A", pos: [0, 0], widgets_values: [1] }, { id: 20, type: "B", inputs: [{ name: "i", link: 1 }] }], links: link };
  const after = structuredClone(before);
  after.nodes[0].pos = [50, 50];
  after.nodes[0].title = "renamed";
  after.links = [[7, 10, 0, 20, 0, "IMAGE"]];
  after.nodes[1].inputs[0].link = 7;
  assert.deepEqual(differing(before, after), []);
  after.nodes[0].widgets_values = [2];
  after.nodes.push({ id: 30, type: "C" });
  assert.deepEqual(differing(before, after), ["10", "30"]);
  assert.deepEqual(differing(null, before), ["10", "20"]);
});

const diff = (more) => ({ prompts: [], params: [], graph: { added: [], removed: [], rewired: [] }, ...more });
const node = (id, type, values) => ({ id, type, widgets: Object.entries(values).map(([name, value]) => ({ name, value })) });

test("an edit is applied by id, else to the only node of its class", () => {
  const params = [{ node: "3", class_type: "KSampler", input: "cfg", before: 7, after: 5.5 }];
  const set = (nodes) => replay(diff({ params }), nodes).set.map((change) => [change.id, change.after]);
  assert.deepEqual(set([node("3", "KSampler", { cfg: 8 }), node("4", "KSampler", { cfg: 8 })]), [["3", 5.5]]);
  assert.deepEqual(set([node("3", "Other", { cfg: 8 }), node("4", "KSampler", { cfg: 8 })]), [["4", 5.5]]);
  const two = replay(diff({ params }), [node("8", "KSampler", { cfg: 1 }), node("9", "KSampler", { cfg: 1 })]);
  assert.deepEqual([two.set, two.left.map((one) => one.reason)], [[], ["node"]]);
  const there = replay(diff({ params }), [node("3", "KSampler", { cfg: 5.5 })]);
  assert.deepEqual([there.set.length, there.same.length], [0, 1]);
});

test("nodes and links are told, not made", () => {
  const graph = {
    added: [{ node: "9", class_type: "LoraLoader" }],
    removed: [{ node: "2", class_type: "X" }],
    rewired: [{ node: "3", class_type: "KSampler", input: "model", before: ["1", 0], after: ["9", 0] }],
  };
  const { left, set } = replay(diff({ graph, params: [{ node: "9", class_type: "LoraLoader", input: "strength", before: null, after: 1 }] }), []);
  assert.deepEqual(left.map((one) => one.reason), ["added", "removed", "rewired"]);
  assert.deepEqual(set, []);
});

const edit = (before, ...hunks) => ({
  before,
  after: hunks.filter(([op]) => op !== "delete").map(([, text]) => text).join(""),
  hunks: hunks.map(([op, text]) => ({ op, text })),
});

test("words are replaced in another text where they stand there once", () => {
  const fog = edit("a castle in fog", ["equal", "a castle in "], ["delete", "fog"], ["insert", "rain"]);
  assert.equal(reword("a castle in fog", fog), "a castle in rain");
  assert.equal(reword("two ships, fog, night", fog), "two ships, rain, night");
  assert.equal(reword("fog over fog", fog), null);
  assert.equal(reword("a clear day", fog), null);
  const gold = edit("a cat", ["equal", "a cat"], ["insert", ", golden hour"]);
  assert.equal(reword("a cat on a wall", gold), "a cat, golden hour on a wall");
  assert.equal(reword("a dog", gold), "a dog, golden hour");
  assert.equal(reword("", gold), "golden hour");
  const gone = edit("a cat, blurry", ["equal", "a cat"], ["delete", ", blurry"]);
  assert.equal(reword("a cat, blurry", gone), "a cat");
});

test("drafts are kept newest first, and only as many as there is room for", () => {
  const room = (bytes) => {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem(key, value) {
        if (value.length > bytes) {
          throw Object.assign(new Error("full"), { name: "QuotaExceededError" });
        }
        kept.set(key, value);
      },
    };
  };
  const storage = room(1e6);
  for (let at = 0; at < 7; at += 1) {
    assert.equal(keepDraft(storage, { at }, `t${at}`), true);
  }
  assert.deepEqual(readDrafts(storage).map((draft) => draft.at), ["t6", "t5", "t4", "t3", "t2"]);
  const small = room(60);
  keepDraft(small, { a: 1 }, "one");
  assert.equal(keepDraft(small, { b: 2 }, "two"), true);
  assert.equal(keepDraft(small, { b: "x".repeat(100) }, "three"), false);
  assert.deepEqual(readDrafts(small)[0].at, "two");
  assert.deepEqual(readDrafts({ getItem: () => "{not json" }), []);
});
