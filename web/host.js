/**
 * The door to ComfyUI's page: every other script comes through here, and only what lies in `host/` touches the page's objects.
 * Every access is guarded: what a version of the page lacks is answered with null, false or an empty list, or reported once
 * through `lacking`, and never thrown into the page. `page.d.ts` says what is taken from the page.
 */

export { canvasGraph, canvasNodes, chosenWith, imageOf, openGraphId, selectedIds, serialized, setWidgets } from "./host/canvas.js";
export { nodeCategories, shapeOf } from "./host/classes.js";
export { asOneEdit, rewrite } from "./host/edits.js";
export { mark } from "./host/frames.js";
export { address, changeSetting, lacking, locale, onEvent, register, request, setting, toast, whenLeaving } from "./host/page.js";
export { watchPresses, watchRuns } from "./host/queue.js";
export { addSidebarTab, nodeMenu, openSidebarTab } from "./host/places.js";
export { changeDraft, hasTabs, openTab, showPrompt, showWorkflow, storedStates } from "./host/tabs.js";
