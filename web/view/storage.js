/** How much room the record takes, and the clean-up: what would go is told first, and only a second press lets it go. */

import { isAbort, messageOf } from "../api.js";
import { size } from "../words.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";

const POLL_MS = 250;
const WISHES = ["in_place", "thumbnails", "rejected"];

/** @param {{api: import("../api.js").Record, t: Function, lang: string}} parts */
export function openStorage({ api, t, lang }) {
  const closed = new AbortController();
  const { signal } = closed;
  const figures = h("section", {}, h("p", { class: "muted" }, t("loading")));
  const outcome = h("div", { class: "cpv-outcome", role: "status", testid: "provenance-storage-outcome" });
  const boxes = new Map(WISHES.map((name) => [name, box(name === "in_place", () => forget())]));
  const before = h("input", { type: "date", class: "cpv-input", "aria-label": t("storage.before"), on: { change: () => forget() } });
  const look = button({ text: t("storage.look"), kind: "primary", testid: "provenance-storage-look", on: () => void work(() => api.clean(wish(true)), told) });
  const again = button({ text: t("storage.again"), testid: "provenance-storage-again", on: () => void work(() => api.keepAgain(), kept) });

  const wish = (dry_run) => ({
    dry_run,
    in_place: checked("in_place"),
    thumbnails: checked("thumbnails"),
    rejected: checked("rejected"),
    before: before.value === "" ? null : before.value,
  });
  const checked = (name) => boxes.get(name)?.checked ?? false;
  const forget = () => outcome.replaceChildren();

  /** What would go, and the button that lets it go. @param {import("../record.js").Cleaning} found */
  function told(found) {
    const lines = Object.entries(found.roles).filter(([, heap]) => heap.count > 0);
    const lost = found.reasons.rejected.count + found.reasons.age.count;
    put(
      outcome,
      h("p", {}, found.count === 0 ? t("storage.nothing") : t("storage.would", { count: found.count, size: size(found.bytes) })),
      h("ul", { class: "cpv-lines" }, ...lines.map(([role, heap]) => h("li", {}, `${t(`storage.${role}`)}: ${heap.count} · ${size(heap.bytes)}`))),
      found.spared > 0 ? h("p", { class: "muted" }, t("storage.spared", { count: found.spared })) : null,
      lost > 0 ? h("p", { class: "cpv-warning" }, t("storage.forGood", { count: lost })) : null,
      found.count > 0 ? button({ text: t("storage.release", { size: size(found.bytes) }), kind: "reject", testid: "provenance-storage-release", on: () => void work(() => api.clean(wish(false)), gone) }) : null,
    );
  }

  /** @param {import("../record.js").Cleaning} found */
  function gone({ released }) {
    const { count, bytes, left } = released ?? { count: 0, bytes: 0, left: 0 };
    put(outcome, h("p", { class: "good" }, t("storage.released", { count, size: size(bytes) })), left > 0 ? h("p", { class: "muted" }, t("storage.left", { count: left })) : null);
    void read();
  }

  function kept({ count, bytes, left }) {
    put(outcome, h("p", { class: "good" }, t("storage.keptAgain", { count, size: size(bytes) })), left > 0 ? h("p", { class: "muted" }, t("storage.notAgain", { count: left })) : null);
    void read();
  }

  /** Begin some work, tell how far it is, and hand on its result. */
  async function work(begin, then) {
    const buttons = [look, again, ...outcome.querySelectorAll("button")];
    buttons.forEach((one) => (one.disabled = true));
    put(outcome, h("p", { class: "muted" }, t("storage.working")));
    try {
      let state = await begin();
      while (state.running) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        state = await api.cleaning(signal);
        if (state.running && state.done > 0) {
          put(outcome, h("p", { class: "muted" }, t("storage.working"), ` ${state.done}${state.total === null ? "" : ` / ${state.total}`}`));
        }
      }
      if (state.error !== null) {
        fail(state.error);
      } else {
        then(state.result);
      }
    } catch (error) {
      if (!isAbort(error)) {
        fail(messageOf(error));
      }
    } finally {
      look.disabled = again.disabled = false;
    }
  }

  const fail = (reason) => put(outcome, h("p", { class: "cpv-warning", role: "alert" }, t("storage.failed", { reason })));

  async function read() {
    try {
      const [room, status] = await Promise.all([api.storage(), api.status(signal)]);
      put(figures, ...drawn(room, status, t));
    } catch (error) {
      if (!isAbort(error)) {
        put(figures, h("p", { class: "cpv-warning", role: "alert" }, t("storage.unread", { reason: messageOf(error) })));
      }
    }
  }

  const choice = (input, name) => h("label", { class: "cpv-choice" }, input, h("span", {}, t(`storage.${name}`), h("span", { class: "muted" }, ` ${t(`storage.${name}.long`)}`)));
  openDialog({
    title: t("storage.title"),
    testid: "provenance-storage",
    closeTitle: t("close"),
    content: [
      figures,
      h(
        "section",
        { lang },
        h("h3", {}, t("storage.clean")),
        h("p", { class: "muted" }, t("storage.intro")),
        ...WISHES.map((name) => choice(boxes.get(name), name)),
        h("label", { class: "cpv-choice" }, h("span", {}, t("storage.age"), h("span", { class: "muted" }, ` ${t("storage.age.long")}`)), before),
        h("div", { class: "cpv-row-of-buttons" }, look, again),
        outcome,
      ),
    ],
    onClose: () => closed.abort(),
  });
  void read();
}

function box(checked, changed) {
  const input = h("input", { type: "checkbox", on: { change: changed } });
  input.checked = checked;
  return input;
}

/** @param {import("../record.js").Storage} room @param {import("../record.js").Status} status @param {Function} t */
function drawn(room, status, t) {
  const row = (name, count, bytes) => h("tr", {}, h("td", {}, t(`storage.${name}`)), h("td", { class: "number" }, String(count)), h("td", { class: "number" }, bytes === null ? "" : size(bytes)));
  const copies = [room.thumbnails, room.kept.inputs, room.kept.outputs];
  const others = (member) => Math.max(0, room.objects[member] - copies.reduce((sum, heap) => sum + heap[member], 0));
  const place = (name, path) => (path ? h("tr", {}, h("td", {}, t(`storage.${name}`)), h("td", { colspan: "2" }, h("code", {}, path))) : null);
  return [
    h(
      "table",
      { class: "cpv-table", testid: "provenance-storage-figures" },
      place("ledger", room.ledger.path),
      place("key", status.key_file),
      row("onDisk", "", room.ledger.bytes),
      row("entries", room.entries.count, null),
      row("documents", others("count"), others("bytes")),
      row("thumbnail", room.thumbnails.count, room.thumbnails.bytes),
      row("input", room.kept.inputs.count, room.kept.inputs.bytes),
      row("output", room.kept.outputs.count, room.kept.outputs.bytes),
      room.released.count > 0 ? row("gone", room.released.count, room.released.bytes) : null,
    ),
    h("p", { class: "muted" }, t("storage.uncompressed")),
  ];
}
