/** Comparing candidates and choosing one of them, with the reason; what was not chosen is named, and not rejected. */

import { messageOf } from "../api.js";
import { openDialog } from "./dialog.js";
import { button, h } from "./dom.js";

const MOST_RUNS = 24;

/** @param {import("./desk.js").Parts} parts @param {string|null} id */
export async function openChoosing(parts, id) {
  const { t, api, toast, changed } = parts;
  const candidates = id === null ? [] : await around(api, id);
  if (candidates.length < 2) {
    toast("info", t(id === null ? "choose.select" : "choose.alone"));
    return;
  }
  let chosen = candidates[0];
  const compared = new Set(candidates);
  const reason = h("textarea", { rows: 2, placeholder: t("choose.reason"), "aria-label": t("choose.reason"), testid: "provenance-choose-reason" });
  const tiles = candidates.map((each) => tile(each));
  const send = button({ text: t("ask.sign"), kind: "primary", testid: "provenance-choose-sign", on: () => void sign() });

  function tile(each) {
    const pick = h("input", { type: "radio", name: "cpv-choose", checked: each === chosen, "aria-label": each.output.file ?? each.output.sha256 });
    pick.addEventListener("change", () => {
      chosen = each;
      compared.add(each);
      box.checked = true;
    });
    const box = h("input", { type: "checkbox", checked: true, "aria-label": t("choose.compared") });
    box.addEventListener("change", () => (box.checked || each === chosen ? compared.add(each) : compared.delete(each)));
    return h("div", { class: "cpv-tile", "data-output": each.output.sha256 }, h("label", {}, parts.pictures.full(each.output), pick, " ", each.execution.slice(0, 8)), h("label", { class: "cpv-check" }, box, t("choose.compared")));
  }

  async function sign() {
    send.disabled = true;
    try {
      const over = [...compared].filter((each) => each !== chosen).map((each) => ({ execution: each.execution, output: each.output.sha256 }));
      await api.decide({ execution: chosen.execution, output: chosen.output.sha256, decision: "keep", reason: reason.value || null, over });
      toast("success", t("choose.signed", { count: over.length }));
      changed();
      dialog.close();
    } catch (error) {
      toast("error", t("choose.failed"), messageOf(error));
    } finally {
      send.disabled = false;
      send.focus();
    }
  }

  const dialog = openDialog({
    title: t("choose.title"),
    testid: "provenance-choosing",
    closeTitle: t("close"),
    wide: true,
    content: [h("p", { class: "muted" }, t("choose.explain")), h("div", { class: "cpv-tiles" }, ...tiles), reason],
    actions: [send],
  });
}

/** Outputs of a run and of those that descend from the same canvas. */
async function around(api, id) {
  const run = await api.execution(id);
  const parent = run.parent?.known ? run.parent.execution : null;
  const siblings = parent === null ? [id] : (await api.execution(parent)).children;
  const near = siblings.indexOf(id);
  const ids = siblings.slice(Math.max(0, near - MOST_RUNS / 2), near + MOST_RUNS / 2);
  const runs = await Promise.all(ids.map((each) => (each === id ? run : api.execution(each))));
  const seen = new Set();
  return runs.flatMap((each) =>
    each.outputs
      .filter((output) => output.sha256 && output.file && (output.media_type ?? "").startsWith("image/") && !seen.has(output.sha256) && seen.add(output.sha256))
      .map((output) => ({ execution: each.execution, output })),
  );
}
