/** Offers to wrap and unwrap nodes: commands, the menu of nodes, and what is said afterwards. Called by `main.js`. */

import * as host from "./host.js";
import { translator } from "./texts.js";
import { becomes, plan, standIns, swapped } from "./wrap.js";

const WRAP_MENU = "Provenance.WrapMenu";
const NAMED = 3; // classes that a message names; the rest is counted

export const SETTINGS = [
  {
    id: WRAP_MENU,
    name: "Offer wrapping in the menu of nodes",
    tooltip: "Samplers and prompts can be made nodes that the record observes, and back. The commands stay.",
    category: ["Provenance", "Graph", "WrapMenu"],
    type: "boolean",
    defaultValue: true,
  },
];

const COMMANDS = [
  ["Provenance.WrapSelection", "wrap", "selection", "pi pi-eye"],
  ["Provenance.UnwrapSelection", "unwrap", "selection", "pi pi-eye-slash"],
  ["Provenance.WrapAll", "wrap", "all", "pi pi-eye"],
  ["Provenance.UnwrapAll", "unwrap", "all", "pi pi-eye-slash"],
];

/** What the page takes beside the settings: commands, and the menu of nodes. */
export function offers() {
  const t = translator(navigator.language);
  return {
    commands: COMMANDS.map(([id, way, scope, icon]) => ({
      id,
      icon,
      label: t(`${way}.${scope}`),
      function: () => act(way, scope === "all" ? null : { graph: host.openGraphId(), ids: host.selectedIds() }),
    })),
    menuCommands: [{ path: ["Provenance"], commands: COMMANDS.map(([id]) => id) }],
    ...host.nodeMenu(entriesFor),
  };
}

/** The entries for a node, or for the selection when the node is part of one. */
function entriesFor(node) {
  if (!host.setting(WRAP_MENU, true)) {
    return [];
  }
  const t = translator(host.locale());
  const { graph, ids, types } = host.chosenWith(node);
  const pairs = standIns(host.nodeCategories());
  return ["wrap", "unwrap"].flatMap((way) => {
    const count = types.filter((type) => becomes(type, way, pairs) !== null).length;
    const content = ids.length === 1 ? t(`${way}.node`) : t(`${way}.these`, { count });
    return count === 0 ? [] : [{ content, callback: () => void act(way, { graph, ids }) }];
  });
}

const now = { acting: false };

/** Wrap or unwrap what `scope` names, as one step, and say what became of it. */
async function act(way, scope) {
  if (now.acting) {
    return;
  }
  now.acting = true;
  const t = translator(host.locale());
  try {
    let told = null;
    const able = await host.rewrite((workflow) => {
      const made = change(workflow, way, scope);
      told = made;
      return made.workflow;
    });
    say(t, way, able ? told : null, scope);
  } finally {
    now.acting = false;
  }
}

function change(workflow, way, scope) {
  const { swaps, left } = plan(workflow, scope, way, standIns(host.nodeCategories()));
  const shapes = new Map();
  for (const type of swaps.flatMap(({ from, to }) => [from, to])) {
    shapes.set(type, shapes.get(type) ?? host.shapeOf(type));
  }
  const possible = swaps.filter(({ from, to }) => shapes.get(from) !== null && shapes.get(to) !== null);
  const refused = swaps.filter((swap) => !possible.includes(swap)).map(({ id, from }) => ({ id, type: from }));
  const made = possible.length === 0 ? { workflow: null, unlinked: 0 } : swapped(workflow, possible, shapes);
  return { ...made, count: possible.length, left: [...left, ...refused] };
}

function say(t, way, told, scope) {
  if (told === null) {
    host.toast("error", t(`${way}.impossible`), t("wrapping.unsupported"));
    return;
  }
  const { count, left, unlinked } = told;
  const details = [];
  if (left.length > 0) {
    details.push(t(`${way}.left`, { count: left.length, types: named(t, left) }));
  }
  if (unlinked > 0) {
    details.push(t("wrapping.unlinked", { count: unlinked }));
  }
  if (count === 0 && left.length === 0) {
    details.push(t(scope !== null && scope.ids.length === 0 ? "wrapping.nothing" : `${way}.already`));
  }
  host.toast(details.length > 0 ? "warn" : "success", t(`${way}.done`, { count }), details.join(" "));
}

function named(t, left) {
  const types = [...new Set(left.map(({ type }) => type))];
  const more = types.length - NAMED;
  return types.slice(0, NAMED).join(", ") + (more > 0 ? ` ${t("changes.more", { count: more })}` : "");
}
