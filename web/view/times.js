/** Between which moments a run was made, as time-stamps tell. Says what is known and no more. */

import { h } from "./dom.js";

/**
 * The part of the inspector about trusted time.
 * @param {{times?: import("../record.js").Times}} run
 * @param {{t: Function, locale: string}} view
 */
export function bounds(run, view) {
  const { times } = run;
  if (!times) {
    return null;
  }
  const { t } = view;
  const { after, by } = times;
  const told = { after: after ? moment(after.time, view) : "", by: by ? moment(by.time, view) : "" };
  const key = by ? (after ? "between" : "by") : after ? "after" : "none";
  const lines = [h("p", { class: `cpv-time ${times.state}`, testid: "provenance-time", "data-state": times.state }, t(`time.${key}`, told))];
  if (times.state === "untrusted" || times.state === "signature-unchecked") {
    lines.push(h("p", { class: "cpv-warning" }, t(`time.${times.state}`)));
  }
  for (const [words, bound] of [["time.lower", after], ["time.upper", by]]) {
    if (bound) {
      lines.push(h("p", { class: "muted" }, `${t(String(words))} ${source(bound, t)}`));
    }
  }
  return lines;
}

/** Who says so, and whether anybody checked who that is. */
export function source(bound, t) {
  const who = bound.signer && bound.signer !== bound.authority ? `${bound.authority} (${bound.signer})` : bound.authority;
  return t("time.source", { who, entry: bound.entry, trust: t(`trust.${bound.trust}`) });
}

function moment(when, { locale }) {
  return new Date(when).toLocaleString(locale, { hour12: false, timeZoneName: "short" });
}
