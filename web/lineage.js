/** Puts the lineage into the page: tab, commands, menu of nodes, settings. Called once by `main.js`. */

import { Actions } from "./actions.js";
import { Again } from "./again.js";
import { Record } from "./api.js";
import { headOf } from "./head.js";
import * as host from "./host.js";
import { runningSeen } from "./state.js";
import { Store } from "./store.js";
import { install } from "./style.js";
import { languageOf, translator } from "./texts.js";
import { Desk } from "./view/desk.js";
import { Panel } from "./view/panel.js";
import { Pictures } from "./view/pictures.js";

const TAB = "provenance-lineage";
const BADGES = { broken: "!", offline: "!", paused: "‖", off: "‖" };

const STATUS_EVERY_MS = 30_000;

const SHOW_TAB = "Provenance.ShowTab";
const NODE_MENU = "Provenance.NodeMenu";
const GROUP_SEEDS = "Provenance.GroupSeeds";
const MARK = "Provenance.MarkDifferences";

/**
 * The one lineage of the page; null until it is set up.
 *
 * @type {{lineage: {open: () => void, recording: (state: string) => void, redraw: () => void, unframe: () => void,
 *   find: (address: string) => Promise<void>, records: () => boolean}|null}}
 */
const current = { lineage: null };

/** Whether a run that is queued now will be in the record, as far as the page knows: not while it is paused or off. */
export function records() {
  return current.lineage?.records() ?? true;
}

/** Settings, each of which switches one feature off or on. */
export const SETTINGS = [
  setting(SHOW_TAB, "Show the lineage in the sidebar", "Takes effect when the page is loaded again.", true),
  setting(NODE_MENU, "Offer the lineage of an image in the menu of its node", "Shows the run that made the image.", true),
  setting(GROUP_SEEDS, "Fold runs that differ in their seed only", "Three or more of them, made one after the other, share a row.", true, () => current.lineage?.redraw()),
  setting(MARK, "After a branch is reloaded, frame the nodes that differ from the canvas before", "The frames go with the next reload, or when this is switched off.", false, (on) => on === false && current.lineage?.unframe()),
];

function setting(id, name, tooltip, defaultValue, onChange) {
  const short = id.split(".").at(-1);
  return { id, name, tooltip, category: ["Provenance", "Lineage", short], type: "boolean", defaultValue, onChange };
}

/** What the page takes beside the settings: commands, and the menu of nodes. */
export function offers() {
  const t = translator(navigator.language);
  return {
    commands: [
      { id: "Provenance.OpenLineage", label: t("command.open"), icon: "pi pi-sitemap", function: () => current.lineage?.open() },
      { id: "Provenance.PauseRecording", label: t("command.pause"), icon: "pi pi-pause", function: () => current.lineage?.recording("paused") },
      { id: "Provenance.ResumeRecording", label: t("command.resume"), icon: "pi pi-play", function: () => current.lineage?.recording("recording") },
    ],
    menuCommands: [{ path: ["Provenance"], commands: ["Provenance.OpenLineage", "Provenance.PauseRecording", "Provenance.ResumeRecording"] }],
    ...host.nodeMenu((node) => {
      const address = host.setting(NODE_MENU, true) && current.lineage !== null ? host.imageOf(node) : null;
      return address === null ? null : { content: translator(host.locale())("menu.image"), callback: () => void current.lineage?.find(address) };
    }),
  };
}

/** Set up the tab, and keep it told of what the host records. */
export function setUp() {
  const locale = host.locale();
  const t = translator(locale);
  const api = new Record(host.request);
  const store = new Store(api);
  const pictures = new Pictures(host.address);
  const actions = new Actions({ api, store, t, pictures });
  const again = new Again({ api, store, t, pictures });
  /** @type {Panel|null} */
  let panel = null;
  const desk = new Desk({
    t,
    locale: languageOf(locale) === "zh" ? "zh-CN" : locale,
    api,
    pictures,
    address: host.address,
    selected: () => store.state.selected,
    toast: host.toast,
    changed: () => store.refreshSoon(),
    whenLeaving: host.whenLeaving,
  });

  const tab = host.setting(SHOW_TAB, true)
    ? host.addSidebarTab({
        id: TAB,
        icon: "pi pi-sitemap",
        title: t("tab.title"),
        tooltip: t("tab.tooltip"),
        render(element) {
          install(document);
          element.classList.add("cpv-host");
          panel = new Panel({
            t,
            locale: languageOf(locale) === "zh" ? "zh-CN" : locale,
            store,
            api,
            actions,
            again,
            pictures,
            head: () => headOf(host.canvasGraph()),
            group: () => host.setting(GROUP_SEEDS, true),
          });
          element.replaceChildren(panel.element, desk.element);
          panel.list.draw();
          return () => {
            panel?.destroy();
            panel = null;
          };
        },
      })
    : null;

  let told = "";
  store.subscribe(({ status }) => {
    const state = status?.state ?? "starting";
    const reason = status?.reason ?? "";
    if (tab === null || told === state + reason) {
      return;
    }
    told = state + reason;
    tab.badge(BADGES[state] ?? null);
    const words = { paused: "tab.paused", recording: "tab.recording" };
    tab.tooltip(t(words[state] ?? (state in BADGES ? "tab.broken" : "tab.tooltip"), { reason }));
  });
  void store.readStatus();

  host.onEvent("provenance", (event) => {
    if (event?.kind === "notice") {
      host.toast("warn", t("notice.file"), event.text);
      return;
    }
    store.recorded(event ?? {});
    if (event?.kind === "gap" || event?.kind === "session") {
      void store.readStatus();
    }
  });
  host.onEvent("execution_start", (event) => store.apply((now) => runningSeen(now, event?.prompt_id ?? null)));
  for (const end of ["execution_success", "execution_error", "execution_interrupted"]) {
    host.onEvent(end, () => {
      store.apply((now) => runningSeen(now, null));
      void store.readStatus(); // a run that could not be recorded announces nothing
    });
  }
  setInterval(() => document.visibilityState === "visible" && void store.readStatus(), STATUS_EVERY_MS);
  host.onEvent("reconnected", () => store.refreshSoon());

  const open = () => {
    host.openSidebarTab(TAB);
  };
  current.lineage = {
    open,
    recording: (state) => void actions.recording(state),
    redraw: () => store.apply((now) => ({ ...now })),
    unframe: () => actions.forgetFrames(),
    records: () => !["paused", "off"].includes(store.state.status?.state ?? ""),
    async find(address) {
      open();
      await actions.identifyAt(address, async (id) => {
        for (let tries = 0; panel === null && tries < 40; tries += 1) {
          await new Promise((resolve) => setTimeout(resolve, 50)); // the page puts the tab up a moment later
        }
        await panel?.go(id);
      });
    },
  };
}
