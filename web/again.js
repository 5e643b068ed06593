/**
 * Queues recorded runs again, and takes runs to other machines: replays, sheets of variations, snapshot files. ComfyUI checks
 * and runs the graph as any other; the canvas and its head are not touched.
 */

import { messageOf, Refusal } from "./api.js";
import * as host from "./host.js";
import { h } from "./view/dom.js";
import { openParcel } from "./view/parcel.js";
import { openReplay, openVary } from "./view/repeating.js";
import { openSheet } from "./view/sheet.js";
import { shortId } from "./words.js";

const POLL_MS = 400;
const ENDED = new Set(["success", "error", "interrupted", "cancelled", "lost"]);
const MOST = 25; // as the command line
const ENDING = ".provenance.zip";

/** Whether a file that was dropped is a snapshot file by its name. @param {File} file */
export function isParcel(file) {
  return file.name.endsWith(ENDING);
}

/** The author stopped it. */
class Stopped extends Error {}

export class Again {
  #api;
  #store;
  #t;
  #pictures;

  /** @param {{api: import("./api.js").Record, store: import("./store.js").Store, t: Function, pictures: object}} options */
  constructor({ api, store, t, pictures }) {
    this.#api = api;
    this.#store = store;
    this.#t = t;
    this.#pictures = pictures;
  }

  /** Tell what has drifted, then queue a run again and compare. */
  replay(id, go) {
    return this.#told("again.failed", async () => {
      const plan = await this.#api.replayPlan(id);
      const work = new Work(this.#api);
      openReplay(plan, {
        t: this.#t,
        go,
        cancel: () => work.stop(),
        start: (putBack, tell) => this.#replay(plan, putBack, tell, work),
      });
    });
  }

  async #replay(plan, putBack, tell, work) {
    const t = this.#t;
    work.begin();
    const written = putBack ? (await this.#api.putBack(plan.execution)).written : [];
    const inputs = written.map((one) => ({ node: one.node, input: one.input, name: one.new_name }));
    await this.#fresh(tell, work);
    const [id] = await work.queue([{ ref: plan.execution, wanted: { inputs } }]);
    tell(t("again.running", { id: shortId(id) }));
    for (;;) {
      const shown = await this.#read(id);
      if (shown !== null && ENDED.has(shown.status) && (shown.replay.outcome !== null || !shown.replay.known)) {
        return shown;
      }
      await work.wait();
    }
  }

  /** Vary one input of a run or two, and show the sheet. */
  vary(id, go) {
    return this.#told("again.failed", async () => {
      const shown = await this.#api.execution(id);
      const prompt = await this.#api.document(shown.snapshot.prompt);
      const work = new Work(this.#api);
      openVary(
        { execution: id, inputs: variable(prompt) },
        {
          t: this.#t,
          go,
          picture: this.#pictures.small,
          cancel: () => work.stop(),
          plan: (axes) => this.#api.planSheet(id, axes, MOST),
          start: (plan, axes, tell) => this.#vary(plan, axes, tell, work),
        },
      );
    });
  }

  async #vary(plan, axes, tell, work) {
    const t = this.#t;
    const total = plan.cells.length;
    work.begin();
    await this.#fresh((words) => tell({ words, done: 0, total }), work);
    const wanted = { sheet: plan.sheet, axes, most: MOST };
    const ids = await work.queue(plan.cells.map((cell) => ({ ref: plan.execution, wanted: { ...wanted, cell: cell.cell } })));
    for (;;) {
      const sheet = await this.#api.sheet(plan.sheet).catch(missing);
      const items = sheet?.items ?? [];
      const done = items.filter((item) => ENDED.has(item.status) && (item.replay.outcome !== null || item.status !== "success")).length;
      tell({ words: t("vary.progress", { done, total }), done, total, sheet });
      if (done >= ids.length) {
        tell({ words: t("vary.label"), done, total, sheet });
        return;
      }
      await work.wait();
    }
  }

  /** Show a sheet that was queued before. */
  sheet(id, go) {
    return this.#told("again.failed", async () => {
      openSheet(await this.#api.sheet(id), { t: this.#t, picture: this.#pictures.small, go });
    });
  }

  /** Save a run as one small file. */
  parcel(id) {
    return this.#told("parcel.failed", async () => {
      const link = h("a", { href: URL.createObjectURL(await this.#api.parcel(id)), download: `run-${shortId(id).slice(1)}${ENDING}` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      host.toast("success", this.#t("parcel.saved"), this.#t("parcel.savedMore"));
    });
  }

  /** Check a snapshot file, tell what is different here, and put its graph on the canvas if the author wants. @param {File} file */
  open(file) {
    return this.#told("parcel.failed", async () => {
      const told = await this.#api.openParcel(file);
      openParcel(told, {
        t: this.#t,
        putBack: async () => (await this.#api.openParcel(file, true)).put_back,
        load: () => void this.#told("reload.failed", () => this.#load(told)),
      });
    });
  }

  async #load(told) {
    const name = `${this.#t("parcel.name")} ${shortId(told.execution).slice(1)}`;
    await (told.kind === "workflow" ? host.showWorkflow(told.workflow, name) : host.showPrompt(told.prompt, name));
  }

  /** Wait until nothing else runs, and have the caches freed. */
  async #fresh(tell, work) {
    for (;;) {
      const answer = await this.#api.fresh();
      if (answer.fresh) {
        return;
      }
      if (answer.waiting === 0) {
        host.toast("warn", this.#t("again.notFresh"), answer.reason);
        return;
      }
      tell(this.#t("again.waiting", { count: answer.waiting }));
      await work.wait();
    }
  }

  async #read(id) {
    return this.#api.execution(id).catch(missing);
  }

  async #told(key, work) {
    try {
      await work();
    } catch (error) {
      const gone = error instanceof Refusal && error.missing;
      host.toast("error", this.#t(key), gone ? this.#t("host.missing") : messageOf(error));
      if (!(error instanceof Refusal)) {
        console.warn("[Provenance]", error);
      }
    }
  }
}

/** Something that is going on and can be stopped: what it queued is then taken back. */
class Work {
  #api;
  #stopped = false;
  /** @type {string[]} */
  #queued = [];

  /** @param {import("./api.js").Record} api */
  constructor(api) {
    this.#api = api;
  }

  begin() {
    this.#stopped = false;
    this.#queued = [];
  }

  stop() {
    this.#stopped = true;
    void this.#api.cancel(this.#queued);
  }

  /** @param {{ref: string, wanted: object}[]} runs */
  async queue(runs) {
    for (const { ref, wanted } of runs) {
      this.#check();
      this.#queued.push(await this.#api.queueAgain(ref, wanted));
    }
    return this.#queued;
  }

  async wait() {
    this.#check();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    this.#check();
  }

  #check() {
    if (this.#stopped) {
      void this.#api.cancel(this.#queued);
      throw new Stopped("stopped");
    }
  }
}

/** Inputs of a graph that hold values of their own: texts first, longest first, then numbers and switches. */
export function variable(prompt) {
  const found = Object.entries(prompt).flatMap(([node, { class_type, inputs }]) =>
    Object.entries(inputs ?? {})
      .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .map(([input, value]) => ({ node, input, class_type, value })));
  const weight = (one) => (typeof one.value === "string" && /\s|,|，/u.test(one.value) ? 1e6 + one.value.length : 0);
  return found.sort((a, b) => weight(b) - weight(a));
}

/** A run that is not written yet is simply not there. */
function missing(error) {
  if (error instanceof Refusal && error.status === 404) {
    return null;
  }
  throw error;
}
