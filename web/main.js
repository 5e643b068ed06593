/** Registers the extension. ComfyUI imports every script of this folder; this is the only one that acts when imported. */

import { headOf, moveHead, Presses } from "./head.js";
import * as host from "./host.js";
import * as keeping from "./keeping.js";
import * as lineage from "./lineage.js";
import * as wrapping from "./wrapping.js";

const KEEP_HEAD = "Provenance.KeepHead";

const SETTINGS = [
  {
    id: KEEP_HEAD,
    name: "Let the next run descend from the last one",
    tooltip: "After a run is queued, the canvas remembers it as the parent of the next run.",
    category: ["Provenance", "Lineage", "KeepHead"],
    type: "boolean",
    defaultValue: true,
  },
  ...lineage.SETTINGS,
  ...keeping.SETTINGS,
  ...wrapping.SETTINGS,
];

function keepHead() {
  const presses = new Presses();

  function write(moves) {
    if (!host.setting(KEEP_HEAD, true) || !lineage.records()) {
      return;
    }
    for (const move of moves) {
      const canvas = host.openTab() === move.tab ? host.canvasGraph() : null;
      if (moveHead(move, canvas, host.storedStates(move.tab)) && canvas) {
        host.changeDraft((draft) => draft.id === canvas.id && moveHead(move, draft, []));
      }
    }
  }

  host.watchPresses({
    pressed: (count) => presses.pressed(count),
    settled: () => write(presses.settled()),
  });
  host.watchRuns({
    before: (workflow) => ({ press: presses.submitting(), tab: host.openTab(), sent: headOf(workflow) }),
    accepted: ({ press, tab, sent }, execution) => write(presses.accepted(press, tab, sent, execution)),
    refused: ({ press }) => write(presses.refused(press)),
  });
}

function setUp() {
  keepHead();
  lineage.setUp();
  void keeping.setUp();
}

/** What several parts offer, as one: lists in a row, and the menus of nodes. */
function together(parts) {
  const listed = (name) => parts.flatMap((part) => part[name] ?? []);
  const menus = listed("getNodeMenuItems");
  return {
    commands: listed("commands"),
    menuCommands: listed("menuCommands"),
    ...(menus.length > 0 ? { getNodeMenuItems: (node) => menus.flatMap((menu) => menu(node)) } : {}),
  };
}

host.onEvent("provenance", () => {}); // at once: what the host says before all is set up is news, and nothing unknown
host.register(SETTINGS, setUp, together([lineage.offers(), wrapping.offers(), keeping.offers()]));
