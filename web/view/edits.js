/** What the author made of a run's outputs in other programs, and brought in. */

import { h } from "./dom.js";

/** @param {any} run @param {{t: Function, locale: string, full: Function}} view */
export function edits(run, { t, locale, full }) {
  return (run.edits ?? []).map((item) => {
    const told = [t("bring.signed", { entry: item.entry }), item.stage ? t(`bring.stage.${item.stage}`) : "", new Date(item.recorded_at).toLocaleString(locale, { hour12: false })];
    return h(
      "div",
      { class: "cpv-item", "data-entry": item.entry },
      h("b", {}, item.name),
      " ",
      h("span", { class: `cpv-basis ${item.basis}`, title: t(`basis.${item.basis}.long`) }, t(`basis.${item.basis}`)),
      item.note ? h("p", {}, item.note) : null,
      item.thumbnail ? h("div", { class: "cpv-strip" }, full({ file: item.name, kept: item.thumbnail, sha256: item.thumbnail })) : null,
      item.project ? h("div", { class: "muted" }, item.project.name) : null,
      h("div", { class: "muted" }, told.filter(Boolean).join(" · ")),
    );
  });
}
