/**
 * The parts of the inspector, in their order. A feature adds a line here, its content in a file of its own, and its title
 * under `part.<key>` in both languages.
 *
 * `read(api, shown, signal)` may ask the host for more: what it answers, or the `Refusal` it met, is `content`'s second
 * argument. `glance`: stands beside the pictures. What `content` answers with is elements, or null to leave the part out.
 *
 * @typedef {{shown: object, diff: object|null, merges: object[], view: object}} Told
 *   `shown`: the run in full; `diff`: against its parent or the run that was picked; `view`: `t`, `locale`, `usedBy(id)`,
 *   `openSheet(id)`
 * @typedef {{key: string, glance?: boolean, open?: boolean, read?: Function, content: (told: Told, read: any) => any,
 *   note?: (told: Told) => string|null}} Part
 */

import { Refusal } from "../api.js";
import { replayPart } from "./again.js";
import { h } from "./dom.js";
import { edits } from "./edits.js";
import * as sections from "./sections.js";
import { bounds } from "./times.js";

const count = (list, t) => (list?.length ? t("part.changed", { count: list.length }) : null);
const known = (read) => (read instanceof Refusal ? null : read);

/** @type {Part[]} */
export const PARTS = [
  { key: "replay", glance: true, content: ({ shown, view }) => replayPart(shown, view.t, { openSheet: view.openSheet }) },
  { key: "prompts", glance: true, content: ({ shown, diff, view }) => sections.prompts(shown, diff, view.t) },
  { key: "graph", glance: true, content: ({ diff, view }) => sections.graphChanges(diff, view.t) },
  {
    key: "parameters",
    read: (api, shown, signal) => (shown.snapshot?.prompt ? api.document(shown.snapshot.prompt, signal) : null),
    content({ shown, diff, view }, prompt) {
      const texts = new Set(shown.prompts.map((one) => `${one.node}/${one.input}`));
      return sections.parameters(known(prompt), diff, texts, view.t);
    },
    note: ({ diff, view }) => count(diff?.params, view.t),
  },
  { key: "edges", content: ({ shown, merges, view }) => sections.edges(shown, merges, view.usedBy(shown.execution), view.t) },
  { key: "intents", content: ({ shown }) => sections.intents(shown) },
  { key: "decisions", content: ({ shown, view }) => sections.decisions(shown, view) },
  { key: "models", content: ({ shown, diff, view }) => sections.models(shown, diff, view.t) },
  { key: "edits", content: ({ shown, view }) => edits(shown, view) },
  { key: "inputs", content: ({ shown, view }) => sections.inputs(shown, view.t, view.full) },
  { key: "bounds", content: ({ shown, view }) => bounds(shown, view) },
  { key: "times", open: false, content: ({ shown, view }) => sections.times(shown, view) },
  { key: "signature", open: false, content: ({ shown, view }) => sections.signature(shown, view) },
  {
    key: "environment",
    open: false,
    read: (api, shown, signal) => (shown.environment ? api.document(shown.environment, signal) : null),
    content: ({ diff, view }, environment) => sections.environment(known(environment), diff, view.t),
    note: ({ diff, view }) => count(diff?.environment, view.t),
  },
  {
    key: "redactions",
    open: false,
    content: ({ shown }) => shown.redactions.map((mark) => h("div", { class: "cpv-item" }, h("code", {}, `${mark.document} ${mark.path}`))),
  },
];
