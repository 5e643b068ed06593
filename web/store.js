/**
 * Keeps the state of the tab up to date: reads pages, listens to the host, asks for matches. One for the life of the page,
 * so that the tab is there at once when it is opened again.
 */

import { isAbort, Refusal } from "./api.js";
import * as state from "./state.js";

const PAGE = 200;
const DEEP_PAGE = 500;
const NEWEST = 40;
const MOST_MATCHES = 2000;
const SOON = 120;
const AGAIN = 1500;

export class Store {
  /** @type {import("./state.js").State} */
  state = state.initial();
  #api;
  #listeners = new Set();
  #notify = 0;
  #soon = 0;
  #again = 0;
  #named = new Set();
  /** @type {AbortController|null} */
  #search = null;
  #started = false;

  /** @param {import("./api.js").Record} api */
  constructor(api) {
    this.#api = api;
  }

  /** Call `listener` after each change, at most once a frame. Answers with what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Replace the state by what `change` makes of it. */
  apply(change) {
    const before = this.state;
    this.state = change(before);
    if (this.state !== before && this.#notify === 0) {
      this.#notify = requestAnimationFrame(() => {
        this.#notify = 0;
        for (const listener of this.#listeners) {
          listener(this.state);
        }
      });
    }
  }

  /** Read the first page, once; again after it failed. */
  async start() {
    if (this.#started && this.state.error === null) {
      return;
    }
    this.#started = true;
    await this.#first();
  }

  async #first() {
    this.apply((now) => ({ ...now, loading: true, error: null }));
    await Promise.all([this.state.runs.length === 0 ? this.#page(PAGE) : this.refresh(), this.readStatus()]);
    this.apply((now) => (now.runs.length > 0 && now.loading ? { ...now, loading: false } : now));
  }

  /** Read older runs, if there are any and none are on their way. */
  async older(limit = PAGE) {
    if (!this.state.loading && !this.state.complete && this.state.cursor !== null) {
      this.apply((now) => ({ ...now, loading: true }));
      await this.#page(limit, this.state.cursor);
    }
  }

  /** Something was recorded: `execution` names the run it is about, where it is about one. */
  recorded({ kind, execution }) {
    if (!this.#started) {
      return;
    }
    if (execution && (kind !== "submission" || this.state.runs.some((run) => run.execution === execution))) {
      this.#named.add(execution);
    }
    this.refreshSoon();
  }

  refreshSoon() {
    if (this.#soon === 0) {
      this.#soon = setTimeout(() => {
        this.#soon = 0;
        void this.refresh();
      }, SOON);
    }
  }

  /** Read again what may have changed. */
  async refresh() {
    const named = [...this.#named];
    this.#named.clear();
    await this.#forgiving(async () => {
      const page = await this.#api.executions({ limit: NEWEST });
      this.apply((now) => state.newestLoaded(now, page));
      const there = new Set(page.items.map((run) => run.execution));
      for (const execution of named.filter((id) => !there.has(id) && state.find(this.state, id) !== null)) {
        const run = await this.#api.execution(execution);
        this.apply((now) => state.runLoaded(now, run));
      }
      this.apply(state.revised);
    });
    await this.readStatus();
  }

  async readStatus() {
    try {
      const status = await this.#api.status();
      this.apply((now) => ({ ...now, status }));
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      const status = { state: error.status === 0 ? "offline" : "broken", reason: error.message };
      this.apply((now) => ({ ...now, status }));
    }
  }

  /** Ask for runs; older pages are read until the tree reaches the oldest match that is shown. */
  async filter(filter) {
    this.#search?.abort();
    const search = new AbortController();
    this.#search = search;
    this.apply((now) => state.filtered(now, filter));
    if (this.state.matches === null) {
      return;
    }
    const { signal } = search;
    await this.#forgiving(async () => {
      /** @type {string|null} */
      let cursor = null;
      do {
        const page = await this.#api.executions({ limit: DEEP_PAGE, cursor, filter: this.state.filter, signal });
        if (signal.aborted) {
          return;
        }
        this.apply((now) => state.matchesLoaded(now, page));
        cursor = page.next;
        await this.reach(this.state.matches?.oldest ?? null, signal);
      } while (cursor !== null && !signal.aborted && (this.state.matches?.ids?.size ?? MOST_MATCHES) < MOST_MATCHES);
    });
  }

  /** Read pages until the tree holds a run; answers whether it does. */
  async reach(execution, signal) {
    while (execution !== null && !signal.aborted && state.find(this.state, execution) === null && !this.state.complete) {
      if (this.state.loading) {
        await new Promise((resolve) => setTimeout(resolve, 30));
      } else {
        await this.older(DEEP_PAGE);
        if (this.state.error !== null) {
          return;
        }
      }
    }
  }

  /** @param {number} limit @param {string|null} cursor */
  async #page(limit, cursor = null) {
    await this.#forgiving(async () => {
      const page = await this.#api.executions({ limit, cursor });
      this.apply((now) => (cursor === null ? state.newestLoaded({ ...now, loading: false }, page) : state.pageLoaded(now, page)));
    });
  }

  /** What the host refuses becomes part of the state. */
  async #forgiving(work) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Refusal) {
        const waits = error.status === 503; // as while the ledger is being opened
        this.apply((now) => ({ ...now, loading: waits && now.runs.length === 0, error: waits ? null : error.message }));
        if ((waits || error.status === 0) && this.#again === 0) {
          this.#again = setTimeout(() => {
            this.#again = 0;
            void (this.state.runs.length === 0 ? this.#first() : this.refresh());
          }, AGAIN);
        }
      } else if (!isAbort(error)) {
        throw error;
      }
    }
  }
}
