/** What the tab knows, after what happened. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "../../web/state.js";

const run = (execution, more = {}) => ({ execution, prompt_id: execution, status: "success", changes: [], ...more });
const page = (ids, next = null) => ({ items: ids.map((id) => run(id)), next });
const ids = (now) => now.runs.map((one) => one.execution);

test("pages follow one another until there is no next one", () => {
  let now = state.pageLoaded(state.initial(), page(["d", "c"], "7"));
  assert.deepEqual([now.cursor, now.complete, now.loading], ["7", false, false]);
  now = state.pageLoaded(now, page(["b", "a"]));
  assert.deepEqual([ids(now), now.complete], [["d", "c", "b", "a"], true]);
});

test("a new run comes on top, and known ones are renewed where they stand", () => {
  const before = state.pageLoaded(state.initial(), page(["b", "a"]));
  const now = state.newestLoaded(before, { items: [run("c", { status: "queued" }), run("b", { status: "error" }), run("a")], next: null });
  assert.deepEqual(ids(now), ["c", "b", "a"]);
  assert.equal(now.runs[1].status, "error");
  assert.equal(now.runs[2], before.runs[1], "what did not change is the same value");
});

test("the same page again changes nothing", () => {
  const before = state.pageLoaded(state.initial(), page(["b", "a"]));
  assert.equal(state.newestLoaded(before, page(["b", "a"])), before);
});

test("after more runs than a page holds, the list starts anew and nothing is missing in its midst", () => {
  const before = state.pageLoaded(state.initial(), page(["b", "a"]));
  const now = state.newestLoaded(before, page(["z", "y", "x"], "23"));
  assert.deepEqual([ids(now), now.cursor, now.complete], [["z", "y", "x"], "23", false]);
});

test("a single run is renewed where it stands; one that is not in the list is passed over", () => {
  const before = state.pageLoaded(state.initial(), page(["b", "a"], "1"));
  assert.equal(state.runLoaded(before, run("a", { status: "lost" })).runs[1].status, "lost");
  assert.equal(state.runLoaded(before, run("older")), before);
});

test("a run that the host works on is running, and no other", () => {
  const now = state.runningSeen(state.initial(), "p1");
  const waiting = run("p1~2", { prompt_id: "p1", status: "queued" });
  assert.equal(state.statusOf(now, waiting), "running");
  assert.equal(state.statusOf(now, run("p2", { status: "queued" })), "queued");
  assert.equal(state.statusOf(now, run("p1", { status: "success" })), "success");
  assert.equal(state.statusOf(state.runningSeen(now, null), waiting), "queued");
});

test("a filter collects its matches over pages, and forgets them when it is cleared", () => {
  let now = state.filtered(state.initial(), { text: "雪" });
  now = state.matchesLoaded(now, page(["d"], "4"));
  now = state.matchesLoaded(now, page(["b"]));
  assert.deepEqual([[...now.matches.ids], now.matches.oldest, now.matches.more], [["d", "b"], "b", false]);
  now = state.filtered(now, { text: " " });
  assert.equal(now.matches, null);
  assert.equal(state.matchesLoaded(now, page(["x"])), now, "an answer that comes too late is dropped");
});

test("while a question waits for its answer, the matches of the one before stay", () => {
  let now = state.filtered(state.initial(), { text: "s" });
  assert.deepEqual([now.matches.ids, now.matches.asked], [null, true], "at first the whole tree");
  now = state.matchesLoaded(now, page(["d", "b"]));
  now = state.filtered(now, { text: "sn" });
  assert.deepEqual([[...now.matches.ids], now.matches.asked], [["d", "b"], true]);
  now = state.matchesLoaded(now, page([]));
  assert.deepEqual([[...now.matches.ids], now.matches.asked], [[], false]);
});

test("groups open and close", () => {
  const open = state.toggled(state.initial(), "group:a");
  assert.deepEqual([...open.expanded], ["group:a"]);
  assert.deepEqual([...state.toggled(open, "group:a").expanded], []);
});
