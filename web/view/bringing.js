/** Bringing files in: a later edit of outputs, with its project file; or what is from before. */

import { messageOf, Record } from "../api.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";

/** @param {import("./desk.js").Parts} parts @param {any} run the selected run as `show` tells it, or null */
export function openBringing(parts, run) {
  const { t, api, toast, changed } = parts;
  const outputs = (run?.outputs ?? []).filter((output) => output.sha256 && output.file);
  const picked = new Set(outputs.length === 1 ? [outputs[0].sha256] : []);
  const before = h("input", { type: "radio", name: "cpv-bring", testid: "provenance-bring-before" });
  const later = h("input", { type: "radio", name: "cpv-bring", testid: "provenance-bring-later", disabled: outputs.length === 0 });
  (outputs.length === 0 ? before : later).checked = true;
  const files = h("input", { type: "file", multiple: true, "aria-label": t("bring.file"), testid: "provenance-bring-file" });
  const project = h("input", { type: "file", "aria-label": t("bring.project"), testid: "provenance-bring-project" });
  const stage = h("select", { "aria-label": t("bring.stage") }, ...["", "intermediate", "finished"].map((value) => h("option", { value }, t(`bring.stage.${value || "none"}`))));
  const note = h("textarea", { rows: 2, placeholder: t("bring.note"), "aria-label": t("bring.note") });
  const candidates = h("div", { class: "cpv-strip" }, ...outputs.map((output) => candidate(output, picked, parts)));
  const edit = h("div", {}, candidates, h("label", { class: "cpv-named" }, t("bring.project"), project), h("label", { class: "cpv-named" }, t("bring.stage"), stage));
  const told = h("div", { class: "cpv-lines", role: "status", testid: "provenance-bring-told" });
  const send = button({ text: t("ask.sign"), kind: "primary", testid: "provenance-bring-sign", on: () => void bring() });
  const show = () => {
    edit.hidden = before.checked;
  };
  before.addEventListener("change", show);
  later.addEventListener("change", show);
  show();

  async function bring() {
    const chosen = [...(files.files ?? [])];
    if (chosen.length === 0 || (later.checked && picked.size === 0)) {
      toast("warn", t(chosen.length === 0 ? "bring.noFile" : "bring.noOutput"));
      return;
    }
    send.disabled = true;
    const common = { note: note.value || null, source: "page" };
    const said = before.checked ? { ...common, before: true } : { ...common, of: [...picked], stage: stage.value || null };
    for (const [place, file] of chosen.entries()) {
      const waiting = h("div", { class: "cpv-item muted" }, t("bring.working", { name: file.name, place: place + 1, count: chosen.length }));
      told.append(waiting);
      try {
        const answer = await api.bring(said, file, later.checked ? (project.files?.[0] ?? null) : null);
        waiting.replaceWith(brought(answer, parts));
        changed();
      } catch (error) {
        waiting.replaceWith(h("div", { class: "cpv-item cpv-warning", role: "alert" }, `${file.name}: ${messageOf(error)}`));
      }
    }
    send.disabled = false;
    send.focus();
  }

  openDialog({
    title: t("bring.title"),
    testid: "provenance-bringing",
    closeTitle: t("close"),
    content: [
      h("label", { class: "cpv-check" }, later, outputs.length === 0 ? t("bring.selectRun") : t("bring.later", { id: run.execution.slice(0, 8) })),
      h("label", { class: "cpv-check" }, before, t("bring.before")),
      h("p", { class: "muted" }, t("bring.explain")),
      h("label", { class: "cpv-named" }, t("bring.file"), files),
      edit,
      note,
      h("div", { class: "cpv-pair" }, send),
      told,
    ],
  });
}

function candidate(output, picked, { pictures }) {
  const box = h("input", { type: "checkbox", checked: picked.has(output.sha256), "aria-label": output.file });
  box.addEventListener("change", () => (box.checked ? picked.add(output.sha256) : picked.delete(output.sha256)));
  return h("label", { class: "cpv-candidate", title: output.file }, pictures.small(output.sha256), box);
}

/** One import, with the pictures before and after and what was measured. */
function brought(answer, { t, address }) {
  const small = (digest, alt) => (digest ? h("img", { class: "cpv-small", alt, title: alt, src: address(Record.objectPath(digest)) }) : null);
  const sources = answer.of.map((source) =>
    h(
      "div",
      { class: "cpv-pair" },
      small(source.thumbnail, t("bring.earlier")),
      source.thumbnail && answer.thumbnail ? h("span", { "aria-hidden": "true" }, "→") : null,
      small(answer.thumbnail, t("bring.afterwards")),
      h("span", {}, measured(source, t)),
    ),
  );
  const item = h("div", { class: "cpv-item", "data-entry": answer.entry }, h("b", {}, answer.file), " ", h("span", { class: `cpv-basis ${answer.basis}` }, t(`basis.${answer.basis}`)), h("div", { class: "muted" }, t("bring.signed", { entry: answer.entry })), ...sources);
  if (answer.problem) {
    put(item, ...item.childNodes, h("div", { class: "cpv-warning" }, answer.problem));
  }
  return item;
}

/** What was measured between two pictures, in words. */
export function measured(source, t) {
  const { likeness } = source;
  if (!likeness) {
    return t("bring.unmeasured", { reason: source.problem ?? "" });
  }
  const psnr = likeness.psnr_db === null ? t("bring.equal") : `PSNR ${likeness.psnr_db} dB`;
  const ssim = likeness.ssim === null ? "" : `, SSIM ${likeness.ssim}`;
  return t("bring.measured", { values: psnr + ssim, width: likeness.width, height: likeness.height, how: t(`bring.aligned.${likeness.aligned}`) });
}
