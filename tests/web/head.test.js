/** The head rule on plain graphs: what a queue press writes, and where. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { headOf, moveHead, Presses, setHead } from "../../web/head.js";

const graph = (execution, extra = {}) => ({ nodes: [], extra: execution ? { ...extra, provenance: { execution } } : extra });

test("a graph that was never queued has no head", () => {
  for (const value of [null, undefined, {}, { extra: null }, { extra: {} }, graph(null), { extra: { provenance: 1 } }]) {
    assert.equal(headOf(value), null);
  }
  for (const execution of ["", 7, null, {}]) {
    assert.equal(headOf({ extra: { provenance: { execution } } }), null);
  }
});

test("writing the head keeps everything else in extra, and its order", () => {
  const saved = { extra: { ds: { scale: 2 }, provenance: { note: "kept", execution: "a" }, info: {} } };
  setHead(saved, "b");
  assert.deepEqual(saved, { extra: { ds: { scale: 2 }, provenance: { note: "kept", execution: "b" }, info: {} } });
  assert.deepEqual(Object.keys(saved.extra), ["ds", "provenance", "info"]);
});

test("writing the head does not reach a copy that shares extra", () => {
  const shared = Object.freeze({ provenance: Object.freeze({ execution: "a" }) });
  const [here, there] = [{ extra: shared }, { extra: shared }];
  setHead(here, "b");
  assert.deepEqual([headOf(here), headOf(there)], ["b", "a"]);
});

test("a graph without extra gets one", () => {
  const bare = { nodes: [] };
  setHead(bare, "a");
  assert.equal(headOf(bare), "a");
});

test("one press, one run: the canvas moves to it at once", () => {
  const presses = new Presses();
  presses.pressed(1);
  const press = presses.submitting();
  assert.deepEqual(presses.accepted(press, "tab", null, "a"), [{ tab: "tab", sent: null, execution: "a" }]);
  assert.deepEqual(presses.settled(), []);
});

test("the runs of a batch share the parent, and the canvas moves to the last", () => {
  const presses = new Presses();
  presses.pressed(3);
  for (const execution of ["a", "b"]) {
    assert.deepEqual(presses.accepted(presses.submitting(), "tab", "head", execution), []);
  }
  const moves = presses.accepted(presses.submitting(), "tab", "head", "c");
  assert.deepEqual(moves, [{ tab: "tab", sent: "head", execution: "c" }]);
});

test("a batch that fails half way leaves the canvas at the last run that was accepted", () => {
  const presses = new Presses();
  presses.pressed(4);
  presses.accepted(presses.submitting(), "tab", null, "a");
  assert.deepEqual(presses.refused(presses.submitting()), [{ tab: "tab", sent: null, execution: "a" }]);
  presses.pressed(1);
  assert.equal(presses.accepted(presses.submitting(), "tab", "a", "b").length, 1);
});

test("a refused run leaves the canvas where it was", () => {
  const presses = new Presses();
  presses.pressed(1);
  assert.deepEqual(presses.refused(presses.submitting()), []);
});

test("a press made while another is being submitted descends from that one", () => {
  const presses = new Presses();
  presses.pressed(1);
  const first = presses.submitting();
  presses.pressed(1);
  assert.equal(presses.accepted(first, "tab", null, "a")[0].execution, "a");
  assert.equal(presses.accepted(presses.submitting(), "tab", "a", "b")[0].execution, "b");
});

test("a batch that the page breaks off without a word still moves the canvas", () => {
  const presses = new Presses();
  presses.pressed(5);
  presses.accepted(presses.submitting(), "tab", null, "a");
  assert.deepEqual(presses.settled(), [{ tab: "tab", sent: null, execution: "a" }]);
  presses.pressed(1);
  assert.equal(presses.accepted(presses.submitting(), "tab", "a", "b").length, 1);
});

test("presses that the page dropped do not swallow later ones", () => {
  const presses = new Presses();
  presses.pressed(9);
  presses.settled();
  presses.pressed(1);
  assert.equal(presses.accepted(presses.submitting(), "tab", null, "a").length, 1);
});

test("a run sent by another extension is a press of its own", () => {
  const presses = new Presses();
  assert.equal(presses.accepted(presses.submitting(), "tab", null, "a").length, 1);
  assert.equal(presses.accepted(presses.submitting(), "tab", "a", "b").length, 1);
});

test("a count that is no count is one", () => {
  for (const count of [undefined, null, 0, -3, "2", NaN]) {
    const presses = new Presses();
    presses.pressed(count);
    assert.equal(presses.accepted(presses.submitting(), "tab", null, "a").length, 1);
  }
});

test("a batch queued across two tabs moves each of them to its own run", () => {
  const presses = new Presses();
  presses.pressed(2);
  presses.accepted(presses.submitting(), "one", "x", "a");
  assert.deepEqual(presses.accepted(presses.submitting(), "two", "y", "b"), [
    { tab: "one", sent: "x", execution: "a" },
    { tab: "two", sent: "y", execution: "b" },
  ]);
});

test("the head reaches the canvas and every stored state, so that the page sees no difference", () => {
  const canvas = graph("a", { ds: {} });
  const [active, initial, undo, redo] = [graph("a"), graph(null), graph("z"), graph("a")];
  assert.equal(moveHead({ sent: "a", execution: "b" }, canvas, [active, initial, undo, redo]), true);
  assert.deepEqual([canvas, active, initial, undo, redo].map(headOf), ["b", "b", "b", "b", "b"]);
});

test("a tab that is no longer open gets the head in what is stored of it", () => {
  const [active, initial] = [graph("a"), graph(null)];
  assert.equal(moveHead({ sent: "a", execution: "b" }, null, [active, initial]), true);
  assert.deepEqual([active, initial].map(headOf), ["b", "b"]);
});

test("a canvas that shows something else by now is left alone", () => {
  const dropped = graph("older");
  const stored = [graph("older")];
  assert.equal(moveHead({ sent: "a", execution: "b" }, dropped, stored), false);
  assert.deepEqual([dropped, ...stored].map(headOf), ["older", "older"]);
});

test("a tab that was closed meanwhile is no error", () => {
  assert.equal(moveHead({ sent: null, execution: "b" }, null, []), false);
});
