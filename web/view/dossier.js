/** The window in which a dossier is asked for: what belongs in it, how far it is, and where it goes. */

import { messageOf } from "../api.js";
import { shortId } from "../words.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";

const POLL_MS = 300;
const WITHHELD = ["prompts", "ideas", "reasons", "inputs", "candidates", "recordings", "projects"];
const SCOPES = ["tree", "path", "ledger"];

/**
 * Ask what belongs in a dossier of a run, have it written, and save it.
 *
 * @param {{execution: string}} run
 * @param {{t: Function, api: import("../api.js").Record, locale?: string}} on
 */
export function openDossier(run, { t, api, locale = document.documentElement.lang }) {
  const title = h("input", { class: "cpv-input", maxlength: "200", "aria-label": t("dossier.name"), placeholder: t("dossier.name"), testid: "provenance-dossier-name" });
  const scope = h("select", { class: "cpv-input", "aria-label": t("dossier.scope") }, ...SCOPES.map((one) => h("option", { value: one }, t(`dossier.scope.${one}`))));
  const language = h("select", { class: "cpv-input", "aria-label": t("dossier.language") }, h("option", { value: "en" }, "English"), h("option", { value: "zh" }, "中文"));
  language.value = /^zh/u.test(locale) ? "zh" : "en";
  const hidden = WITHHELD.map((one) => h("input", { type: "checkbox", value: one }));
  const choices = hidden.map((box) => h("label", { class: "cpv-choice" }, box, h("span", {}, t(`dossier.withhold.${box.value}`))));
  const withheld = h("details", {}, h("summary", {}, t("dossier.withhold")), h("p", { class: "muted" }, t("dossier.withhold.more")), ...choices);
  const state = h("p", { class: "cpv-progress", role: "status", testid: "provenance-dossier-state" });
  const bar = h("progress", { max: "1", value: "0", hidden: true, "aria-label": t("dossier.progress") });
  const body = h("div", { class: "cpv-form" }, h("p", {}, t("dossier.intro")), title, scope, language, withheld);

  /** @type {string[]} */
  const addresses = [];
  /** The dossier that is being written. @type {string|null} */
  let going = null;
  const begin = button({
    text: t("dossier.write"),
    icon: "dossier",
    kind: "primary",
    testid: "provenance-dossier-write",
    on: async () => {
      begin.disabled = true;
      bar.hidden = false;
      stop.querySelector("span").textContent = t("dossier.stop");
      try {
        const withhold = hidden.filter((box) => box.checked).map((box) => box.value);
        const wanted = { refs: [run.execution], title: title.value.trim() || null, scope: scope.value, language: language.value, withhold };
        await written(await api.beginDossier(wanted));
      } catch (error) {
        state.textContent = messageOf(error);
      }
      going = null;
      bar.hidden = true;
      begin.disabled = false;
      stop.querySelector("span").textContent = t("close");
    },
  });
  const stop = button({ text: t("cancel"), kind: "quiet", testid: "provenance-dossier-stop", on: () => (going === null ? dialog.close() : void cancel()) });
  const cancel = () => (going === null ? undefined : api.cancelDossier(going).catch((error) => (state.textContent = messageOf(error))));

  async function written(told) {
    going = told.id;
    while (told.state === "running") {
      state.textContent = t(`dossier.step.${told.step}`);
      bar.value = told.total ? told.done / told.total : 0;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      told = await api.dossier(told.id);
    }
    if (told.state !== "done") {
      state.textContent = told.error ?? t("dossier.stopped");
      return;
    }
    const { entries, check, signed, sha256 } = told.result;
    const hiddenCount = Object.values(entries.withheld).reduce((sum, count) => sum + count, 0);
    const address = URL.createObjectURL(await api.dossierFile(told.id));
    const link = h("a", { href: address, download: "dossier.zip", testid: "provenance-dossier-save" }, t("dossier.save"));
    addresses.push(address);
    put(
      state,
      t("dossier.done", { shown: entries.shown, withheld: hiddenCount }),
      " ",
      t(check.ok ? "dossier.sound" : "dossier.unsound"),
      signed ? null : ` ${t("dossier.unsigned")}`,
      h("br"),
      h("code", { class: "muted" }, sha256),
      h("br"),
      link,
    );
    link.click();
  }

  const dialog = openDialog({
    title: t("dossier.title", { id: shortId(run.execution) }),
    testid: "provenance-dossier",
    closeTitle: t("close"),
    content: [body, bar, state],
    actions: [stop, begin],
    onClose: () => {
      void cancel();
      addresses.forEach((address) => URL.revokeObjectURL(address));
    },
  });
  title.focus();
  return dialog;
}
