/** What the author can do with a run. Each action tells how it went; none of them throws into the page. */

import { Refusal } from "./api.js";
import { keepDraft, readDrafts } from "./drafts.js";
import { labelOf } from "./fold.js";
import { setHead } from "./head.js";
import * as host from "./host.js";
import { replay } from "./replay.js";
import { differing, hasDrift, prepare } from "./restore.js";
import { find } from "./state.js";
import { openComparison } from "./view/compare.js";
import { h } from "./view/dom.js";
import { openDialog } from "./view/dialog.js";
import { openDrift } from "./view/drift.js";
import { shortId, shown } from "./words.js";

const MARK = "#f59e0b";

export class Actions {
  #api;
  #store;
  #t;
  #pictures;
  /** @type {{differs: string[], marked: string[]}} */
  #framed = { differs: [], marked: [] };

  /** @param {{api: import("./api.js").Record, store: import("./store.js").Store, t: Function, pictures: object}} options */
  constructor({ api, store, t, pictures }) {
    this.#api = api;
    this.#store = store;
    this.#t = t;
    this.#pictures = pictures;
  }

  /** Tell of a drift if there is any, then put the graph of a run on the canvas, as its head. */
  reload(id) {
    return this.#told("reload.failed", async () => {
      const restored = await this.#api.restore(id);
      if (!hasDrift(restored)) {
        await this.#load(restored, []);
        return;
      }
      openDrift(restored, {
        t: this.#t,
        putBack: async () => (await this.#api.putBack(id)).written,
        load: (choices) => void this.#told("reload.failed", () => this.#load(restored, choices)),
        failed: (error) => this.#tell(error, "drift.putBackFailed"),
      });
    });
  }

  async #load(restored, choices) {
    const t = this.#t;
    const { execution, kind } = restored;
    const before = host.serialized();
    const { document, marked } = prepare(restored, choices);
    if (!host.hasTabs() && before !== null && !keepDraft(localStorage, before, new Date().toISOString())) {
      host.toast("warn", t("reload.noRoom"));
      return;
    }
    const run = find(this.#store.state, execution);
    const words = (run && labelOf(run)) ?? t("reload.name");
    const name = `${words} ${shortId(execution).slice(1)}`.replace(/[\\/:*?"<>|#%]/gu, "").trim();
    if (kind === "workflow") {
      await host.showWorkflow(document, name);
    } else {
      await host.showPrompt(document, name);
      for (const graph of [host.canvasGraph(), ...host.storedStates(host.openTab())]) {
        setHead(graph, execution);
      }
    }
    this.#store.apply((now) => ({ ...now, head: execution, selected: execution, draft: !host.hasTabs() && before !== null }));
    const differs = differing(before, host.serialized());
    const lines = [t(host.hasTabs() ? "reload.tab" : "reload.draft")];
    if (marked.length > 0) {
      lines.push(t("reload.emptied", { count: marked.length }));
    }
    this.#framed = { differs, marked };
    this.frame(host.setting("Provenance.MarkDifferences", false));
    host.toast("success", t("reload.done", { id: shortId(execution) }), lines.join(" "));
  }

  /** Put the canvas that the last reload replaced back on the canvas, and keep the one that stands there in its stead. */
  openDraft() {
    return this.#told("reload.failed", async () => {
      const [draft] = readDrafts(localStorage);
      const before = host.serialized();
      if (draft === undefined || (before !== null && !keepDraft(localStorage, before, new Date().toISOString()))) {
        host.toast("warn", this.#t("reload.noRoom"));
        return;
      }
      await host.showWorkflow(draft.workflow, this.#t("reload.name"));
    });
  }

  /** The notice of a draft goes; the draft stays. */
  forgetDraft() {
    this.#store.apply((now) => ({ ...now, draft: false }));
  }

  /** Frame the nodes that differ from the canvas before the last reload, or take the frames away. */
  frame(on) {
    const { differs, marked } = this.#framed;
    host.mark(on ? [...differs, ...marked] : marked, MARK);
    this.#store.apply((now) => ({ ...now, frames: differs.length > 0 ? { count: differs.length, on } : null }));
  }

  /** Take all frames away, and the offer to draw them. */
  forgetFrames() {
    this.#framed = { differs: [], marked: [] };
    this.frame(false);
  }

  /** Sign what the author says of a run. @returns {Promise<boolean>} */
  decide(execution, said) {
    return this.#told("decide.failed", async () => {
      await this.#api.decide({ execution, ...said });
      this.#store.recorded({ kind: "decision", execution });
    });
  }

  label(execution, text) {
    return this.#told("decide.failed", async () => {
      await this.#api.label(execution, text);
      this.#store.recorded({ kind: "decision", execution });
    });
  }

  /** Pause or resume recording. The pause is recorded itself. */
  recording(state) {
    return this.#told("recording.failed", async () => {
      await this.#api.recording(state);
      await this.#store.readStatus();
      host.toast(state === "paused" ? "warn" : "info", this.#t(`recording.${state}`));
    });
  }

  /** Show two runs beside each other, the older one first. */
  compare(a, b, go) {
    return this.#told("compare.failed", async () => {
      const [one, other] = await Promise.all([this.#api.execution(a), this.#api.execution(b)]);
      const [older, newer] = one.submitted_at <= other.submitted_at ? [one, other] : [other, one];
      const diff = await this.#api.diff(older.execution, newer.execution);
      openComparison({ a: older, b: newer, diff }, { t: this.#t, full: this.#pictures.full, picture: this.#pictures.small, go });
    });
  }

  copyId(execution) {
    return this.#told("copy.failed", async () => {
      await navigator.clipboard.writeText(execution);
      host.toast("info", this.#t("copy.done"), execution);
    });
  }

  /** Save the recorded graph, byte for byte. */
  download(execution) {
    return this.#told("download.failed", async () => {
      const { kind, sha256 } = await this.#api.restore(execution);
      const bytes = await this.#api.object(sha256);
      const link = h("a", { href: URL.createObjectURL(bytes), download: `${kind} ${shortId(execution).slice(1)}.json` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }

  /** Do on the canvas what this step did, and tell what did not fit. */
  apply(execution, parent) {
    return this.#told("apply.failed", async () => {
      const t = this.#t;
      const diff = await this.#api.diff(parent, execution);
      const plan = replay(diff, host.canvasNodes());
      if (plan.set.length > 0) {
        host.asOneEdit(() => host.setWidgets(plan.set));
      }
      const list = (items) => h("ul", { class: "cpv-lines" }, ...items);
      const dialog = openDialog({
        title: t("apply.title", { id: shortId(execution) }),
        testid: "provenance-applied",
        closeTitle: t("close"),
        content: [
          h("h3", {}, t("apply.set", { count: plan.set.length })),
          list(plan.set.map((one) => h("li", {}, `#${one.id} ${one.input}: `, h("del", {}, shown(one.before, t)), " → ", h("ins", {}, shown(one.after, t))))),
          plan.same.length > 0 ? h("p", { class: "muted" }, t("apply.same", { count: plan.same.length })) : null,
          plan.left.length > 0 ? h("h3", {}, t("apply.left", { count: plan.left.length })) : null,
          list(plan.left.map((one) => h("li", {}, `${one.class_type ?? ""} #${one.node} ${one.what}: `, h("span", { class: "muted" }, t(`apply.${one.reason}`))))),
        ].filter(Boolean),
      });
      dialog.querySelector("button").focus();
    });
  }

  /**
   * Find the run that made a file. `go` shows it.
   * @param {File} file
   */
  identify(file, go) {
    return this.#told("identify.failed", async () => {
      const t = this.#t;
      const { found } = await this.#api.identify(file);
      if (found.length === 0) {
        host.toast("warn", t("identify.none"), file.name);
        return;
      }
      const [first] = found;
      await go(first.execution);
      const lines = [...new Map(found.map((one) => [`${one.execution}/${one.sha256}`, one])).values()];
      const dialog = openDialog({
        title: t("identify.title", { name: file.name }),
        testid: "provenance-identified",
        closeTitle: t("close"),
        content: [
          h("p", {}, t(`identify.${first.method}`)),
          h(
            "ul",
            { class: "cpv-lines" },
            ...lines.slice(0, 50).map((one) =>
              h(
                "li",
                {},
                h("button", { type: "button", class: "cpv-link", on: { click: () => (dialog.close(), go(one.execution)) } }, shortId(one.execution)),
                ` ${one.file ?? ""} `,
                h("span", { class: `cpv-basis ${one.basis}` }, t(`basis.${one.basis}`)),
                one.score === null || one.score === undefined ? null : h("span", { class: "muted" }, ` ${Math.round(one.score * 100)} %`),
              ),
            ),
          ),
        ],
      });
    });
  }

  /** The same for a picture at an address of the host. */
  identifyAt(address, go) {
    return this.#told("identify.failed", async () => {
      const response = await fetch(address);
      if (!response.ok) {
        throw new Refusal(response.status, `HTTP ${response.status}`);
      }
      const name = new URL(address, location.href).searchParams.get("filename") ?? "image";
      await this.identify(new File([await response.blob()], name), go);
    });
  }

  /** Show one picture as large as the page allows. */
  enlarge(output) {
    const t = this.#t;
    openDialog({
      title: output.file ?? t("outputs.value"),
      testid: "provenance-picture",
      closeTitle: t("close"),
      wide: true,
      content: [h("div", { class: "cpv-large" }, this.#pictures.full(output))],
    });
  }

  async #told(key, work) {
    try {
      await work();
      return true;
    } catch (error) {
      this.#tell(error, key);
      return false;
    }
  }

  #tell(error, key) {
    const t = this.#t;
    const missing = error instanceof Refusal && error.missing;
    host.toast("error", t(key), missing ? t("host.missing") : error.message);
    if (!(error instanceof Refusal)) {
      console.warn("[Provenance]", error);
    }
  }
}
