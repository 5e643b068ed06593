/**
 * The record's HTTP doors, as `docs/http.md` names them. Knows no page: `request` carries each call, and is given from outside.
 *
 * @typedef {(path: string, options?: RequestInit) => Promise<Response>} Request
 */

const BASE = "/provenance/v1";

/** The host answered with an error. `status` is 0 when it did not answer at all; 404 without a JSON body is a door that is not there. */
export class Refusal extends Error {
  constructor(status, message, missing = false) {
    super(message);
    this.status = status;
    this.missing = missing;
  }
}

/**
 * JSON as written: whole numbers that JavaScript cannot hold, such as seeds up to 2^64-1, become strings of their digits.
 * @param {string} text
 */
export function parse(text) {
  if (!/\d{16}/u.test(text)) {
    return JSON.parse(text);
  }
  return JSON.parse(text.replace(TOKENS, (token) => (isLarge(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token)));
}

/** Strings and numbers of a JSON text. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gu;
const isLarge = (token) => /^-?\d{16,}$/u.test(token);

/** Whether a call was given up on purpose. @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/** What an error says. @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** The doors of one host. Every method that asks rejects with a `Refusal`. */
export class Record {
  #request;

  /** @param {Request} request */
  constructor(request) {
    this.#request = request;
  }

  /** Runs, newest first: `{items, next}`. `filter` holds `text`, `status`, `decision`, `label`, `model`, `since`, `until`. */
  /** @param {{limit?: number, cursor?: string|null, filter?: object, signal?: AbortSignal}} [asked] */
  executions({ limit = 200, cursor = null, filter = {}, signal = undefined } = {}) {
    return this.#get(`executions?${query({ limit, cursor, ...filter })}`, signal);
  }

  execution(ref, signal) {
    return this.#get(`executions/${encodeURIComponent(ref)}`, signal);
  }

  lineage(ref, signal) {
    return this.#get(`lineage/${encodeURIComponent(ref)}`, signal);
  }

  diff(a, b, signal) {
    return this.#get(`diff?${query({ a, b })}`, signal);
  }

  /** The recorded graph and what has drifted. Its numbers are left to JSON.parse: the graph is for the page, which cannot hold others. */
  async restore(ref) {
    const response = await this.#send(`restore/${encodeURIComponent(ref)}`);
    const text = await response.text();
    return { ...JSON.parse(text), unrepresentable: unsafeNumbers(text) };
  }

  putBack(ref) {
    return this.#post(`restore/${encodeURIComponent(ref)}/inputs`, {});
  }

  status(signal) {
    return this.#get("status", signal);
  }

  /** How it stands with time-stamps, and authorities to choose from. */
  times() {
    return this.#get("times");
  }

  /** Ask the chosen authorities now; answers as `times`. */
  anchorNow() {
    return this.#post("times/now", {});
  }

  /** Record a time-stamp that was made elsewhere. @param {string} token in base64 */
  bringToken(token) {
    return this.#post("times/tokens", { token });
  }

  /** The newest signed checkpoint and its fingerprint. */
  checkpoint() {
    return this.#get("checkpoint");
  }

  storage() {
    return this.#get("storage");
  }

  /** Begin a clean-up, or only look what it would take. @param {{dry_run: boolean, in_place: boolean, rejected: boolean, before: string|null, thumbnails: boolean}} wish */
  clean(wish) {
    return this.#post("storage/clean", wish);
  }

  /** How far the clean-up is. @returns {Promise<import("./record.js").Work>} */
  cleaning(signal) {
    return this.#get("storage/clean", signal);
  }

  /** Begin to keep released copies again, of files that are still there. */
  keepAgain() {
    return this.#post("storage/keep-again", {});
  }

  /** What the host keeps, as saved. */
  settings() {
    return this.#get("settings");
  }

  changeSettings(changes) {
    return this.#post("settings", changes);
  }

  labels() {
    return this.#get("labels");
  }

  /**
   * Sign a verdict (`keep`, `reject`, `clear`), a rating (`rate`) or a `note` on a run, or on one output of it. `over` names the
   * candidates that a kept one was chosen over.
   *
   * @param {{execution: string, output?: string|null, decision: string, rating?: number|null, reason?: string|null,
   *   over?: {execution: string, output: string|null}[]}} said
   */
  decide({ execution, output = null, decision, rating = null, reason = null, over = [] }) {
    return this.#post("decisions", { execution, output, decision, rating, reason, ...(over.length > 0 ? { over } : {}) });
  }

  /** All ideas with their versions, oldest first. */
  intents() {
    return this.#get("intents");
  }

  /** Sign an idea, or a new version of one, with the pictures that it refers to. @param {object} said @param {File[]} references */
  intend(said, references = []) {
    return this.#form("intents", said, references.map((file) => ["reference", file, file.name]));
  }

  /** What was brought in, newest first. */
  imports({ limit = 50, cursor = null } = {}) {
    return this.#get(`imports?${query({ limit, cursor })}`);
  }

  /** Bring a file in. @param {object} said @param {File} file @param {File|null} project */
  bring(said, file, project = null) {
    return this.#form("imports", said, [["file", file, file.name], ...(project ? [["project", project, project.name]] : [])]);
  }

  recordings() {
    return this.#get("recordings");
  }

  startRecording(capture) {
    return this.#post("recordings", capture);
  }

  /** One piece of a recording. @param {string} recording @param {object} said @param {Blob} data */
  chunk(recording, said, data) {
    return this.#form(`recordings/${encodeURIComponent(recording)}/chunks`, said, [["chunk", data, "chunk"]]);
  }

  /** End a recording; `keepalive` where the page is about to go. @param {string} recording @param {string} reason @param {boolean} keepalive */
  stopRecording(recording, reason, keepalive = false) {
    return this.#post(`recordings/${encodeURIComponent(recording)}/stop`, { reason }, { keepalive });
  }

  static recordingPath(recording) {
    return `${BASE}/recordings/${encodeURIComponent(recording)}/file`;
  }

  label(execution, label) {
    return this.#post("labels", { execution, label });
  }

  /** `state` is `paused` or `recording`. */
  recording(state, reason = null) {
    return this.#post("recording", { state, reason });
  }

  /** Which recorded outputs a file is. @param {File} file */
  async identify(file) {
    const body = new FormData();
    body.append("file", file, file.name);
    return parse(await (await this.#send("identify", { method: "POST", body })).text());
  }

  /** An object of the ledger, parsed. */
  async document(sha256, signal) {
    return parse(await (await this.#send(`objects/${sha256}`, { signal })).text());
  }

  /** The exact bytes of an object. @returns {Promise<Blob>} */
  async object(sha256) {
    return (await this.#send(`objects/${sha256}`)).blob();
  }

  /** What to know before a run is queued again: `{execution, drift, hindrances}`. */
  replayPlan(ref) {
    return this.#get(`replays/${encodeURIComponent(ref)}`);
  }

  /** The cells of a sheet of variations: `{execution, sheet, cells}`. */
  planSheet(ref, axes, most) {
    return this.#post(`replays/${encodeURIComponent(ref)}/sheet`, { axes, most });
  }

  /** A sheet as far as it was queued. */
  sheet(id, signal) {
    return this.#get(`sheets/${encodeURIComponent(id)}`, signal);
  }

  /** Have the host free its caches, when nothing runs: `{fresh, waiting, reason}`. */
  fresh() {
    return this.#post("fresh", {});
  }

  /** Queue a run again, as it was or varied, and answer with the host's id of it. The graph passes through as text. */
  async queueAgain(ref, wanted) {
    const headers = { "Content-Type": "application/json" };
    const path = `replays/${encodeURIComponent(ref)}/prompt`;
    const body = await (await this.#send(path, { method: "POST", headers, body: JSON.stringify(wanted) })).text();
    const response = await this.#request("/prompt", { method: "POST", headers, body });
    const answer = await response.json();
    if (!response.ok) {
      throw new Refusal(response.status, [answer.error?.message, answer.error?.details].filter(Boolean).join(": ") || `HTTP ${response.status}`);
    }
    return String(answer.prompt_id);
  }

  /**
   * Take runs out of the queue, and interrupt the one of them that is running: again for a moment, since ComfyUI forgets a
   * request that comes before the first node of a run.
   * @param {string[]} ids
   * @param {number} [pause] between two requests, in ms
   */
  async cancel(ids, pause = 250) {
    const headers = { "Content-Type": "application/json" };
    await this.#request("/queue", { method: "POST", headers, body: JSON.stringify({ delete: ids }) });
    for (let times = 0; times < 8; times += 1) {
      const { queue_running: running } = await (await this.#request("/queue")).json();
      const ours = (running ?? []).map(([, id]) => id).filter((id) => ids.includes(id));
      if (!ours.length) {
        return;
      }
      for (const id of ours) {
        await this.#request("/interrupt", { method: "POST", headers, body: JSON.stringify({ prompt_id: id }) });
      }
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  /** A run as one small file. @returns {Promise<Blob>} */
  async parcel(ref) {
    return (await this.#send(`parcels/${encodeURIComponent(ref)}`)).blob();
  }

  /** Check a snapshot file, and what is different here. Its graph is for the page, which cannot hold other numbers. @param {File} file */
  async openParcel(file, putBack = false) {
    const body = new FormData();
    body.append("statement", JSON.stringify({ put_back: putBack }));
    body.append("file", file, file.name);
    const text = await (await this.#send("parcels", { method: "POST", body })).text();
    return { ...JSON.parse(text), unrepresentable: unsafeNumbers(text) };
  }

  static thumbnailPath(sha256) {
    return `${BASE}/thumbnails/${sha256}`;
  }

  /** Have a dossier written; `dossier` tells how far it is. @returns {Promise<any>} */
  async beginDossier(wanted) {
    return this.#post("dossiers", wanted);
  }

  /** @returns {Promise<any>} */
  async dossier(id) {
    return this.#get(`dossiers/${encodeURIComponent(id)}`);
  }

  async cancelDossier(id) {
    return this.#post(`dossiers/${encodeURIComponent(id)}/cancel`, {});
  }

  /** @returns {Promise<Blob>} */
  async dossierFile(id) {
    return (await this.#send(`dossiers/${encodeURIComponent(id)}/file`)).blob();
  }

  static objectPath(sha256) {
    return `${BASE}/objects/${sha256}`;
  }

  async #get(path, signal) {
    return parse(await (await this.#send(path, { signal })).text());
  }

  async #post(path, body, more = {}) {
    const options = { ...more, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return parse(await (await this.#send(path, options)).text());
  }

  /** A JSON statement with files: `[part, file, name]` each. */
  async #form(path, said, files) {
    const body = new FormData();
    body.append("statement", JSON.stringify(said));
    for (const [part, file, name] of files) {
      body.append(part, file, name);
    }
    return parse(await (await this.#send(path, { method: "POST", body })).text());
  }

  async #send(path, options) {
    let response;
    try {
      response = await this.#request(`${BASE}/${path}`, options);
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      throw new Refusal(0, messageOf(error));
    }
    if (!response.ok) {
      const { message, told } = await said(response);
      throw new Refusal(response.status, message, !told && (response.status === 404 || response.status === 405));
    }
    return response;
  }
}

async function said(response) {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    if (typeof error === "string") {
      return { message: error, told: true };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
  }
  return { message: `HTTP ${response.status}`, told: false };
}

function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") {
      search.set(name, String(value));
    }
  }
  return search.toString();
}

/** Whole numbers in a JSON text that JavaScript would round. @param {string} text @returns {string[]} */
export function unsafeNumbers(text) {
  if (!/\d{16}/u.test(text)) {
    return [];
  }
  return (text.match(TOKENS) ?? []).filter((token) => isLarge(token) && BigInt(Number(token)) !== BigInt(token));
}
