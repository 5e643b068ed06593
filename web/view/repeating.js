/** The windows in which a run is queued again or varied. They draw, and tell what the author asks for; `../again.js` does it. */

import { outcome } from "./again.js";
import { axisForm } from "./axis.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";
import { drawSheet } from "./sheet.js";
import { messageOf } from "../api.js";
import { shortId } from "../words.js";

const NAMED = 6; // cells of a plan that are told by name

/**
 * Ask before a run is queued again, show how far it is, and how it came out.
 *
 * @param {{execution: string, drift: object, hindrances: string[]}} plan
 * @param {{t: Function, start: (putBack: boolean, tell: (words: string) => void) => Promise<object>, cancel: () => void, go: (id: string) => void}} on
 */
export function openReplay(plan, { t, start, cancel, go }) {
  const keeps = plan.drift.inputs.some((input) => input.kept);
  const copies = h("input", { type: "checkbox", testid: "provenance-replay-copies" });
  const body = h("div", {}, h("p", {}, t("again.intro")), driftList(plan.drift, t), keeps ? h("label", { class: "cpv-choice" }, copies, h("span", {}, t("again.copies"))) : null);
  const state = h("p", { class: "cpv-progress", role: "status", testid: "provenance-replay-state" }, plan.hindrances.join("; "));
  let going = false;
  const run = button({
    text: t("again.start"),
    icon: "reload",
    kind: "primary",
    testid: "provenance-replay-start",
    disabled: plan.hindrances.length > 0 && !keeps,
    on: async () => {
      going = true;
      run.disabled = true;
      stop.querySelector("span").textContent = t("again.stop");
      const shown = await start(copies.checked, (words) => (state.textContent = words)).catch((error) => {
        state.textContent = messageOf(error);
        return null;
      });
      going = false;
      run.disabled = false;
      stop.querySelector("span").textContent = t("close");
      if (shown !== null) {
        state.textContent = "";
        const result = outcome(shown.replay, t);
        put(body, result);
        result.addEventListener("click", (event) => {
          const to = event.target.closest("[data-go]");
          if (to) {
            dialog.close();
            go(to.dataset.go);
          }
        });
        run.hidden = true;
        go(shown.execution);
        stop.focus(); // so that keys stay in this window
      }
    },
  });
  const stop = button({ text: t("cancel"), kind: "quiet", testid: "provenance-replay-stop", on: () => (going ? cancel() : dialog.close()) });
  const dialog = openDialog({
    title: t("again.title", { id: shortId(plan.execution) }),
    testid: "provenance-replay",
    closeTitle: t("close"),
    content: [body, state],
    actions: [stop, run],
    onClose: () => going && cancel(),
  });
  run.focus();
  return dialog;
}

/**
 * Choose what is to vary, then watch the sheet fill.
 *
 * @param {{execution: string, inputs: {node: string, input: string, class_type: string, value: unknown}[]}} run
 * @param {{t: Function, plan: (axes: object[]) => Promise<object>, start: (plan: object, axes: object[], tell: Function) => Promise<void>, cancel: () => void,
 *   picture: (sha256: string) => HTMLElement, go: (id: string) => void}} on
 */
export function openVary(run, { t, plan, start, cancel, picture, go }) {
  const state = h("p", { class: "cpv-progress", role: "status", testid: "provenance-vary-state" });
  const bar = h("progress", { max: "1", value: "0", hidden: true });
  const grid = h("div", { class: "cpv-sheet", testid: "provenance-sheet" });
  let going = false;
  let planned = null;
  const forget = () => {
    planned = null;
    state.textContent = "";
    act.querySelector("span").textContent = t("vary.plan");
  };
  const forms = [axisForm(run.inputs, { t, changed: forget, name: "provenance-vary" }), axisForm(run.inputs, { t, changed: forget, name: "provenance-vary-second", optional: true })];
  const act = button({
    text: t("vary.plan"),
    kind: "primary",
    testid: "provenance-vary-go",
    on: async () => {
      act.disabled = true;
      try {
        if (planned === null) {
          const axes = forms.map((form) => form.axis()).filter((axis) => axis !== null);
          planned = { axes, ...(await plan(axes)) };
          state.textContent = plannedWords(planned, t);
          act.querySelector("span").textContent = t("vary.start", { count: planned.cells.length });
          return;
        }
        going = true;
        stop.querySelector("span").textContent = t("again.stop");
        bar.hidden = false;
        await start(planned, planned.axes, ({ words, done, total, sheet }) => {
          state.textContent = words;
          bar.max = total;
          bar.value = done;
          if (sheet) {
            drawSheet(grid, sheet, { t, picture, go: (id) => (dialog.close(), go(id)) });
          }
        });
        act.hidden = fields.hidden = bar.hidden = true;
        stop.focus();
      } catch (error) {
        state.textContent = messageOf(error);
        planned = null;
      } finally {
        going = false;
        act.disabled = false;
        stop.querySelector("span").textContent = t("close");
      }
    },
  });
  const stop = button({ text: t("cancel"), kind: "quiet", testid: "provenance-vary-stop", on: () => (going ? cancel() : dialog.close()) });
  const fields = h("div", {}, ...forms.map((form) => form.element));
  const dialog = openDialog({
    title: t("vary.title", { id: shortId(run.execution) }),
    testid: "provenance-vary",
    closeTitle: t("close"),
    wide: true,
    content: [h("p", {}, t("vary.intro")), fields, state, bar, grid],
    actions: [stop, act],
    onClose: () => going && cancel(),
  });
  return dialog;
}

/** How many runs a sheet makes, and what they change: the first axis, and where there are two what it is crossed with. */
function plannedWords({ cells }, t) {
  const words = (cell) => {
    const piece = cell.changes[0]?.without;
    return cell.name === "" ? t("vary.asRecorded") : piece === undefined ? cell.name : t("vary.piece", { piece });
  };
  const listed = (found) => [...found.slice(0, NAMED).map(words), ...(found.length > NAMED ? ["…"] : [])].join("; ");
  const [rows, columns] = [listed(cells.filter((cell) => cell.column === 0)), cells.filter((cell) => cell.row === 0)];
  const count = cells.length;
  return columns.length > 1 ? t("vary.grid", { count, rows, columns: listed(columns) }) : t("vary.runs", { count, names: rows });
}

/** What has drifted, one line each. */
export function driftList(drift, t) {
  const lines = [
    ...drift.nodes.map((one) => `${one.class_type}: ${t("again.missing.node")}`),
    ...drift.models.map((one) => `${one.name}: ${t(`drift.model.${one.state}`)}`),
    ...drift.inputs.map((one) => `${one.name}: ${t(`drift.input.${one.state}`)}`),
    ...drift.packs.map((one) => `${one.name} ${one.before ?? t("drift.unknown")} → ${one.after ?? t("drift.gone")}`),
    ...drift.redacted.map((one) => `${one.path}: ${t("drift.empty")}`),
  ];
  const unchecked = (drift.not_checked ?? []).map((name) => t(`drift.${name}`));
  return h(
    "div",
    { class: "cpv-driftlist", testid: "provenance-replay-drift" },
    h("h3", {}, lines.length > 0 ? t("again.driftFirst", { count: lines.length }) : t("again.noDrift")),
    h("ul", { class: "cpv-lines" }, ...lines.map((line) => h("li", {}, line))),
    unchecked.length > 0 ? h("p", { class: "muted" }, `${t("drift.notChecked")}: ${unchecked.join(", ")}`) : null,
  );
}
