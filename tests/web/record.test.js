/** The record's doors: what is asked, and how answers and refusals are read. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parse, Record, Refusal, unsafeNumbers } from "../../web/api.js";

const answering = (...answers) => {
  const asked = [];
  const api = new Record(async (path, options) => {
    asked.push([path, options]);
    const answer = answers.shift();
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  });
  return { api, asked };
};
const json = (body, status = 200) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });

test("a seed is kept to its last digit", () => {
  const text = '{"seed": 18446744073709551615, "text": "9223372036854775819 \\" 1", "small": 42, "list": [-9007199254740993]}';
  assert.deepEqual(parse(text), {
    seed: "18446744073709551615",
    text: '9223372036854775819 " 1',
    small: 42,
    list: ["-9007199254740993"],
  });
  assert.deepEqual(parse('{"at": 1234567890123456, "x": 0.12345678901234567, "y": 1e30}'), {
    at: 1234567890123456,
    x: 0.12345678901234567,
    y: 1e30,
  });
});

test("numbers that JavaScript would round are named", () => {
  assert.deepEqual(unsafeNumbers('{"a": 18446744073709551615, "b": 9007199254740992, "c": "18446744073709551615"}'), [
    "18446744073709551615",
  ]);
});

test("names are put into addresses so that they cannot leave their place", async () => {
  const { api, asked } = answering(json({}), json({}), json({ items: [], next: null }));
  await api.execution("../../x?y#z中");
  await api.diff("a&b", "c");
  await api.executions({ limit: 10, cursor: null, filter: { text: "雪 山", status: "" } });
  assert.deepEqual(asked.map(([path]) => path), [
    "/provenance/v1/executions/..%2F..%2Fx%3Fy%23z%E4%B8%AD",
    "/provenance/v1/diff?a=a%26b&b=c",
    "/provenance/v1/executions?limit=10&text=%E9%9B%AA+%E5%B1%B1",
  ]);
});

test("a refusal carries the host's own words", async () => {
  const { api } = answering(json({ error: "no run of that name" }, 404), json("<html>", 404), new TypeError("Failed to fetch"));
  const refusal = (message, status, missing) => (error) =>
    error instanceof Refusal && error.message === message && error.status === status && error.missing === missing;
  await assert.rejects(api.execution("x"), refusal("no run of that name", 404, false));
  await assert.rejects(api.execution("x"), refusal("HTTP 404", 404, true));
  await assert.rejects(api.execution("x"), refusal("Failed to fetch", 0, false));
});

test("what the author says is sent as JSON", async () => {
  const { api, asked } = answering(json({}));
  await api.decide({ execution: "e", decision: "keep", reason: "光" });
  const [path, options] = asked[0];
  assert.equal(path, "/provenance/v1/decisions");
  assert.equal(options.headers["Content-Type"], "application/json");
  assert.deepEqual(JSON.parse(options.body), { execution: "e", output: null, decision: "keep", rating: null, reason: "光" });
});

test("a run that has just begun is interrupted until it has heard it", async () => {
  const asked = [];
  const request = async (path, { method = "GET", body } = {}) => {
    if (method === "POST") {
      asked.push([path, JSON.parse(body)]);
      return Response.json({});
    }
    const heard = asked.filter(([to]) => to === "/interrupt").length >= 2; // the first came before its first node
    return Response.json({ queue_running: heard ? [] : [[0, "mine"], [1, "another's"]] });
  };
  await new Record(request).cancel(["mine", "next"], 0);
  const again = ["/interrupt", { prompt_id: "mine" }];
  assert.deepEqual(asked, [["/queue", { delete: ["mine", "next"] }], again, again]);
});
