/**
 * The only script that knows ComfyUI's page. Every access is guarded: what a version of the page lacks is answered with null
 * or an empty list, or reported once through `lacking`, and never thrown into the page.
 */

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { messageOf } from "./api.js";

/** The page's application object, for `canvas.js` alone, which is the other half of this door. */
export const page = app;

const EXTENSION = "comfy-provenance";
const reported = new Set();

/** Say once, in the console, that something of the page is missing and what does not work without it. */
export function lacking(what, consequence) {
  if (!reported.has(what)) {
    reported.add(what);
    console.warn(`[Provenance] This page has no ${what}: ${consequence}.`);
  }
}

/** Register the extension; `setup` is called once, when the page is ready. `more` is what the page takes beside: commands, menus. */
export function register(settings, setup, more = {}) {
  if (typeof app?.registerExtension !== "function") {
    lacking("app.registerExtension", "the page does not keep the head");
    return;
  }
  app.registerExtension({ name: EXTENSION, settings, setup, ...more });
}

/** The value of a setting, or `fallback` where the page does not know it. */
export function setting(id, fallback) {
  return app.extensionManager?.setting?.get?.(id) ?? fallback;
}

/** Listen to an event that the host sends. Listening also keeps the page from reporting it as unknown. */
export function onEvent(name, listener) {
  api?.addEventListener?.(name, (event) => listener(event.detail));
}

/** The graph on screen, from its root also while a subgraph is open. */
export function canvasGraph() {
  const graph = app.rootGraph ?? app.graph;
  return graph?.rootGraph ?? graph ?? null;
}

/** The open tab: an opaque value that is the same whenever the same tab is open. Null where the page has no tabs. */
export function openTab() {
  return app.extensionManager?.workflow?.activeWorkflow ?? null;
}

/** The states that the page keeps for a tab, the current one first, each once. */
export function storedStates(tab) {
  const tracker = tab?.changeTracker;
  if (!tracker) {
    return [];
  }
  const states = [tracker.activeState, tracker.initialState, ...(tracker.undoQueue ?? []), ...(tracker.redoQueue ?? [])];
  return [...new Set(states)].filter((state) => state !== null && typeof state === "object");
}

/**
 * Pages up to 1.35 keep the open canvas in the browser's storage, to show it again after a reload, and renew it on an edit
 * only; a queue press is none. `change(draft)` answers whether it changed the draft. Newer pages renew theirs on leaving.
 */
export function changeDraft(change) {
  for (const { storage, key } of [
    { storage: localStorage, key: "workflow" },
    { storage: sessionStorage, key: `workflow:${api?.clientId}` },
  ]) {
    try {
      const draft = JSON.parse(storage.getItem(key) ?? "null");
      if (draft !== null && change(draft)) {
        storage.setItem(key, JSON.stringify(draft));
      }
    } catch (error) {
      lacking("usable draft of the canvas", `after a reload the next run may name an older parent (${messageOf(error)})`);
    }
  }
}

/** Report queue presses: `pressed(count)` for each, `settled()` when the page has submitted all of them. */
export function watchPresses({ pressed, settled }) {
  const queuePrompt = app.queuePrompt;
  if (typeof queuePrompt !== "function") {
    lacking("app.queuePrompt", "each run of a batch descends from the one before it");
    return;
  }
  let running = 0;
  app.queuePrompt = async function (number, count, ...rest) {
    running += 1;
    pressed(count);
    try {
      return await queuePrompt.call(this, number, count, ...rest);
    } finally {
      running -= 1;
      if (running === 0) {
        settled();
      }
    }
  };
}

/**
 * Report every run that is sent to the queue. `before(workflow)` answers with a value that comes back in
 * `accepted(value, prompt_id)` or `refused(value)`. Nothing that is sent or received is changed.
 */
export function watchRuns({ before, accepted, refused }) {
  const queuePrompt = api?.queuePrompt;
  if (typeof queuePrompt !== "function") {
    lacking("api.queuePrompt", "the page does not keep the head");
    return;
  }
  api.queuePrompt = async function (number, data, ...rest) {
    const run = before(data?.workflow);
    let answer;
    try {
      answer = await queuePrompt.call(this, number, data, ...rest);
    } catch (error) {
      refused(run);
      throw error;
    }
    if (typeof answer?.prompt_id === "string") {
      accepted(run, answer.prompt_id);
    } else {
      refused(run);
    }
    return answer;
  };
}

/** Ask the host over the page's own door, which knows the address and the user. */
export function request(path, options) {
  return typeof api?.fetchApi === "function" ? api.fetchApi(path, options) : fetch(path, options);
}

/** The address of a route of the host, for an image to show. */
export function address(path) {
  return typeof api?.apiURL === "function" ? api.apiURL(path) : path;
}

/** The language of the page, such as `en` or `zh`. */
export function locale() {
  return setting("Comfy.Locale", null) ?? navigator.language ?? "en";
}

/**
 * Put a tab into the sidebar. `render(element)` fills it and answers with what takes it down again. Answers with
 * `{badge(text), tooltip(text)}`, which change what the tab's button says, or null where the page has no sidebar.
 */
export function addSidebarTab({ id, icon, title, tooltip, render }) {
  const manager = app.extensionManager;
  if (typeof manager?.registerSidebarTab !== "function") {
    lacking("sidebar tabs for extensions", "the lineage cannot be shown");
    return null;
  }
  let takeDown = null;
  const down = () => {
    takeDown?.();
    takeDown = null;
  };
  manager.registerSidebarTab({
    id,
    icon,
    title,
    tooltip,
    type: "custom",
    iconBadge: undefined,
    render(element) {
      down();
      takeDown = render(element);
    },
    destroy: down,
  });
  // The page notices changes of its own copy of the tab only.
  const shown = () => manager.getSidebarTabs?.().find((tab) => tab.id === id) ?? null;
  return {
    badge(text) {
      Object.assign(shown() ?? {}, { iconBadge: text });
    },
    tooltip(text) {
      Object.assign(shown() ?? {}, { tooltip: text });
    },
  };
}

/** Show a tab of the sidebar. */
export function openSidebarTab(id) {
  const sidebar = app.extensionManager?.sidebarTab;
  if (typeof sidebar?.toggleSidebarTab !== "function") {
    lacking("way to open a sidebar tab", "press its button instead");
  } else if (sidebar.activeSidebarTabId !== id) {
    sidebar.toggleSidebarTab(id);
  }
}

/** A short message in a corner of the page. `severity` is `success`, `info`, `warn` or `error`. */
export function toast(severity, summary, detail = "") {
  const add = app.extensionManager?.toast?.add;
  if (typeof add !== "function") {
    lacking("short messages", "they are written to the console");
    console.info(`[Provenance] ${summary} ${detail}`);
    return;
  }
  add({ severity, summary, detail, life: severity === "error" || severity === "warn" ? 12_000 : 4000 });
}

/** What the canvas holds now, as it would be saved, or null. */
export function serialized() {
  return canvasGraph()?.serialize?.() ?? null;
}

/**
 * Put a workflow on the canvas, in a tab of its own; answers false where the page has no tabs, so that it stands where the
 * canvas before stood. `name` is used unless something of that name is saved or open.
 */
export async function showWorkflow(workflow, name) {
  if (typeof app.loadGraphData !== "function") {
    throw new Error("this page cannot load a workflow");
  }
  const before = openTab();
  await app.loadGraphData(workflow, true, true, freeName(name));
  return before !== null && openTab() !== before;
}

/** The same for a graph in the form that is executed. */
export async function showPrompt(prompt, name) {
  if (typeof app.loadApiJson !== "function") {
    throw new Error("this page cannot load the graph of a run that was sent without a workflow");
  }
  const before = openTab();
  await app.loadApiJson(prompt, freeName(name) ?? undefined);
  return before !== null && openTab() !== before;
}

function freeName(name) {
  const taken = app.extensionManager?.workflow?.getWorkflowByPath?.(`workflows/${name}.json`);
  return taken ? null : name;
}

/** Whether the page opens workflows in tabs. */
export function hasTabs() {
  return openTab() !== null;
}

/** Have the page take note of what was done to the canvas as one step that can be undone. `change` does it. */
export function asOneEdit(change) {
  const graph = canvasGraph();
  graph?.beforeChange?.();
  change();
  graph?.afterChange?.();
  const tracker = openTab()?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
  redraw();
}

export function redraw() {
  app.canvas?.setDirty?.(true, true);
}

/** All nodes on the canvas, those in subgraphs too, each with the id that the executed graph calls it by. */
export function canvasNodes() {
  const found = [];
  const visit = (graph, prefix, depth) => {
    for (const node of graph?.nodes ?? graph?._nodes ?? []) {
      found.push({ id: `${prefix}${node.id}`, node });
      if (node.subgraph && depth < 32) {
        visit(node.subgraph, `${prefix}${node.id}:`, depth + 1);
      }
    }
  };
  visit(canvasGraph(), "", 0);
  return found;
}

/** Give a widget a value as the author would: with what the node does on it. */
export function setWidget(node, widget, value) {
  widget.value = value;
  widget.callback?.(value, app.canvas, node);
}

const marked = new Set();
const frames = { drawn: false };

/** Draw a frame around these nodes of the root graph until told otherwise. Nothing in the graph changes. */
export function mark(ids, colour) {
  marked.clear();
  ids.forEach((id) => marked.add(String(id)));
  const { canvas } = app;
  if (!canvas) {
    lacking("canvas to draw on", "nodes that differ are not marked");
    return;
  }
  if (!frames.drawn) {
    frames.drawn = true;
    const before = canvas.onDrawForeground;
    canvas.onDrawForeground = function (context, area) {
      before?.call(this, context, area);
      if (marked.size > 0 && canvas.graph === canvasGraph()) {
        frame(context, canvas.graph, colour);
      }
    };
  }
  redraw();
}

function frame(context, graph, colour) {
  context.save();
  context.lineWidth = 3;
  context.strokeStyle = colour;
  for (const node of graph.nodes ?? graph._nodes ?? []) {
    if (marked.has(String(node.id))) {
      const title = globalThis.LiteGraph?.NODE_TITLE_HEIGHT ?? 30;
      const [width, height] = node.flags?.collapsed ? [node._collapsed_width ?? 80, 0] : node.size;
      context.strokeRect(node.pos[0] - 7, node.pos[1] - title - 7, width + 14, height + title + 14);
    }
  }
  context.restore();
}

/** The address of the picture that a node shows or loads, or null. */
export function imageOf(node) {
  const shown = node?.imgs?.[node.imageIndex ?? 0]?.src;
  if (shown) {
    return shown;
  }
  const [first] = app.nodeOutputs?.[node?.id]?.images ?? [];
  if (!first?.filename) {
    return null;
  }
  const { filename, subfolder = "", type = "output" } = first;
  return address(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

/** Offer entries in the menu of nodes: `entriesFor(node)` answers `{content, callback}`, a list of them, or null. */
export function nodeMenu(entriesFor) {
  const entries = (node) => [entriesFor(node)].flat().filter((entry) => entry !== null);
  const drawn = globalThis.LGraphCanvas?.prototype;
  const options = drawn?.getNodeMenuOptions;
  if (typeof app.collectNodeMenuItems === "function") {
    return { getNodeMenuItems: entries };
  }
  if (drawn === undefined || typeof options !== "function") {
    lacking("menu of nodes", "neither wrapping nor the lineage of a node's image is offered there");
    return {};
  }
  drawn.getNodeMenuOptions = function (node) {
    const found = options.call(this, node);
    const offered = entries(node);
    return offered.length === 0 ? found : [...found, null, ...offered];
  };
  return {};
}
