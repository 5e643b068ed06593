/** Ideas: what the author wants to make, in words and pictures; every version stays. */

import { messageOf, Record } from "../api.js";
import { openDialog } from "./dialog.js";
import { button, h, put } from "./dom.js";

/** @param {import("./desk.js").Parts} parts */
export function openIdeas(parts) {
  const { t, api, selected, toast, changed } = parts;
  let revises = null;
  const title = h("input", { type: "text", maxlength: 500, placeholder: t("idea.titleHint"), "aria-label": t("idea.titleHint"), testid: "provenance-idea-title" });
  const text = h("textarea", { rows: 5, placeholder: t("idea.textHint"), "aria-label": t("idea.textHint"), testid: "provenance-idea-text" });
  const files = h("input", { type: "file", multiple: true, "aria-label": t("idea.references"), testid: "provenance-idea-files" });
  const attach = h("input", { type: "checkbox" });
  const version = h("p", { class: "muted", hidden: true });
  const list = h("div", { class: "cpv-lines" });
  const sign = button({ text: t("ask.sign"), kind: "primary", testid: "provenance-idea-sign", on: () => void send() });
  const run = selected();

  function revise(item) {
    revises = item.entry;
    title.value = item.title ?? "";
    text.value = item.text;
    version.hidden = false;
    put(version, t("idea.revises", { entry: item.entry }), " ", button({ text: t("idea.fresh"), kind: "small", on: fresh }));
    text.focus();
  }

  function fresh() {
    revises = null;
    version.hidden = true;
  }

  async function send() {
    sign.disabled = true;
    try {
      const said = { text: text.value, title: title.value || null, revises, execution: attach.checked ? run : null, source: "page" };
      const told = await api.intend(said, [...(files.files ?? [])]);
      toast("success", t("idea.signed", { entry: told.entry }));
      if (text.value === said.text) {
        text.value = title.value = ""; // what was written meanwhile is the next one
      }
      files.value = "";
      fresh();
      changed();
      await draw();
    } catch (error) {
      toast("error", t("idea.failed"), messageOf(error));
    } finally {
      sign.disabled = false;
      text.focus(); // what is disabled loses the focus, and with it the window its keys
    }
  }

  async function draw() {
    try {
      const { items } = await api.intents();
      const latest = items.filter((item) => item.latest).reverse();
      put(list, ...(latest.length === 0 ? [h("p", { class: "muted" }, t("idea.none"))] : latest.map((item) => idea(item, items, parts, revise))));
    } catch (error) {
      put(list, h("p", { class: "cpv-warning", role: "alert" }, messageOf(error)));
    }
  }

  openDialog({
    title: t("idea.title"),
    testid: "provenance-ideas",
    closeTitle: t("close"),
    content: [
      h("p", { class: "muted" }, t("idea.explain")),
      version,
      title,
      text,
      h("label", { class: "cpv-named" }, t("idea.references"), files),
      run === null ? null : h("label", { class: "cpv-check" }, attach, t("idea.attach", { id: run.slice(0, 8) })),
      h("div", { class: "cpv-pair" }, sign),
      list,
    ].filter((part) => part !== null),
  });
  void draw();
}

function idea(item, items, { t, locale, address }, revise) {
  const older = items.filter((each) => item.versions.includes(each.entry) && each.entry !== item.entry).reverse();
  return h(
    "div",
    { class: "cpv-item", "data-entry": item.entry },
    item.title ? h("b", {}, item.title) : null,
    h("p", {}, item.text),
    item.references.length > 0 ? h("div", { class: "cpv-strip" }, ...item.references.map((file) => reference(file, address))) : null,
    h("div", { class: "muted" }, `${t("idea.entry", { entry: item.entry })} · ${new Date(item.recorded_at).toLocaleString(locale, { hour12: false })}`),
    older.length > 0 ? h("details", {}, h("summary", {}, t("idea.versions", { count: older.length })), ...older.map((each) => h("p", { class: "muted" }, `${each.entry}: ${each.text}`))) : null,
    button({ text: t("idea.revise"), kind: "small", on: () => revise(item) }),
  );
}

function reference(file, address) {
  return file.thumbnail ? h("img", { src: address(Record.objectPath(file.thumbnail)), alt: file.name, title: file.name }) : h("span", { class: "muted" }, file.name);
}
