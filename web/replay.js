/**
 * Apply the edit of one step to another canvas. Pure: a comparison and the nodes of the canvas in; what to set, and what does
 * not fit, out. Values and words only; nodes are neither added nor removed nor wired.
 *
 * @typedef {{id: string, type: string, widgets: {name: string, value: unknown}[]}} Node
 * @typedef {{id: string, input: string, before: unknown, after: unknown}} Change
 */

/**
 * @param {import("./record.js").Diff} diff
 * @param {Node[]} nodes
 * @returns {{set: Change[], same: object[], left: {what: string, node: string, class_type?: string, reason: string}[]}}
 */
export function replay(diff, nodes) {
  const set = [];
  const same = [];
  const left = [];
  const added = new Set(diff.graph.added.map((one) => one.node));
  const drop = (change, reason) => left.push({ what: change.input, node: change.node, class_type: change.class_type, reason });

  for (const change of [...diff.params, ...diff.prompts]) {
    if (added.has(change.node) || change.after === null || change.after === undefined) {
      continue; // told with the node, or as an input that is gone
    }
    const node = match(change, nodes);
    const widget = node?.widgets.find((one) => one.name === change.input);
    if (widget === undefined) {
      drop(change, node === null ? "node" : "widget");
      continue;
    }
    const after = "hunks" in change ? reword(String(widget.value ?? ""), change) : change.after;
    if (after === null) {
      drop(change, "words");
    } else if (sameValue(after, widget.value)) {
      same.push(change);
    } else {
      set.push({ id: node.id, input: change.input, before: widget.value, after });
    }
  }
  for (const reason of /** @type {const} */ (["added", "removed", "rewired"])) {
    for (const one of diff.graph[reason]) {
      left.push({ what: one.input ?? one.class_type, node: one.node, class_type: one.class_type, reason });
    }
  }
  return { set, same, left };
}

/** The node of that id where its class fits; else the only one of that class. */
function match(change, nodes) {
  const byId = nodes.find((node) => node.id === String(change.node));
  if (byId !== undefined && (!change.class_type || byId.type === change.class_type)) {
    return byId;
  }
  const alike = nodes.filter((node) => change.class_type && node.type === change.class_type);
  return alike.length === 1 ? alike[0] : null;
}

/**
 * The edit of a text on another text: the same words replaced, where they stand there once. Null when they do not. A text
 * that is the one before becomes the one after.
 *
 * @param {string} text
 * @param {{before: any, after: any, hunks?: import("./record.js").Hunk[]}} change
 */
export function reword(text, { before, after, hunks = [] }) {
  if (text === before || before === null || before === undefined) {
    return after;
  }
  if (text === after) {
    return after;
  }
  let found = text;
  for (let at = 0; at < hunks.length; at += 1) {
    const hunk = hunks[at];
    if (hunk.op === "delete") {
      const next = hunks[at + 1]?.op === "insert" ? hunks[at + 1].text : "";
      const put = replaceOnce(found, hunk.text, next);
      if (put === null) {
        return null;
      }
      found = put;
      at += next === "" ? 0 : 1;
    } else if (hunk.op === "insert") {
      const put = insertBetween(found, hunks[at - 1]?.text ?? "", hunk.text, hunks[at + 1]?.text ?? "");
      if (put === null) {
        return null;
      }
      found = put;
    }
  }
  return found;
}

function replaceOnce(text, from, to) {
  const words = from.trim();
  const at = text.indexOf(words);
  if (words === "" || at < 0 || text.includes(words, at + words.length)) {
    return null;
  }
  const joined = text.slice(0, at) + to.trim() + text.slice(at + words.length);
  return to.trim() === "" ? joined.replace(/,\s*,/u, ",").replace(/ {2,}/gu, " ").replace(/[\s,]+$/u, "") : joined;
}

/** Insert after the words that stood before, else before those that stood after, else at the end. */
function insertBetween(text, left, words, right) {
  const [before, after] = [left.slice(-24).trimStart(), right.slice(0, 24).trimEnd()];
  const at = before === "" ? -1 : text.indexOf(before);
  if (at >= 0) {
    return text.slice(0, at + before.length) + words + text.slice(at + before.length);
  }
  const next = after === "" ? -1 : text.indexOf(after);
  if (next >= 0) {
    return text.slice(0, next) + words + text.slice(next);
  }
  const bare = words.replace(/^[\s,]+|[\s,]+$/gu, "");
  return bare === "" ? null : text === "" ? bare : `${text.replace(/[\s,]+$/u, "")}, ${bare}`;
}

function sameValue(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other) || String(one) === String(other);
}
