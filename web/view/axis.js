/** The fields for one thing that is to vary: which input, how, and to what. */

import { h } from "./dom.js";

/**
 * @param {{node: string, input: string, class_type: string, value: unknown}[]} inputs
 * @param {{t: Function, changed: () => void, name: string, optional?: boolean}} how `name` is part of the fields' test ids; an
 *   `optional` one begins with nothing to vary
 */
export function axisForm(inputs, { t, changed, name, optional = false }) {
  const label = optional ? t("vary.second") : t("vary.input");
  const choice = h("select", { class: "cpv-input", "aria-label": label, testid: `${name}-input` },
    optional ? h("option", { value: "" }, t("vary.nothing")) : null,
    ...inputs.map((one, at) => h("option", { value: String(at) }, `${one.input} · ${one.class_type} #${one.node}`)));
  const how = h("select", { class: "cpv-input", "aria-label": t("vary.how"), testid: `${name}-how` });
  const value = h("input", { class: "cpv-input", testid: `${name}-value` });
  const hint = h("p", { class: "muted" });
  const chosen = () => (choice.value === "" ? null : inputs[Number(choice.value)]);

  function refresh() {
    const one = chosen();
    for (const field of [how, value, hint]) {
      field.hidden = one === null;
    }
    const text = typeof one?.value === "string";
    how.replaceChildren(...(text ? [h("option", { value: "without" }, t("vary.without"))] : []), h("option", { value: "values" }, t("vary.values")));
    value.value = "";
    explain();
  }

  function explain() {
    value.placeholder = value.ariaLabel = t(how.value === "without" ? "vary.pieces" : "vary.list");
    hint.textContent = t("vary.recorded", { value: String(chosen()?.value ?? "").slice(0, 300) });
  }

  choice.addEventListener("change", refresh);
  how.addEventListener("change", explain);
  for (const field of [choice, how, value]) {
    field.addEventListener("input", changed);
  }
  refresh();
  return {
    element: h("fieldset", { class: "cpv-vary" }, h("legend", {}, label), choice, how, value, hint),
    /** What the host is asked for; null where nothing is to vary. */
    axis() {
      const one = chosen();
      if (one === null) {
        return null;
      }
      const { node, input } = one;
      const listed = value.value.split(/[,，]/u).map((each) => each.trim()).filter(Boolean);
      return how.value === "without" ? { node, input, without: listed } : { node, input, values: listed };
    },
  };
}
