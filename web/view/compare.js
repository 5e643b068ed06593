/** Two runs side by side, or one over the other with a slider, and what differs between them. */

import { shortId } from "../words.js";
import { button, h, put } from "./dom.js";
import { openDialog } from "./dialog.js";
import { pictured } from "./outputs.js";
import * as sections from "./sections.js";

/**
 * @param {{a: object, b: object, diff: object}} compared  runs as `show` answers, older first
 * @param {{t: Function, full: (output: object) => HTMLElement, picture: (sha256: string) => HTMLElement, go: (id: string) => void}} view
 */
export function openComparison({ a, b, diff }, { t, full, picture, go }) {
  const stage = h("div", { class: "cpv-stage", testid: "provenance-stage" });
  const pictures = [a, b].map((run) => pictured(run.outputs, run.thumbnails ?? [])[0]);
  let [one, other] = pictures.map(([first]) => first ?? null);
  let place = 50;
  let modes;

  /** Of a run with several pictures, which one to look at. */
  const choice = (found, shown, take) =>
    found.length < 2
      ? null
      : h(
          "div",
          { class: "cpv-choices" },
          ...found.map((output) => h("button", { type: "button", title: output.file, "aria-pressed": String(output === shown), on: { click: () => (take(output), show(stage.dataset.mode)) } }, picture(output.sha256))),
        );
  const choices = () => [choice(pictures[0], one, (output) => (one = output)), choice(pictures[1], other, (output) => (other = output))];

  const caption = (run, side) => h("figcaption", {}, h("span", { class: `cpv-side ${side}` }, side.toUpperCase()), " ", sections.runLink(run.execution), " ", h("span", { class: "muted" }, run.label ?? ""));
  const show = (mode) => {
    stage.dataset.mode = mode;
    for (const [name, element] of Object.entries(modes)) {
      element.setAttribute("aria-pressed", String(name === mode));
    }
    const [left, right] = choices();
    if (mode === "slider") {
      put(stage, slider(full(one), full(other), place, (now) => (place = now), t), left || right ? h("div", { class: "cpv-sides" }, h("div", {}, left), h("div", {}, right)) : null);
    } else {
      const nothing = () => h("div", { class: "cpv-none" }, t("compare.none"));
      put(stage, h("figure", {}, one ? full(one) : nothing(), caption(a, "a"), left), h("figure", {}, other ? full(other) : nothing(), caption(b, "b"), right));
    }
  };
  modes = {
    side: button({ text: t("compare.side"), pressed: true, kind: "small", testid: "provenance-compare-side", on: () => show("side") }),
    slider: button({ text: t("compare.slider"), pressed: false, kind: "small", testid: "provenance-compare-slider", disabled: !one || !other, on: () => show("slider") }),
  };
  show("side");

  const roles = new Map([...a.prompts, ...b.prompts].map((told) => [`${told.node}/${told.input}`, told.role]));
  const roleOf = (change) => {
    const role = roles.get(`${change.node}/${change.input}`);
    return role === "positive" || role === "negative" ? t(`changes.${role}`) : change.input;
  };
  const changed = new Set(diff.prompts.map((change) => `${change.node}/${change.input}`));
  const parts = [
    sections.part(t("part.prompts"), diff.prompts.map((change) => h("div", { class: "cpv-prompt changed" }, h("div", { class: "muted" }, `${roleOf(change)} #${change.node}`), h("p", {}, ...sections.hunks(change.hunks ?? []))))),
    sections.part(t("part.parameters"), diff.params.length > 0 ? sections.parameters(null, diff, changed, t) : null),
    sections.part(t("part.graph"), sections.graphChanges(diff, t)),
    sections.part(t("part.models"), diff.models.map((change) => h("div", { class: "cpv-item" }, h("del", {}, side(change.before)), " → ", h("ins", {}, side(change.after))))),
    sections.part(t("part.environment"), diff.environment.length > 0 ? sections.environment(null, diff, t) : null, { open: false }),
  ].filter(Boolean);

  const dialog = openDialog({
    title: t("compare.title", { a: shortId(a.execution), b: shortId(b.execution) }),
    testid: "provenance-comparison",
    closeTitle: t("close"),
    wide: true,
    content: [
      h("div", { class: "cpv-modes", role: "group", "aria-label": t("compare.how") }, modes.side, modes.slider),
      stage,
      h("div", { class: "cpv-differences" }, ...(parts.length > 0 ? parts : [h("p", { class: "muted" }, t("compare.same"))])),
    ],
  });
  dialog.addEventListener("click", (event) => {
    const target = event.target.closest("[data-go]");
    if (target) {
      dialog.close();
      go(target.dataset.go);
    }
  });
  return dialog;
}

function side(model) {
  return model ? `${model.name}${model.sha256 ? ` (${model.sha256.slice(0, 8)})` : ""}` : "–";
}

function slider(under, over, place, moved, t) {
  const range = h("input", {
    type: "range",
    min: "0",
    max: "100",
    value: String(place),
    "aria-label": t("compare.slider"),
    on: {
      input: () => {
        moved(Number(range.value));
        box.style.setProperty("--cut", `${range.value}%`);
      },
    },
  });
  const box = h(
    "div",
    { class: "cpv-slider", style: `--cut:${place}%` },
    h("div", { class: "cpv-layer" }, under),
    h("div", { class: "cpv-layer over" }, over),
    h("span", { class: "cpv-side a" }, "A"),
    h("span", { class: "cpv-side b" }, "B"),
    h("span", { class: "cpv-cut", "aria-hidden": "true" }),
    range,
  );
  return box;
}
