/** The parts of the inspector: each takes plain values of the record and answers with elements, or null when there is nothing to say. */

import { duration, moment, shortId, shown, size } from "../words.js";
import { h } from "./dom.js";

const MOST_ROWS = 400;

/**
 * A part with a heading that folds. `key` remembers whether it is open.
 *
 * @param {string} title
 * @param {unknown} content
 * @param {{open?: boolean, note?: string|null, key?: string, memory?: Map<string, boolean>|null}} [options]
 */
export function part(title, content, { open = true, note = null, key = title, memory = null } = {}) {
  const found = [content].flat(Infinity).filter(Boolean);
  if (found.length === 0) {
    return null;
  }
  const remembered = memory?.get(key);
  return h(
    "details",
    {
      class: "cpv-part",
      open: remembered ?? open,
      "data-part": key,
      on: { toggle: (event) => memory?.set(key, event.target.open) },
    },
    h("summary", {}, h("span", {}, title), note ? h("span", { class: "muted" }, note) : null),
    ...found,
  );
}

/** A text with what was deleted from it and inserted into it. */
export function hunks(list) {
  return list.map((hunk) =>
    hunk.op === "equal" ? h("span", {}, hunk.text) : h(hunk.op === "delete" ? "del" : "ins", {}, hunk.text),
  );
}

/** Prompts, with the difference to another run where there is one. */
export function prompts(run, diff, t) {
  const changed = new Map((diff?.prompts ?? []).map((change) => [`${change.node}/${change.input}`, change]));
  const told = run.prompts.map((prompt) => {
    const key = `${prompt.node}/${prompt.input}`;
    const change = changed.get(key);
    changed.delete(key);
    const role = prompt.role === "positive" || prompt.role === "negative" ? t(`changes.${prompt.role}`) : prompt.input;
    return h(
      "div",
      { class: `cpv-prompt${change ? " changed" : ""}` },
      h("div", { class: "muted" }, `${role} · ${prompt.class_type ?? ""} #${prompt.node}`),
      h("p", {}, ...(change && change.hunks ? hunks(change.hunks) : [prompt.text || t("value.empty")])),
    );
  });
  for (const change of changed.values()) {
    told.push(
      h("div", { class: "cpv-prompt changed" }, h("div", { class: "muted" }, `${change.input} #${change.node}`), h("p", {}, ...hunks(change.hunks ?? []))),
    );
  }
  return told;
}

/** Every value of a widget in the executed graph; what differs from another run first, with both values. */
export function parameters(prompt, diff, texts, t) {
  const changed = new Map((diff?.params ?? []).map((change) => [`${change.node}/${change.input}`, change]));
  const rows = [];
  for (const change of changed.values()) {
    rows.push(
      h(
        "tr",
        { class: "changed" },
        h("td", { title: `${change.class_type ?? ""} #${change.node}` }, change.input),
        h("td", {}, h("del", {}, shown(change.before, t)), " → ", h("ins", {}, shown(change.after, t))),
      ),
    );
  }
  for (const [node, body] of Object.entries(prompt ?? {})) {
    const values = Object.entries(body?.inputs ?? {}).filter(
      ([name, value]) => !Array.isArray(value) && !changed.has(`${node}/${name}`) && !texts.has(`${node}/${name}`),
    );
    if (values.length > 0) {
      rows.push(h("tr", { class: "group" }, h("th", { colspan: "2", scope: "rowgroup" }, `${body._meta?.title ?? body.class_type} `, h("span", { class: "muted" }, `#${node}`))));
      rows.push(...values.map(([name, value]) => h("tr", {}, h("td", {}, name), h("td", { title: shown(value, t) }, shown(value, t)))));
    }
  }
  if (rows.length > MOST_ROWS) {
    rows.splice(MOST_ROWS, rows.length, h("tr", {}, h("td", { colspan: "2", class: "muted" }, t("changes.more", { count: rows.length - MOST_ROWS }))));
  }
  return rows.length > 0 ? h("table", { class: "cpv-table" }, ...rows) : null;
}

/** Nodes added, removed, wired in another way. */
export function graphChanges(diff, t) {
  const { added = [], removed = [], rewired = [] } = diff?.graph ?? {};
  const lines = [
    ...added.map((one) => h("li", { class: "add" }, `+ ${one.class_type} `, h("span", { class: "muted" }, `#${one.node}`))),
    ...removed.map((one) => h("li", { class: "remove" }, `− ${one.class_type} `, h("span", { class: "muted" }, `#${one.node}`))),
    ...rewired.map((one) => h("li", {}, `${one.class_type} #${one.node} · ${one.input}: ${end(one.before, t)} → ${end(one.after, t)}`)),
  ];
  return lines.length > 0 ? h("ul", { class: "cpv-lines" }, ...lines) : null;
}

function end(value, t) {
  return Array.isArray(value) ? `#${value[0]}:${value[1]}` : shown(value, t);
}

/** Models, each with its fingerprint, and what changed among them. */
export function models(run, diff, t) {
  const changed = new Map((diff?.models ?? []).map((change) => [`${change.node}/${change.input}`, change]));
  return run.models.map((model) => {
    const change = changed.get(`${model.node}/${model.input}`);
    return h(
      "div",
      { class: "cpv-item" },
      h("b", {}, model.name),
      h("div", { class: "muted" }, [model.folder, size(model.size), `#${model.node}`].filter(Boolean).join(" · ")),
      h("code", { title: model.sha256 ?? "" }, model.sha256 ? `sha256 ${model.sha256.slice(0, 16)}…` : t("models.unhashed")),
      change?.before && change.before.name !== model.name ? h("div", { class: "muted" }, t("models.before", { name: change.before.name })) : null,
      change?.before && change.before.name === model.name && change.before.sha256 !== model.sha256 ? h("div", { class: "cpv-warning" }, t("models.otherBytes")) : null,
    );
  });
}

/** A link to a run. */
export function runLink(id, words = shortId(id)) {
  return h("button", { type: "button", class: "cpv-link", "data-go": id, title: id }, words);
}

/** Lines to older and newer runs, each with how it is known. */
export function edges(run, merges, usedBy, t) {
  const line = (words, id, basis, more) =>
    h("li", {}, `${words} `, runLink(id), " ", h("span", { class: `cpv-basis ${basis}`, title: t(`basis.${basis}.long`) }, t(`basis.${basis}`)), more ? h("span", { class: "muted" }, ` ${more}`) : null);
  const lines = [];
  if (run.parent) {
    lines.push(line(t("edges.parent"), run.parent.execution, run.parent.basis, run.parent.known ? run.parent.method : t("edges.unknown")));
  }
  lines.push(...merges.map((merge) => line(t("edges.image"), merge.execution, merge.basis, merge.method)));
  lines.push(...run.children.map((id) => line(t("edges.child"), id, "declared")));
  lines.push(...usedBy.map(({ execution, basis }) => line(t("edges.used"), execution, basis)));
  return lines.length > 0 ? h("ul", { class: "cpv-lines" }, ...lines) : null;
}

/** Times, and what the run itself said. */
export function times(run, view) {
  const { t } = view;
  const rows = [
    [t("times.submitted"), absolute(run.submitted_at, view)],
    [t("times.started"), absolute(run.started_at, view)],
    [t("times.ended"), absolute(run.ended_at, view)],
    [t("times.duration"), duration(run.duration_ms, t)],
    [t("times.executed"), run.executed === null ? "" : String(run.executed.length)],
    [t("times.cached"), run.cached === null ? "" : String(run.cached.length)],
  ];
  return facts(rows);
}

function absolute(when, { locale }) {
  return when ? new Date(when).toLocaleString(locale, { hour12: false }) : "";
}

/** The entries that speak of the run and who signed them. */
export function signature(run, view) {
  const { t } = view;
  const { signature: said } = run;
  const state = said ? (said.state === "good" ? (said.covered ? "covered" : "signed") : "bad") : "unknown";
  const rows = [
    [t("signature.entries"), run.entries.map((entry) => `${t(`entry.${entry.kind}`)} ${entry.index}`).join(", ")],
    [t("signature.key"), said?.key ?? ""],
    [t("signature.checkpoint"), said?.checkpoint ? `${said.checkpoint.size} · ${said.checkpoint.root.slice(0, 16)}…` : ""],
    [t("signature.session"), run.session_info?.started_at ? `${moment(run.session_info.started_at, new Date(), view.locale)} · ${run.session.slice(0, 8)}` : run.session?.slice(0, 8)],
    ["prompt_id", run.prompt_id],
    [t("id"), run.execution],
  ];
  return [h("p", { class: `cpv-signature ${state}`, "data-state": state }, t(`signature.${state}`)), facts(rows)];
}

/** What the program and the machine were, and what differs from another run. */
export function environment(document, diff, t) {
  const rows = [];
  const changed = new Map((diff?.environment ?? []).map((change) => [change.path, change]));
  for (const change of changed.values()) {
    rows.push(h("tr", { class: "changed" }, h("td", {}, change.path), h("td", {}, h("del", {}, shown(change.before, t)), " → ", h("ins", {}, shown(change.after, t)))));
  }
  for (const [path, value] of flatten(document)) {
    if (!changed.has(path) && rows.length < MOST_ROWS) {
      rows.push(h("tr", {}, h("td", { title: path }, path), h("td", { title: shown(value, t) }, shown(value, t))));
    }
  }
  return rows.length > 0 ? h("table", { class: "cpv-table" }, ...rows) : null;
}

function* flatten(value, path = "") {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value)) {
      yield* flatten(member, path ? `${path}/${name}` : name);
    }
  } else if (value !== null && value !== undefined && path !== "") {
    yield [path, value];
  }
}

/** What the author said about the run, oldest first; what stands can be taken back, which is said and signed like the rest. */
export function decisions(run, view) {
  const { t } = view;
  const told = (run.decisions ?? []).map((said) => {
    const words = said.decision === "rate" ? "★".repeat(said.rating ?? 0) : said.decision === "label" ? (said.label ?? t("decision.unlabelled")) : t(`decision.${said.decision}`);
    return h("div", { class: "cpv-item" }, h("b", {}, words), said.reason ? h("span", {}, ` ${said.reason}`) : null, h("div", { class: "muted" }, said.recorded_at ? absolute(said.recorded_at, view) : ""));
  });
  const { decision, rating, note } = run.decision ?? {};
  return decision || rating || note
    ? [...told, h("button", { type: "button", class: "cpv-link", testid: "provenance-take-back", on: { click: () => view.takeBack() } }, t("decision.takeBack"))]
    : told;
}

/** Files that the run loaded. */
export function inputs(run, t, full) {
  return run.inputs.map((input) =>
    h(
      "div",
      { class: "cpv-item" },
      h("b", {}, input.name),
      h("div", { class: "muted" }, [`#${input.node} ${input.input}`, size(input.size), input.kept ? t("inputs.kept") : ""].filter(Boolean).join(" · ")),
      input.sha256 ? h("code", { title: input.sha256 }, `sha256 ${input.sha256.slice(0, 16)}…`) : null,
      input.problem ? h("div", { class: "cpv-warning" }, input.problem) : null,
      mask(input, t, full),
      input.brought_in ? h("div", { class: "muted" }, t(`inputs.brought.${input.brought_in.basis}`, { entry: input.brought_in.entry })) : null,
    ),
  );
}

/** What of a file was used as a mask. */
function mask({ mask: used }, t, full) {
  if (!used) {
    return null;
  }
  const percent = used.coverage === null ? "?" : (used.coverage * 100).toFixed(1);
  const words = h("div", { class: "muted" }, t("inputs.mask", { channel: used.channel, percent }));
  return used.picture ? h("div", { class: "cpv-pair cpv-mask" }, full({ file: words.textContent, kept: used.picture, sha256: used.picture }), words) : words;
}

/** What went wrong. */
export function failure(run, t) {
  const { error } = run;
  if (!error) {
    return null;
  }
  return h(
    "div",
    { class: "cpv-failure", role: "note" },
    h("b", {}, error.class ?? t("status.error")),
    h("p", {}, error.message ?? ""),
    error.node ? h("div", { class: "muted" }, `${error.node_type ?? ""} #${error.node}`) : null,
    error.traceback ? h("details", {}, h("summary", {}, t("error.traceback")), h("pre", {}, [error.traceback].flat().join("\n"))) : null,
  );
}

export function facts(rows) {
  const told = rows.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return told.length > 0 ? h("dl", { class: "cpv-facts" }, ...told.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { title: String(value) }, value)])) : null;
}

/** Intents: what the author wrote down before. */
export function intents(run) {
  return run.intents.map((intent) => h("div", { class: "cpv-item" }, intent.title ? h("b", {}, intent.title) : null, h("p", {}, intent.text)));
}

