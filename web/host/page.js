/** ComfyUI's own scripts, which no other file imports, and what of the page needs no canvas: settings, messages, the host. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

export { api, app };

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

/** Give a setting a value, as the author would. */
export async function changeSetting(id, value) {
  await app.extensionManager?.setting?.set?.(id, value);
}

/** Listen to an event that the host sends. Listening also keeps the page from reporting it as unknown. */
export function onEvent(name, listener) {
  api?.addEventListener?.(name, (event) => listener(event.detail));
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

/** Listen for the page's going away: `asked()` says whether the author should be asked first, `leaving()` is the last moment. */
export function whenLeaving({ asked, leaving }) {
  addEventListener("beforeunload", (event) => asked() && event.preventDefault());
  addEventListener("pagehide", leaving);
}
