/** The windows in which a run is queued again or varied. They draw, and tell what the author asks for; `../again.js` does it. */

import { outcome, outcomeWords } from "./again.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";
import { messageOf } from "../api.js";
import { shortId } from "../words.js";

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
 * @param {{t: Function, plan: (axis: object) => Promise<object>, start: (plan: object, axis: object, tell: Function) => Promise<void>, cancel: () => void,
 *   picture: (sha256: string) => HTMLElement, go: (id: string) => void}} on
 */
export function openVary(run, { t, plan, start, cancel, picture, go }) {
  const choice = h("select", { class: "cpv-input", "aria-label": t("vary.input"), testid: "provenance-vary-input" },
    ...run.inputs.map((one, at) => h("option", { value: String(at) }, `${one.input} · ${one.class_type} #${one.node}`)));
  const how = h("select", { class: "cpv-input", "aria-label": t("vary.how"), testid: "provenance-vary-how" });
  const value = h("input", { class: "cpv-input", testid: "provenance-vary-value" });
  const hint = h("p", { class: "muted" });
  const state = h("p", { class: "cpv-progress", role: "status", testid: "provenance-vary-state" });
  const bar = h("progress", { max: "1", value: "0", hidden: true });
  const grid = h("div", { class: "cpv-sheet", testid: "provenance-sheet" });
  const chosen = () => run.inputs[Number(choice.value)];
  const refresh = () => {
    const text = typeof chosen().value === "string";
    put(how, ...(text ? [h("option", { value: "without" }, t("vary.without"))] : []), h("option", { value: "values" }, t("vary.values")));
    explain();
  };
  const explain = () => {
    value.placeholder = t(how.value === "without" ? "vary.pieces" : "vary.list");
    hint.textContent = t("vary.recorded", { value: String(chosen().value).slice(0, 300) });
  };
  choice.addEventListener("change", refresh);
  how.addEventListener("change", explain);
  refresh();

  const axis = () => {
    const { node, input } = chosen();
    const listed = value.value.split(/[,，]/u).map((one) => one.trim()).filter(Boolean);
    return how.value === "without" ? { node, input, without: listed } : { node, input, values: listed };
  };
  let going = false;
  let planned = null;
  const forget = () => {
    planned = null;
    state.textContent = "";
    act.querySelector("span").textContent = t("vary.plan");
  };
  for (const field of [choice, how, value]) {
    field.addEventListener("input", forget);
  }
  const act = button({
    text: t("vary.plan"),
    kind: "primary",
    testid: "provenance-vary-go",
    on: async () => {
      act.disabled = true;
      try {
        if (planned === null) {
          planned = { axis: axis(), ...(await plan(axis())) };
          state.textContent = t("vary.runs", { count: planned.cells.length, names: planned.cells.slice(1, 6).map((cell) => cell.name).join("; ") });
          act.querySelector("span").textContent = t("vary.start", { count: planned.cells.length });
          return;
        }
        going = true;
        stop.querySelector("span").textContent = t("again.stop");
        bar.hidden = false;
        await start(planned, planned.axis, ({ words, done, total, sheet }) => {
          state.textContent = words;
          bar.max = total;
          bar.value = done;
          if (sheet) {
            drawSheet(grid, sheet, { t, picture, go: (id) => (dialog.close(), go(id)) });
          }
        });
        act.hidden = form.hidden = bar.hidden = true;
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
  const form = h("div", { class: "cpv-vary" }, choice, how, value, hint);
  const dialog = openDialog({
    title: t("vary.title", { id: shortId(run.execution) }),
    testid: "provenance-vary",
    closeTitle: t("close"),
    wide: true,
    content: [h("p", {}, t("vary.intro")), form, state, bar, grid],
    actions: [stop, act],
    onClose: () => going && cancel(),
  });
  return dialog;
}

/** Show a sheet that was queued before. */
export function openSheet(sheet, { t, picture, go }) {
  const grid = h("div", { class: "cpv-sheet", testid: "provenance-sheet" });
  const dialog = openDialog({
    title: t("vary.sheet", { id: shortId(sheet.of) }),
    testid: "provenance-sheet-dialog",
    closeTitle: t("close"),
    wide: true,
    content: [h("p", { class: "cpv-warning" }, t("vary.label")), grid],
  });
  drawSheet(grid, sheet, { t, picture, go: (id) => (dialog.close(), go(id)) });
}

/** The cells of a sheet, the recorded run first. */
function drawSheet(grid, sheet, { t, picture, go }) {
  const cell = (run, title, lines, note, first) =>
    h(
      "figure",
      { class: `cpv-cell${first ? " first" : ""}`, testid: "provenance-cell", "data-execution": run.execution },
      h("button", { type: "button", class: "cpv-picture", title: shortId(run.execution), on: { click: () => go(run.execution) } },
        run.thumbnails?.length ? picture(run.thumbnails[0]) : h("span", { class: "muted" }, t(`status.${run.status}`))),
      h("figcaption", {}, h("b", {}, title), ...lines.map((line) => h("div", {}, line)), h("span", { class: "muted" }, note)),
    );
  put(
    grid,
    sheet.original ? cell(sheet.original, t("vary.original"), [], "", true) : null,
    ...sheet.items.map((item) =>
      cell(item, t("vary.cell", { cell: item.cell + 1 }), item.differs.length > 0 ? item.differs : [t("vary.unchanged")], outcomeWords(item.replay, t) || t(`status.${item.status}`), false)),
  );
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
