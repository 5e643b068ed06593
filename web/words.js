/**
 * What changed, in words. Pure: lines and comparisons in, text out, in the author's language.
 *
 * The ledger says changes in short lines of names, values and symbols (`seed 42 → 43`, `+ "golden hour"`). Most of a line is
 * the author's own and stays as it is; the few English words around it are put into the language of the page.
 */

const SEED = /^[\w ./-]*seed \S+ → \S+( \(.*\))?$/iu;

/** The lines that speak of more than a seed. @param {string[]} changes */
export function withoutSeeds(changes) {
  return changes.filter((line) => !SEED.test(line));
}

/** Short enough to be read aloud, long enough to be told apart. @param {string} execution */
export function shortId(execution) {
  return `#${execution.replace(/^sha256:/u, "").slice(0, 6)}`;
}

/**
 * A line of the ledger in the language of `t`.
 * @param {string} line
 * @param {(key: string, values?: object) => string} t
 */
export function changeWords(line, t) {
  const more = /^… (\d+) more changes$/u.exec(line);
  if (more) {
    return t("changes.more", { count: more[1] });
  }
  const unknown = /^changes unknown: (.*)$/su.exec(line);
  if (unknown) {
    return t("changes.unknown", { reason: unknown[1] });
  }
  const bytes = /^(.*) has other bytes( \(sha256 .*\))?$/u.exec(line);
  if (bytes) {
    return t("changes.bytes", { name: bytes[1] }) + (bytes[2] ?? "");
  }
  const marks = /^(.*) punctuation( \(.*\))?$/u.exec(line);
  if (marks && !/["→]/u.test(marks[1])) {
    return t("changes.punctuation", { name: marks[1] }) + tail(marks[2], t);
  }
  const tag = /^(.*)( \((?:positive|negative)(?:, [^()]*)?\))$/su.exec(line);
  return tag ? tag[1] + tail(tag[2], t) : line;
}

function tail(tag, t) {
  return (tag ?? "")
    .replace(/\(negative/u, `(${t("changes.negative")}`)
    .replace(/\(positive/u, `(${t("changes.positive")}`);
}

/**
 * What kind of line it is, for its colour: `add`, `remove` or `change`.
 * @param {string} line
 */
export function changeTone(line) {
  return line.startsWith("+ ") ? "add" : /^[−-] /u.test(line) ? "remove" : "change";
}

/**
 * The lines to show for a run in the tree, most telling first: words of prompts, then models and nodes, then values; a seed
 * comes last, and a line about a picture that another run made is left to the link to that run.
 * @param {string[]} changes
 */
export function ranked(changes) {
  const weight = (line) => {
    if (SEED.test(line)) {
      return 4;
    }
    if (/"/u.test(line)) {
      return 0;
    }
    if (/\[(?:output|temp)\]/u.test(line)) {
      return 3;
    }
    return /^[+−-] /u.test(line) ? 2 : 1;
  };
  return changes.map((line, at) => ({ line, at, weight: weight(line) })).sort((a, b) => a.weight - b.weight || a.at - b.at).map((one) => one.line);
}

/** How long a thing took, for people. @param {number|null|undefined} ms */
export function duration(ms, t) {
  if (ms === null || ms === undefined) {
    return "";
  }
  if (ms < 1000) {
    return t("time.ms", { count: Math.round(ms) });
  }
  if (ms < 60_000) {
    return t("time.s", { count: (ms / 1000).toFixed(ms < 10_000 ? 1 : 0) });
  }
  return t("time.min", { minutes: Math.floor(ms / 60_000), seconds: Math.round((ms % 60_000) / 1000) });
}

/**
 * When, as short as it can be told: the time for today, day and time for this year, else the date.
 * @param {string} when RFC 3339
 * @param {Date} now
 * @param {string} locale
 */
export function moment(when, now, locale) {
  const at = new Date(when);
  if (Number.isNaN(at.getTime())) {
    return when;
  }
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (at.toDateString() === now.toDateString()) {
    return formatter(locale, { ...time, second: "2-digit" }).format(at);
  }
  if (at.getFullYear() === now.getFullYear()) {
    return formatter(locale, { month: "short", day: "numeric", ...time }).format(at);
  }
  return formatter(locale, { year: "numeric", month: "short", day: "numeric" }).format(at);
}

const formatters = new Map();

function formatter(locale, options) {
  const key = locale + JSON.stringify(options);
  if (!formatters.has(key)) {
    formatters.set(key, new Intl.DateTimeFormat(locale, options));
  }
  return formatters.get(key);
}

/** A value of a widget on one line. */
export function shown(value, t) {
  if (value === null || value === undefined) {
    return t("value.none");
  }
  if (typeof value === "object") {
    return JSON.stringify(value);
  }
  return value === "" ? "“”" : String(value);
}

/** Bytes for people. @param {number|null|undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) {
    return "";
  }
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let count = bytes;
  while (count >= 1024 && at < units.length - 1) {
    count /= 1024;
    at += 1;
  }
  return `${at === 0 ? count : count.toFixed(count < 10 ? 1 : 0)} ${units[at]}`;
}
