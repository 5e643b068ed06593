/** What is no longer as it was when a run was made, told before its graph is loaded. The author decides; nothing is replaced by itself. */

import { nodeAt, worry } from "../restore.js";
import { shortId } from "../words.js";
import { button, h } from "./dom.js";
import { openDialog } from "./dialog.js";

/**
 * @param {object} restored  an answer of `restore`
 * @param {{t: Function, putBack: () => Promise<object[]>, load: (choices: object[]) => void, failed: (error: unknown) => void}} actions
 */
export function openDrift(restored, { t, putBack, load, failed }) {
  const { drift } = restored;
  const choices = new Map();
  const choice = (key, text, value) =>
    h(
      "label",
      { class: "cpv-choice" },
      h("input", {
        type: "checkbox",
        on: { change: (event) => (event.target.checked ? choices.set(key, value) : choices.delete(key)) },
      }),
      h("span", {}, text),
    );

  const models = drift.models.map((model) =>
    item(
      model.state,
      h("b", {}, model.name),
      h("span", { class: "muted" }, ` ${model.folder} · ${t(`drift.model.${model.state}`)}`),
      model.sha256 ? h("code", { title: model.sha256 }, model.sha256.slice(0, 12)) : null,
      model.same_hash
        ? choice(`model ${model.name}`, t("drift.sameBytes", { name: model.same_hash }), { from: model.name, to: model.same_hash })
        : null,
      model.same_name
        ? choice(`model ${model.name}`, t("drift.sameNameElsewhere", { name: model.same_name }), { from: model.name, to: model.same_name })
        : null,
      !model.same_hash && model.state === "changed" ? h("div", { class: "muted" }, t("drift.sameName")) : null,
    ),
  );
  const inputs = h("ul", {}, ...drift.inputs.map((input) => inputItem(input, t)));
  const kept = drift.inputs.some((input) => input.kept);
  const back = button({
    text: t("drift.putBack"),
    icon: "image",
    on: async () => {
      back.disabled = true;
      try {
        const written = await putBack();
        inputs.replaceChildren(
          ...drift.inputs.map((input) => {
            const copy = written.find((one) => one.node === input.node && one.input === input.input);
            return copy
              ? item("good", h("b", {}, input.name), h("div", {}, t("drift.written", { name: copy.new_name })),
                  choice(`input ${input.node} ${input.input}`, t("drift.useCopy"), { from: input.name, to: copy.new_name, node: input.node }))
              : inputItem(input, t);
          }),
        );
      } catch (error) {
        back.disabled = false;
        failed(error);
      }
    },
  });

  const dialog = openDialog({
    title: t("drift.title", { id: shortId(restored.execution) }),
    testid: "provenance-drift",
    closeTitle: t("close"),
    content: [
      h("p", { class: "muted" }, t("drift.intro")),
      section(t("drift.nodes"), drift.nodes.map((node) =>
        item("missing", h("b", {}, node.class_type), h("span", { class: "muted" }, ` ${node.pack ? t("drift.fromPack", { pack: node.pack, version: node.version ?? "?" }) : t("drift.fromCore")}`)))),
      section(t("drift.models"), models),
      drift.inputs.length > 0 ? h("section", {}, h("h3", {}, t("drift.inputs")), inputs, kept ? back : null) : null,
      section(t("drift.packs"), drift.packs.map((pack) =>
        item("changed", h("b", {}, pack.name), h("span", {}, ` ${pack.before ?? t("drift.unknown")} → ${pack.after ?? t("drift.gone")}`)))),
      section(t("drift.redacted"), drift.redacted.map((mark) => withheld(mark, restored, t))),
      section(t("drift.numbers"), worry(restored).map((number) => item("changed", h("code", {}, number), h("span", { class: "muted" }, ` ${t("drift.rounded")}`)))),
      section(t("drift.notChecked"), (drift.not_checked ?? []).map((name) => item("unverified", t(`drift.${name}`)))),
    ],
    actions: [
      button({ text: t("cancel"), kind: "quiet", on: () => dialog.close() }),
      button({
        text: t("drift.load"),
        icon: "reload",
        kind: "primary",
        testid: "provenance-drift-load",
        on: () => {
          dialog.close();
          load([...choices.values()]);
        },
      }),
    ],
  });
  dialog.querySelector("[data-testid=provenance-drift-load]").focus();
  return dialog;
}

function section(title, items) {
  return items.length > 0 ? h("section", {}, h("h3", {}, `${title} (${items.length})`), h("ul", {}, ...items)) : null;
}

function item(state, ...content) {
  return h("li", { class: `cpv-drift-item ${state}`, "data-state": state }, ...content);
}

function inputItem(input, t) {
  return item(
    input.state,
    h("b", {}, input.name),
    h("span", { class: "muted" }, ` #${input.node} · ${t(`drift.input.${input.state}`)}`),
    h("div", { class: "muted" }, t(input.kept ? "drift.kept" : "drift.notKept")),
  );
}

function withheld({ path }, restored, t) {
  const node = nodeAt(restored[restored.kind], path, restored.kind);
  const name = node === null ? h("code", {}, path) : h("b", { title: path }, `${node.type} #${node.id}`);
  return item("changed", name, h("span", { class: "muted" }, ` ${t("drift.empty")}`));
}
