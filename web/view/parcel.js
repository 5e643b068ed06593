/** The window about a snapshot file: who signed it, what is different here. Draws, and tells what the author asks for. */

import { messageOf } from "../api.js";
import { shortId } from "../words.js";
import { openDialog } from "./dialog.js";
import { button, h } from "./dom.js";
import { driftList } from "./repeating.js";

/**
 * @param {object} told  an answer of `parcels`
 * @param {{t: Function, putBack: () => Promise<object[]>, load: () => void}} on
 */
export function openParcel(told, { t, putBack, load }) {
  const kept = told.drift.inputs.some((input) => input.kept);
  const written = h("ul", { class: "cpv-lines" });
  const back = button({
    text: t("drift.putBack"),
    icon: "image",
    on: async () => {
      back.disabled = true;
      try {
        written.replaceChildren(...(await putBack()).map((one) => h("li", {}, `${one.name}: ${t("drift.written", { name: one.new_name })}`)));
      } catch (error) {
        back.disabled = false;
        written.replaceChildren(h("li", { class: "cpv-warning" }, messageOf(error)));
      }
    },
  });
  const dialog = openDialog({
    title: t("parcel.title", { id: shortId(told.execution) }),
    testid: "provenance-parcel",
    closeTitle: t("close"),
    content: [
      h("p", {}, t("parcel.holds", { count: told.entries.length })),
      h("p", {}, t("parcel.key"), " ", h("code", {}, told.key)),
      h("p", { class: told.own ? "" : "cpv-warning" }, t(told.own ? "parcel.own" : "parcel.foreign")),
      driftList(told.drift, t),
      kept ? back : null,
      written,
    ].filter(Boolean),
    actions: [
      button({ text: t("close"), kind: "quiet", on: () => dialog.close() }),
      button({
        text: t("parcel.load"),
        icon: "reload",
        kind: "primary",
        testid: "provenance-parcel-load",
        on: () => {
          dialog.close();
          load();
        },
      }),
    ],
  });
  return dialog;
}
