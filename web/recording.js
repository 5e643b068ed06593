/**
 * A screen recording that is signed while it is made: the browser captures, each chunk goes to the host and is answered once
 * its entry is durable. Knows no page and no drawing; what the browser offers is given from outside.
 *
 * @typedef {{getDisplayMedia: (options: object) => Promise<MediaStream>, Recorder: typeof MediaRecorder}} Media
 * @typedef {{state: "idle"|"asking"|"recording"|"stopping", since: number|null, bytes: number, chunks: number, waiting: number,
 *   recording: string|null, problem: string|null, ended: string|null}} Filming
 */

import { messageOf, Refusal } from "./api.js";

const CHUNK_MS = 4000;
const MOST_WAITING = 128 * 1024 * 1024; // bytes that the host has not answered for
const FRAME_RATE = 15;
const BITS_PER_SECOND = 2_500_000;
const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** @returns {Filming} */
function idle() {
  return { state: "idle", since: null, bytes: 0, chunks: 0, waiting: 0, recording: null, problem: null, ended: null };
}

/** Whether a browser can do this at all: it needs a secure page, such as one from this machine. @param {any} scope */
export function mediaOf(scope) {
  const devices = scope.navigator?.mediaDevices;
  if (typeof devices?.getDisplayMedia !== "function" || typeof scope.MediaRecorder !== "function") {
    return null;
  }
  return { getDisplayMedia: (options) => devices.getDisplayMedia(options), Recorder: scope.MediaRecorder };
}

/** One recorder of one page. `changed(state)` is told of every change. */
export class Recording {
  #api;
  /** @type {Media} */
  #media;
  #changed;
  #pause;
  /** @type {Filming} */
  #state = idle();
  /** @type {MediaRecorder|null} */
  #recorder = null;
  /** @type {Promise<void>} */
  #sent = Promise.resolve();
  #number = 0;
  #reason = "author";

  /**
   * @param {{api: import("./api.js").Record, media: Media, changed: (state: Filming) => void, pause?: (ms: number) => Promise<void>}} parts
   */
  constructor({ api, media, changed, pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }) {
    this.#api = api;
    this.#media = media;
    this.#changed = changed;
    this.#pause = pause;
  }

  get state() {
    return this.#state;
  }

  /** Ask the author what to show, and begin. Rejects when the host refuses; a picker that is left answers false. @param {string|null} note */
  async start(note = null) {
    if (this.#state.state !== "idle") {
      return false;
    }
    this.#set({ ...idle(), state: "asking" });
    let stream;
    try {
      stream = await this.#media.getDisplayMedia({ video: { frameRate: { max: FRAME_RATE } }, audio: false, selfBrowserSurface: "include", surfaceSwitching: "include" });
    } catch (error) {
      this.#set(idle());
      if (error instanceof Error && error.name === "NotAllowedError") {
        return false;
      }
      throw error;
    }
    try {
      await this.#begin(stream, note);
    } catch (error) {
      stream.getTracks().forEach((track) => track.stop());
      this.#set(idle());
      throw error;
    }
    return true;
  }

  /**
   * End it; settles once everything up to the end is signed. Asked again while the host does not answer, what it has not
   * answered for is given up.
   * @param {string} reason
   */
  async stop(reason = "author") {
    if (this.#state.state === "stopping" && this.#state.problem !== null) {
      this.#set({ ...this.#state, ended: "waiting" });
    }
    if (this.#state.state !== "recording" || this.#recorder === null) {
      return;
    }
    this.#reason = reason;
    this.#set({ ...this.#state, state: "stopping" });
    const recorder = this.#recorder;
    const over = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
    if (recorder.state !== "inactive") {
      recorder.stop(); // gives what is left as a last chunk first
    } else {
      recorder.dispatchEvent(new Event("stop"));
    }
    await over;
    await this.#end();
  }

  /** The page goes away: tell the host what it can still be told. What it has answered for is kept. */
  leave() {
    if (this.#state.recording !== null && this.#state.state === "recording") {
      void this.#api.stopRecording(this.#state.recording, "page-gone", true).catch(() => undefined);
    }
  }

  /** @param {MediaStream} stream @param {string|null} note */
  async #begin(stream, note) {
    const type = TYPES.find((each) => this.#media.Recorder.isTypeSupported(each)) ?? "video/webm";
    const [track] = stream.getVideoTracks();
    const { displaySurface = null, width = null, height = null, frameRate = null } = track.getSettings();
    const told = await this.#api.startRecording({
      media_type: type,
      surface: displaySurface,
      width,
      height,
      frame_rate: frameRate,
      audio: stream.getAudioTracks().length > 0,
      note: note || null,
    });
    const recorder = new this.#media.Recorder(stream, { mimeType: type, videoBitsPerSecond: BITS_PER_SECOND });
    this.#recorder = recorder;
    this.#number = 0;
    this.#reason = "author";
    this.#sent = Promise.resolve();
    const since = Date.now();
    recorder.addEventListener("dataavailable", (event) => this.#queue(event.data, Date.now() - since));
    track.addEventListener("ended", () => void this.stop("source-ended")); // the browser's own button
    recorder.addEventListener("error", () => void this.stop("source-ended"));
    recorder.start(CHUNK_MS);
    this.#set({ ...idle(), state: "recording", since, recording: told.recording });
  }

  /** @param {Blob} data @param {number} untilMs */
  #queue(data, untilMs) {
    if (data.size === 0 || this.#state.recording === null || this.#state.ended !== null) {
      return;
    }
    if (this.#state.waiting + data.size > MOST_WAITING) {
      this.#fail("waiting");
      return;
    }
    const number = this.#number;
    this.#number += 1;
    this.#set({ ...this.#state, waiting: this.#state.waiting + data.size });
    this.#sent = this.#sent.then(() => this.#send(number, data, untilMs));
  }

  /** Send one chunk until it is signed. What the host refuses ends the recording: a chain with a hole is none. @param {number} number @param {Blob} data @param {number} untilMs */
  async #send(number, data, untilMs) {
    for (let tries = 0; this.#state.recording !== null && this.#state.ended === null; tries += 1) {
      try {
        const told = await this.#api.chunk(this.#state.recording, { number, until_ms: untilMs }, data);
        const { waiting, bytes, chunks } = this.#state;
        const ended = told.ended ?? null;
        this.#set({ ...this.#state, waiting: waiting - data.size, bytes: bytes + (ended ? 0 : data.size), chunks: chunks + (ended ? 0 : 1), problem: null, ended });
        if (ended !== null) {
          void this.stop();
        }
        return;
      } catch (error) {
        const refused = error instanceof Refusal && error.status !== 0 && error.status < 500;
        this.#set({ ...this.#state, problem: messageOf(error) });
        if (refused) {
          this.#fail("refused");
          return;
        }
        await this.#pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
      }
    }
  }

  /** @param {string} ended */
  #fail(ended) {
    this.#set({ ...this.#state, ended });
    void this.stop();
  }

  async #end() {
    await this.#sent;
    this.#recorder?.stream.getTracks().forEach((track) => track.stop());
    this.#recorder = null;
    const { recording, ended, problem } = this.#state;
    let failed = ended === "waiting" || ended === "refused" ? problem : null;
    if (recording !== null && (ended === null || ended === "waiting")) {
      try {
        await this.#api.stopRecording(recording, this.#reason);
      } catch (error) {
        failed = messageOf(error);
      }
    }
    this.#set({ ...this.#state, state: "idle", problem: failed, ended: ended ?? this.#reason });
  }

  /** @param {Filming} state */
  #set(state) {
    this.#state = state;
    this.#changed(state);
  }
}
