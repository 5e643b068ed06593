// What a screen recording does when the host does not answer, refuses, or has had enough.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../../web/api.js";
import { mediaOf, Recording } from "../../web/recording.js";

class Track extends EventTarget {
  stopped = false;
  getSettings() {
    return { displaySurface: "window", width: 1280, height: 720, frameRate: 15 };
  }
  stop() {
    this.stopped = true;
  }
}

class Stream {
  track = new Track();
  getVideoTracks = () => [this.track];
  getAudioTracks = () => [];
  getTracks = () => [this.track];
}

class Recorder extends EventTarget {
  static made = [];
  static isTypeSupported = (type) => type === "video/webm;codecs=vp8";
  state = "inactive";
  constructor(stream, options) {
    super();
    Object.assign(this, { stream, mimeType: options.mimeType });
    Recorder.made.push(this);
  }
  start() {
    this.state = "recording";
  }
  give(size) {
    this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: { size } }));
  }
  stop() {
    this.state = "inactive";
    this.give(5);
    this.dispatchEvent(new Event("stop"));
  }
}

/** A recorder whose host answers chunks with `answers`, one after the other, then with success. */
function recording(answers = []) {
  const calls = [];
  const api = {
    async startRecording(capture) {
      calls.push(["start", capture.media_type, capture.surface]);
      return { recording: "r1", entry: 3 };
    },
    async chunk(id, { number }) {
      const answer = answers.shift();
      calls.push(["chunk", number]);
      if (answer instanceof Error) {
        throw answer;
      }
      return answer ?? { ended: null };
    },
    async stopRecording(id, reason) {
      calls.push(["stop", reason]);
    },
  };
  const stream = new Stream();
  const media = { getDisplayMedia: async () => stream, Recorder };
  const states = [];
  const made = new Recording({ api, media, changed: (state) => states.push(state), pause: async () => undefined });
  return { made, calls, states, stream };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test("chunks go one after the other, and the end comes last", async () => {
  const { made, calls, stream } = recording();
  assert.equal(await made.start("note"), true);
  assert.equal(made.state.state, "recording");
  Recorder.made.at(-1).give(10);
  Recorder.made.at(-1).give(20);
  await made.stop();
  assert.deepEqual(calls, [["start", "video/webm;codecs=vp8", "window"], ["chunk", 0], ["chunk", 1], ["chunk", 2], ["stop", "author"]]);
  assert.deepEqual([made.state.state, made.state.bytes, made.state.chunks, made.state.ended, made.state.problem], ["idle", 35, 3, "author", null]);
  assert.equal(stream.track.stopped, true);
});

test("a chunk is sent again until the host has signed it", async () => {
  const { made, calls, states } = recording([new Refusal(0, "gone"), new Refusal(503, "disk full")]);
  await made.start();
  Recorder.made.at(-1).give(10);
  await settled();
  assert.deepEqual(calls.slice(1), [["chunk", 0], ["chunk", 0], ["chunk", 0]]);
  assert.ok(states.some((state) => state.problem === "disk full"));
  assert.equal(made.state.problem, null);
  await made.stop();
});

test("a chunk that the host refuses ends the recording: a chain with a hole is none", async () => {
  const { made, calls } = recording([new Refusal(404, "not under way")]);
  await made.start();
  Recorder.made.at(-1).give(10);
  await settled();
  assert.deepEqual(calls.slice(1), [["chunk", 0]]);
  assert.deepEqual([made.state.state, made.state.ended, made.state.problem], ["idle", "refused", "not under way"]);
});

test("a recording that has reached its size ends", async () => {
  const { made, calls } = recording([{ ended: null }, { ended: "limit" }]);
  await made.start();
  Recorder.made.at(-1).give(10);
  Recorder.made.at(-1).give(20);
  await settled();
  assert.deepEqual(calls.slice(1), [["chunk", 0], ["chunk", 1]]);
  assert.deepEqual([made.state.state, made.state.ended, made.state.bytes], ["idle", "limit", 10]);
});

test("what the host does not answer for is not piled up without end", async () => {
  const { made } = recording(Array.from({ length: 1000 }, () => new Refusal(0, "gone")));
  await made.start();
  Recorder.made.at(-1).give(100 << 20);
  Recorder.made.at(-1).give(100 << 20);
  await settled();
  assert.deepEqual([made.state.state, made.state.ended, made.state.problem], ["idle", "waiting", null]);
});

test("the browser's own button ends it, and a picker that is left begins nothing", async () => {
  const { made, calls, stream } = recording();
  await made.start();
  stream.track.dispatchEvent(new Event("ended"));
  await settled();
  assert.deepEqual(calls.at(-1), ["stop", "source-ended"]);
  const left = Object.assign(new Error("no"), { name: "NotAllowedError" });
  const other = new Recording({ api: {}, media: { getDisplayMedia: () => Promise.reject(left), Recorder }, changed: () => undefined });
  assert.equal(await other.start(), false);
  assert.equal(other.state.state, "idle");
});

test("a browser that cannot do it is told apart", () => {
  assert.equal(mediaOf({ navigator: {} }), null);
  assert.equal(mediaOf({ navigator: { mediaDevices: { getDisplayMedia() {} } } }), null);
  assert.ok(mediaOf({ navigator: { mediaDevices: { getDisplayMedia() {} } }, MediaRecorder: Recorder }));
});
