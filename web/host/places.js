/** Where this pack shows itself in the page: sidebar and menus. */

import { app, lacking } from "./page.js";

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
