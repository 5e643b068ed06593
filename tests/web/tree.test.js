/** Which runs share a row, and what a filter leaves. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fold, linksOf } from "../../web/fold.js";
import { INFERRED, MERGE, REVISION } from "../../web/layout.js";
import { Tree } from "../../web/tree.js";

const run = (execution, parent = null, changes = [], more = {}) => ({
  execution,
  status: "success",
  submitted_at: "2026-01-01T00:00:00Z",
  parent: parent === null ? null : { execution: parent, known: true },
  merges: [],
  changes,
  ...more,
});
const seed = (at) => [`seed ${at} → ${at + 1}`];
const batch = (count, parent, extra = []) =>
  Array.from({ length: count }, (_, at) => run(`s${count - at}`, parent, [...extra, ...seed(at)]));

function childrenOf(runs) {
  const children = new Map();
  for (const one of runs) {
    for (const { id } of linksOf(one)) {
      children.set(id, [...(children.get(id) ?? []), one.execution]);
    }
  }
  return (id) => children.get(id) ?? [];
}
const folded = (runs, expanded) =>
  fold(runs, { children: childrenOf(runs), expanded }).map((entry) => entry.ids.join(" "));

test("links: the canvas's parent first, then pictures, guesses told apart", () => {
  const merges = [
    { execution: "x", basis: "observed" },
    { execution: "y", basis: "inferred" },
  ];
  assert.deepEqual(linksOf(run("a", "p", [], { merges })), [
    { id: "p", kind: REVISION },
    { id: "x", kind: MERGE },
    { id: "y", kind: INFERRED },
  ]);
  assert.deepEqual(linksOf(run("a")), []);
});

test("a batch that differs in seeds only is one row", () => {
  assert.deepEqual(folded([...batch(8, "a"), run("a")]), ["s8 s7 s6 s5 s4 s3 s2 s1", "a"]);
});

test("a batch whose prompt changed too is one row when it changed the same way", () => {
  assert.deepEqual(folded([...batch(3, "a", ['+ "golden hour"']), run("a")]), ["s3 s2 s1", "a"]);
  const mixed = batch(3, "a", ['+ "golden hour"']);
  mixed[1] = run("s2", "a", ['+ "snow"', ...seed(1)]);
  assert.deepEqual(folded([...mixed, run("a")]), ["s3", "s2", "s1", "a"]);
});

test("one press after the other with a new seed is one row as well", () => {
  const chain = [run("d", "c", seed(3)), run("c", "b", seed(2)), run("b", "a", seed(1)), run("a")];
  assert.deepEqual(folded(chain), ["d c b a"]);
});

test("two of a kind stay two rows", () => {
  assert.deepEqual(folded([...batch(2, "a"), run("a")]), ["s2", "s1", "a"]);
});

test("the run that work went on from is not hidden", () => {
  const runs = [run("child", "s2", ["cfg 7 → 5"]), ...batch(5, "a"), run("a")];
  assert.deepEqual(folded(runs), ["child", "s5 s4 s3", "s2", "s1", "a"].flatMap((ids) => ids));
});

test("the newest of a batch may have children", () => {
  const runs = [run("child", "s4", ["cfg 7 → 5"]), ...batch(4, "a"), run("a")];
  assert.deepEqual(folded(runs), ["child", "s4 s3 s2 s1", "a"]);
});

test("a run whose picture was used elsewhere is not hidden", () => {
  const other = run("other", null, [], { merges: [{ execution: "s1", basis: "observed" }] });
  assert.deepEqual(folded([other, ...batch(4, "a"), run("a")]), ["other", "s4 s3 s2", "s1", "a"]);
});

test("failures and labelled runs stay visible", () => {
  const runs = batch(7, "a");
  runs[3] = { ...runs[3], status: "error" };
  assert.deepEqual(folded([...runs, run("a")]), ["s7 s6 s5", "s4", "s3 s2 s1", "a"]);
  runs[3] = { ...runs[3], status: "success", decision: { label: "the good one" } };
  assert.deepEqual(folded([...runs, run("a")]), ["s7 s6 s5", "s4", "s3 s2 s1", "a"]);
});

test("an opened group shows its runs, and knows that it can be closed", () => {
  const runs = [...batch(3, "a"), run("a")];
  const entries = fold(runs, { children: childrenOf(runs), expanded: new Set(["group:s1"]) });
  assert.deepEqual(entries.map((entry) => [entry.key, entry.group ?? null]), [
    ["s3", "group:s1"],
    ["s2", "group:s1"],
    ["s1", "group:s1"],
    ["a", null],
  ]);
});

const options = { expanded: new Set(), matches: null, group: true };
const shape = (tree) => tree.cells(0, tree.rows.length).map((cell, at) => [tree.rows[at].ids.join(" "), cell]);
const colours = (tree) => new Map(tree.cells(0, tree.rows.length).map((cell, at) => [tree.rows[at].key, cell.colour]));

test("pages that come in at the bottom give the same tree as all runs at once", () => {
  const runs = [run("z", "s6"), ...batch(6, "a"), run("y", "a", [], { merges: [{ execution: "b", basis: "observed" }] })];
  runs.push(run("a", "b", seed(1)), run("b", "c", seed(1)), run("c", "d", seed(1)), run("d"));
  for (let cut = 1; cut < runs.length; cut += 1) {
    const paged = new Tree();
    paged.update(runs.slice(0, cut), options);
    paged.update(runs, options);
    const whole = new Tree();
    whole.update(runs, options);
    assert.deepEqual(shape(paged), shape(whole), `cut at ${cut}`);
    for (const one of runs) {
      assert.equal(paged.placeOf(one.execution), whole.placeOf(one.execution));
    }
  }
});

test("a new run on top leaves the colours of the others", () => {
  const tree = new Tree();
  const runs = [run("c", "a", ["cfg 1 → 2"]), run("b", "a", ["cfg 1 → 3"]), run("a")];
  tree.update(runs, options);
  const before = colours(tree);
  tree.update([run("d", "b", ["cfg 3 → 4"]), ...runs], options);
  const after = colours(tree);
  for (const [key, colour] of before) {
    assert.equal(after.get(key), colour, key);
  }
  assert.equal(after.get("d"), before.get("b"), "the new run goes on in the colour of its branch");
});

test("a branch that begins on top has a colour that its neighbours have not", () => {
  const tree = new Tree();
  const runs = [run("c", "a", ["cfg 1 → 2"]), run("b", "a", ["cfg 1 → 3"]), run("a")];
  tree.update(runs, options);
  const before = colours(tree);
  tree.update([run("d", "a", ["cfg 1 → 4"]), ...runs], options);
  assert.ok(![...before.values()].includes(colours(tree).get("d")));
  tree.update([run("new work"), run("d", "a", ["cfg 1 → 4"]), ...runs], options);
  assert.equal(new Set(colours(tree).values()).size, 4);
});

test("colours come through a filter as they were, also through one that matches nothing", () => {
  const runs = [run("e", "c"), run("d", "b"), run("c", "a", ["cfg 1 → 2"]), run("b", "a", ["cfg 1 → 3"]), run("a")];
  const tree = new Tree();
  tree.update(runs, options);
  const before = colours(tree);
  tree.update(runs, { ...options, matches: new Set() });
  tree.update(runs, { ...options, matches: new Set(["b"]) });
  assert.equal(colours(tree).get("b"), before.get("b"));
  tree.update(runs, options);
  assert.deepEqual(colours(tree), before);
});

test("a filter lights what matches and folds what is far from it", () => {
  const chain = Array.from({ length: 20 }, (_, at) => run(`r${20 - at}`, at === 19 ? null : `r${19 - at}`, [`cfg ${at} → ${at + 1}`]));
  const tree = new Tree();
  tree.update(chain, { ...options, matches: new Set(["r12"]) });
  assert.deepEqual(
    tree.rows.map((row) => (row.folded ? `${row.folded} folded` : `${row.key}${row.lit ? " lit" : ""}`)),
    ["7 folded", "r13", "r12 lit", "r11", "10 folded"],
  );
  assert.deepEqual(tree.cells(0, 5).map((cell) => cell.lane), [0, 0, 0, 0, 0]);
  assert.equal(tree.placeOf("r1"), 4);
  tree.update(chain, { ...options, matches: new Set(["r12"]), expanded: new Set(["folded:r1"]) });
  assert.equal(tree.rows.length, 14);
});

test("a parent that the ledger does not hold is a stub", () => {
  const tree = new Tree();
  tree.update([run("b", null, [], { parent: { execution: "gone", known: false } }), run("a")], options);
  const [orphan, other] = tree.cells(0, 2);
  assert.equal(orphan.stub, true);
  assert.deepEqual(other.passing, []);
});

test("a window of a long tree is drawn as the whole is", () => {
  const runs = [];
  for (let at = 0; at < 1000; at += 1) {
    const merges = at % 7 === 0 && at > 40 ? [{ execution: `r${at - 40}`, basis: "observed" }] : [];
    runs.unshift(run(`r${at}`, at === 0 ? null : `r${at - (at % 5 === 0 ? 4 : 1)}`, [`cfg ${at} → 1`], { merges }));
  }
  const tree = new Tree();
  for (let to = 100; to <= 1000; to += 100) {
    tree.update(runs.slice(0, to), options);
  }
  const whole = tree.cells(0, 1000);
  for (const [from, to] of [[0, 30], [100, 140], [127, 129], [640, 700], [990, 1000]]) {
    assert.deepEqual(tree.cells(from, to), whole.slice(from, to));
  }
});
