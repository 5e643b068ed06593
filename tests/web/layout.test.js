/** Rows, lanes and lines on literal trees. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { COLOURS, column, INFERRED, layout, MERGE, REVISION, start } from "../../web/layout.js";

/** "c<b,a" is run c with the parent b and a picture of a; "c<b,?a" only guesses that. */
function rows(...texts) {
  return texts.map((text) => {
    const [id, from = ""] = text.split("<");
    const [parent, ...merges] = from.split(",");
    const links = parent === "" ? [] : [{ id: parent, kind: REVISION }];
    links.push(...merges.map((m) => ({ id: m.replace("?", ""), kind: m.startsWith("?") ? INFERRED : MERGE })));
    return { ids: id.split("+"), links };
  });
}

const lanes = (cells) => cells.map((cell) => cell.lane);
const ends = (lines) => lines.map((line) => [line.lane, line.kind]);

test("a chain is one straight line of one colour", () => {
  const { cells, carry } = layout(rows("c<b", "b<a", "a"));
  assert.deepEqual(lanes(cells), [0, 0, 0]);
  assert.equal(new Set(cells.map((cell) => cell.colour)).size, 1);
  assert.deepEqual(cells.map((cell) => [cell.above.length, cell.below.length]), [[0, 1], [1, 1], [1, 0]]);
  assert.deepEqual(carry.lanes, []);
});

test("two branches stand side by side and meet where they part", () => {
  const { cells } = layout(rows("d<b", "c<a", "b<a", "a"));
  assert.deepEqual(lanes(cells), [0, 1, 0, 0]);
  assert.notEqual(cells[0].colour, cells[1].colour);
  assert.deepEqual(ends(cells[1].below), [[1, REVISION]]);
  assert.deepEqual(cells[2].passing, []);
  assert.deepEqual(ends(cells[2].below), [[0, REVISION]]);
  assert.deepEqual(cells[2].moves.map(({ from, to }) => [from, to]), [[1, 0]], "the side branch bends into the left one");
});

test("siblings share the line to their parent, however many there are", () => {
  const batch = Array.from({ length: 50 }, (_, at) => `s${at}<a`);
  const { cells, carry } = layout(rows(...batch, "a"));
  assert.ok(carry.width <= 2);
  assert.equal(cells.at(-1).above.length, 1);
});

test("independent works do not touch", () => {
  const { cells } = layout(rows("b", "a"));
  assert.deepEqual(cells.map((cell) => [cell.above, cell.below, cell.passing]), [[[], [], []], [[], [], []]]);
  assert.notEqual(cells[0].colour, cells[1].colour);
});

test("a picture from another branch is a line of its own kind", () => {
  const { cells } = layout(rows("d<c,b", "c<a", "b<a", "a"));
  assert.deepEqual(ends(cells[0].below), [[0, REVISION], [1, MERGE]]);
  assert.deepEqual(ends(cells[1].passing), [[1, MERGE]]);
  assert.deepEqual([cells[2].lane, ...ends(cells[2].above)], [1, [1, MERGE]]);
  assert.notEqual(cells[2].colour, cells[0].colour, "what lent its picture is a branch of its own");
});

test("a guess stays a guess along its whole way", () => {
  const { cells } = layout(rows("c<,?a", "b", "a"));
  assert.deepEqual(ends(cells[0].below), [[0, INFERRED]]);
  assert.deepEqual(ends(cells[1].passing), [[0, INFERRED]]);
  assert.deepEqual(ends(cells[2].above), [[0, INFERRED]]);
});

test("where a guess and a revision lead to the same run, the line of the branch goes straight on", () => {
  const { cells } = layout(rows("x<p,?a", "b<a", "p", "a"));
  const b = cells[1];
  assert.deepEqual(ends(b.below), [[b.lane, REVISION]]);
  assert.deepEqual(b.moves.map((move) => [move.from, move.to, move.kind]), [[1, b.lane, INFERRED]]);
  assert.equal(cells[3].lane, b.lane);
});

test("a parent that is not in the ledger ends in a stub, and no line runs on for ever", () => {
  const { cells, carry } = layout(rows("b<gone", "a"), start(), { absent: (id) => id === "gone" });
  assert.equal(cells[0].stub, true);
  assert.deepEqual(cells[0].below, []);
  assert.deepEqual(carry.lanes, []);
});

test("a parent that stands above its child, as after an import, ends in a stub too", () => {
  const { cells } = layout(rows("a", "b<a"));
  assert.equal(cells[1].stub, true);
});

test("a row for several runs takes the lines of all of them", () => {
  const { cells } = layout(rows("z<m2", "y<m1", "m2+m1<a", "a"));
  assert.deepEqual(ends(cells[2].above), [[0, REVISION], [1, REVISION]]);
  assert.equal(cells[2].lane, 0);
  assert.deepEqual(ends(cells[2].below), [[0, REVISION]]);
});

test("a free lane is used again", () => {
  const { cells } = layout(rows("d<a", "c<b", "b", "e<f", "a", "f"));
  assert.deepEqual(lanes(cells), [0, 1, 1, 1, 0, 1]);
});

test("laying out page by page is laying out at once", () => {
  const all = rows("h<e,c", "g<d", "f<e", "e<b", "d<b,?a", "c<a", "b<a", "a");
  const whole = layout(all);
  const first = layout(all.slice(0, 3));
  const second = layout(all.slice(3, 5), first.carry);
  const third = layout(all.slice(5), second.carry);
  assert.deepEqual([...first.cells, ...second.cells, ...third.cells], whole.cells);
});

test("what was laid out is not changed by what comes below", () => {
  const first = layout(rows("b<a"));
  const before = structuredClone(first.carry.lanes);
  layout(rows("a"), first.carry);
  assert.deepEqual(first.carry.lanes, before);
});

test("a run keeps the colour it had", () => {
  const { cells } = layout(rows("b<a", "c", "a"), start(), { tint: (row) => (row.ids[0] === "c" ? 5 : undefined) });
  assert.equal(cells[1].colour, 5);
});

test("colours go round", () => {
  const { cells } = layout(rows(...Array.from({ length: COLOURS + 1 }, (_, at) => `r${at}`)));
  assert.equal(cells[0].colour, cells[COLOURS].colour);
});

test("many lanes never take more room than eight", () => {
  assert.equal(column(3), 3);
  assert.ok(column(7) > column(6));
  assert.ok(column(10_000) < 8);
});
