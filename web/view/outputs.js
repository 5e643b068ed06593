/** What a run made: its pictures at size, each with what the author said of it, and what is no picture by name. */

import { button, h } from "./dom.js";

/** Outputs that can be shown, those of `thumbnails`, and the others. */
export function pictured(outputs, thumbnails) {
  const small = new Set(thumbnails);
  const isPicture = (output) => Boolean(output.sha256) && small.has(output.sha256);
  return [outputs.filter(isPicture), outputs.filter((output) => !isPicture(output))];
}

/**
 * @param {{outputs: object[], thumbnails: string[], said: {output: string, decision: string|null}[], t: Function,
 *   full: (output: object) => HTMLElement, enlarge: (output: object) => void, decide: (verdict: string, output: string) => void}} told
 *   `said`: what stands for single outputs. Where there are several pictures each can be kept or rejected by itself.
 */
export function outputs({ outputs: all, thumbnails, said, t, full, enlarge, decide }) {
  const [pictures, others] = pictured(all, thumbnails);
  const many = pictures.length > 1;
  const verdicts = new Map(said.map((one) => [one.output, one.decision]));
  const choice = (output, verdict) => {
    const stands = verdicts.get(output.sha256) === verdict;
    return button({
      icon: verdict,
      title: t(`actions.${verdict}`),
      kind: `quiet tiny ${verdict}`,
      pressed: stands,
      testid: `provenance-output-${verdict}`,
      on: () => !stands && decide(verdict, output.sha256),
    });
  };
  const figure = (output) => {
    const facts = [output.width ? `${output.width}×${output.height}` : "", output.reused ? t("outputs.reused") : "", output.kept ? t("outputs.kept") : ""];
    const shape = output.width ? `aspect-ratio:${output.width}/${output.height}` : null;
    return h(
      "figure",
      { "data-output": output.sha256 },
      h("button", { type: "button", class: "cpv-picture", title: t("outputs.enlarge"), style: shape, on: { click: () => enlarge(output) } }, full(output)),
      h(
        "figcaption",
        { title: output.sha256 },
        h("span", {}, output.file ?? t("outputs.value")),
        h("span", { class: "muted" }, facts.filter(Boolean).join(" · ")),
        ...(many ? [choice(output, "keep"), choice(output, "reject")] : []),
      ),
    );
  };
  const named = others.map((output) =>
    h("div", { class: "cpv-item" }, h("b", {}, output.file ?? t("outputs.value")), h("span", { class: "muted" }, ` #${output.node} ${output.media_type ?? ""} ${output.problem ?? ""}`)),
  );
  return [h("div", { class: `cpv-pictures${many ? " many" : ""}` }, ...pictures.map(figure)), ...named];
}
