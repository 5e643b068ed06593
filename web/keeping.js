/**
 * What the record keeps, in the page's own settings: the host's settings as switches, disk use, the clean-up. Called by
 * `main.js`. The host holds these settings; the page shows them and sends what the author changes.
 */

import { messageOf, Record, Refusal } from "./api.js";
import * as host from "./host.js";
import { install } from "./style.js";
import { languageOf, translator } from "./texts.js";
import { button, h } from "./view/dom.js";
import { openStorage } from "./view/storage.js";

/** Settings of the page to those of the host. */
const NAMES = new Map([
  ["Provenance.RecordRuns", "enabled"],
  ["Provenance.KeepThumbnails", "thumbnails"],
  ["Provenance.KeepInputs", "keep_inputs"],
  ["Provenance.KeepOutputs", "keep_outputs"],
  ["Provenance.KeepLimit", "keep_limit_mib"],
  ["Provenance.FingerprintModels", "fingerprint_models"],
]);
const STORAGE = "Provenance.Storage";

/** What the host is known to have saved, by its own names; null until it has said so. @type {{saved: {[name: string]: unknown}|null}} */
const known = { saved: null };

export const SETTINGS = [
  setting("Provenance.RecordRuns", "Record runs", "When off, nothing is recorded from the next start of ComfyUI on. To stop for a while, pause recording.", true),
  setting("Provenance.KeepThumbnails", "Keep a small picture of each output", "From the next start of ComfyUI on.", true),
  setting("Provenance.KeepInputs", "Keep copies of the files that runs load", "So that they can be put back when they are gone. From the next start of ComfyUI on.", true),
  setting("Provenance.KeepOutputs", "Keep copies of saved outputs", "Previews are always kept: ComfyUI deletes them. From the next start of ComfyUI on.", false),
  setting("Provenance.KeepLimit", "Keep no copies of files larger than this, in MiB", "They are recorded by their SHA-256. From the next start of ComfyUI on.", 512),
  setting("Provenance.FingerprintModels", "Fingerprint model files", "Each is hashed once, in the background. From the next start of ComfyUI on.", true),
  {
    id: STORAGE,
    name: "Where the record is, and how much room it takes",
    tooltip: "The clean-up never touches entries, graphs, or anything of runs that you keep.",
    category: ["Provenance", "Record", "Storage"],
    type: opener,
    defaultValue: "",
    sortOrder: 0,
  },
];

/** The button that stands in the page's dialog where other settings have their switch. */
function opener() {
  install(document);
  return h("div", { class: "cpv-root" }, button({ text: translator(host.locale())("storage.open"), testid: "provenance-storage-open", on: show }));
}

function setting(id, name, tooltip, defaultValue) {
  const short = id.split(".").at(-1);
  const sortOrder = 100 - [...NAMES.keys()].indexOf(id); // the page shows the highest first
  const type = typeof defaultValue === "number" ? "number" : "boolean";
  const attrs = type === "number" ? { min: 1, max: 1_048_576, step: 1, showButtons: false } : undefined;
  return { id, name, tooltip, category: ["Provenance", "Record", short], type, attrs, defaultValue, sortOrder, onChange: (value) => void changed(id, value) };
}

/** What the page takes beside the settings. */
export function offers() {
  const t = translator(navigator.language);
  return {
    commands: [{ id: STORAGE, label: t("storage.open"), icon: "pi pi-database", function: show }],
    menuCommands: [{ path: ["Provenance"], commands: [STORAGE] }],
  };
}

/** Show in the page what the host has saved. Without an answer the switches are left as they are, and change nothing. */
export async function setUp() {
  try {
    const { settings } = await new Record(host.request).settings();
    known.saved = settings;
    for (const [id, name] of NAMES) {
      if (host.setting(id, undefined) !== settings[name]) {
        await host.changeSetting(id, settings[name]);
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    console.info(`[Provenance] The settings of the record cannot be read: ${error.message}`);
  }
}

/** The author changed a setting in the page's dialog, or the page tells the value that it has. */
async function changed(id, value) {
  const name = NAMES.get(id);
  const { saved } = known;
  if (saved === null || name === undefined || saved[name] === value) {
    return;
  }
  const t = translator(host.locale());
  const before = saved[name];
  saved[name] = value;
  try {
    const { settings } = await new Record(host.request).changeSettings({ [name]: value });
    known.saved = settings;
    host.toast("info", t("settings.saved"), t("settings.later"));
  } catch (error) {
    saved[name] = before;
    host.toast("error", t("settings.failed"), messageOf(error));
    await host.changeSetting(id, before);
  }
}

function show() {
  const locale = host.locale();
  install(document);
  openStorage({ api: new Record(host.request), t: translator(locale), lang: languageOf(locale) });
}
