/** How the tab looks: ComfyUI's own variables, so that every theme of the page fits. Sizes follow the page's font and zoom. */

import { DESK } from "./style_desk.js";

const CSS = `
  .cpv-host { height: 100%; }
  .cpv-root {
  --cpv-bg: var(--comfy-menu-bg, #1b1b1d);
  --cpv-fg: var(--input-text, #ddd);
  --cpv-strong: var(--fg-color, #fff);
  --cpv-muted: color-mix(in srgb, var(--cpv-fg) 82%, var(--cpv-bg));
  --cpv-line: color-mix(in srgb, var(--cpv-fg) 16%, transparent);
  --cpv-hover: color-mix(in srgb, var(--cpv-fg) 7%, transparent);
  --cpv-chosen: color-mix(in srgb, var(--cpv-accent) 18%, transparent);
  --cpv-field: color-mix(in srgb, var(--cpv-fg) 7%, var(--cpv-bg));
  --cpv-accent: var(--p-primary-color, #60a5fa);
  --cpv-accent-text: color-mix(in srgb, var(--cpv-accent) 56%, var(--cpv-strong));
  --cpv-good: color-mix(in srgb, #22a55b 54%, var(--cpv-strong));
  --cpv-bad: color-mix(in srgb, #e5484d 48%, var(--cpv-strong));
  --cpv-warn: color-mix(in srgb, #e09000 46%, var(--cpv-strong));
  --c0: #3b8eea; --c1: #e0823d; --c2: #35a86b; --c3: #b267e6; --c4: #d9598c; --c5: #23a6b0; --c6: #b59a1f; --c7: #8f7ae5;
  box-sizing: border-box; color: var(--cpv-fg); background: var(--cpv-bg);
  font: 400 0.8125rem/1.4 Inter, system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  }
  .cpv-root *, .cpv-root *::before { box-sizing: border-box; }
  .cpv-root [hidden] { display: none !important; }
  .cpv-root :focus-visible { outline: 2px solid var(--cpv-accent); outline-offset: -2px; }
  .cpv-root h2, .cpv-root h3, .cpv-root p, .cpv-root figure, .cpv-root ul, .cpv-root dl, .cpv-root dd, .cpv-root pre { margin: 0; padding: 0; }
  .cpv-root .muted { color: var(--cpv-muted); }
  .cpv-root code { font: 0.75rem/1.4 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
  .cpv-icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; font-size: 0.9375rem; }
  .cpv-space { flex: 1; }

  .cpv-panel { position: relative; display: flex; flex-direction: column; height: 100%; min-height: 0; container: cpv / inline-size; user-select: none; }
  .cpv-top { display: flex; align-items: center; gap: 0.5rem; height: 2.5rem; padding: 0 0.375rem 0 0.75rem; flex: none; min-width: 0; }
  .cpv-state { min-width: 0; overflow: hidden; text-overflow: ellipsis; display: inline-flex; align-items: center; gap: 0.375rem; white-space: nowrap; font-weight: 500; color: var(--cpv-strong); }
  .cpv-light { flex: none; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: var(--cpv-muted); }
  .cpv-state[data-state=recording] .cpv-light { background: #22a55b; }
  .cpv-state[data-state=paused] .cpv-light { background: #e09000; }
  .cpv-state:is([data-state=broken], [data-state=offline]) .cpv-light { background: #e5484d; }
  .cpv-head { flex-shrink: 1000; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0.125rem 0.375rem; border: 0; border-radius: 4px; background: none; color: inherit; font: inherit; cursor: pointer; }
  .cpv-head .muted { margin-right: 0.25rem; }
  .cpv-head:disabled { cursor: default; color: var(--cpv-muted); }
  .cpv-head:not(:disabled):hover { background: var(--cpv-hover); }

  .cpv-button { display: inline-flex; align-items: center; justify-content: center; gap: 0.375rem; height: 1.75rem; padding: 0 0.5rem; border: 1px solid var(--cpv-line); border-radius: 6px; background: transparent; color: var(--cpv-fg); font: inherit; line-height: 1; white-space: nowrap; cursor: pointer; flex: none; }
  .cpv-button.bare { width: 1.75rem; padding: 0; }
  .cpv-button.quiet { border-color: transparent; }
  .cpv-button.tiny { width: 1.25rem; height: 1.25rem; }
  .cpv-button.tiny .cpv-icon { font-size: 0.75rem; }
  .cpv-button.small { height: 1.5rem; font-size: 0.75rem; }
  .cpv-button:hover { background: var(--cpv-hover); color: var(--cpv-strong); }
  .cpv-button:disabled { opacity: 0.4; cursor: default; }
  .cpv-button.primary { background: color-mix(in srgb, var(--cpv-accent) 22%, transparent); border-color: color-mix(in srgb, var(--cpv-accent) 55%, transparent); color: var(--cpv-strong); font-weight: 500; }
  .cpv-button.primary:hover { background: color-mix(in srgb, var(--cpv-accent) 34%, transparent); }
  .cpv-button[aria-pressed=true] { background: var(--cpv-chosen); border-color: var(--cpv-accent); color: var(--cpv-strong); }
  .cpv-button.keep[aria-pressed=true] { background: color-mix(in srgb, #22a55b 26%, transparent); border-color: #22a55b; }
  .cpv-button.reject[aria-pressed=true] { background: color-mix(in srgb, #e5484d 26%, transparent); border-color: #e5484d; }
  .cpv-more > .cpv-button .cpv-icon { stroke-width: 3; }
  :has(> .cpv-more) { position: relative; }
  .cpv-menu { position: absolute; top: 100%; right: 0.25rem; z-index: 4; display: grid; min-width: 10rem; max-width: calc(100% - 0.5rem); padding: 0.25rem; border: 1px solid var(--cpv-line); border-radius: 6px; background: var(--cpv-bg); box-shadow: 0 4px 16px rgb(0 0 0 / 35%); }
  .cpv-menu .cpv-button { justify-content: flex-start; width: 100%; height: auto; min-height: 1.75rem; white-space: normal; text-align: left; line-height: 1.25; }
  .cpv-link { padding: 0; border: 0; background: none; color: var(--cpv-accent-text); font: inherit; cursor: pointer; text-align: left; }
  .cpv-link:hover { text-decoration: underline; }
  .cpv-input { min-width: 0; height: 1.75rem; padding: 0 0.5rem; border: 1px solid var(--cpv-line); border-radius: 6px; background: var(--cpv-field); color: var(--cpv-fg); font: inherit; color-scheme: light dark; }
  .cpv-dialog select.cpv-input { padding-block: 0; } /* its text would be cut off below */
  .cpv-input::placeholder { color: var(--cpv-muted); opacity: 1; }
  textarea.cpv-input { height: auto; padding: 0.375rem 0.5rem; resize: vertical; width: 100%; }

  .cpv-find { flex: none; padding: 0 0.5rem 0.5rem; border-bottom: 1px solid var(--cpv-line); }
  .cpv-find-row { position: relative; display: flex; gap: 0.25rem; align-items: center; }
  .cpv-find-row .cpv-input { flex: 1; }
  .cpv-count { position: absolute; right: 3.75rem; pointer-events: none; font-size: 0.75rem; }
  .cpv-filters { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.25rem; padding-top: 0.375rem; }
  .cpv-filters > * { width: 100%; }
  .cpv-filters > .cpv-field { grid-column: span 2; }
  .cpv-field { display: flex; align-items: center; gap: 0.375rem; font-size: 0.75rem; color: var(--cpv-muted); white-space: nowrap; }
  .cpv-field .cpv-input { flex: 1; font-size: 0.75rem; padding: 0 0.25rem; }
  .cpv-notices { flex: none; }
  .cpv-notice { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.5rem; padding: 0.375rem 0.75rem; border-top: 1px solid var(--cpv-line); background: color-mix(in srgb, #e09000 12%, transparent); overflow-wrap: anywhere; user-select: text; }
  .cpv-notice > span { flex: 1 1 10rem; }
  .cpv-notice.broken, .cpv-notice.offline { background: color-mix(in srgb, #e5484d 14%, transparent); }
  .cpv-notice:is(.pick, .info) { background: var(--cpv-chosen); }

  .cpv-body { flex: 1; min-height: 0; display: flex; flex-direction: column; }
  .cpv-tree-box { position: relative; flex: 1 1 0; min-height: 0; display: flex; }
  .cpv-body:has(> .cpv-inspector:not([hidden])) .cpv-tree-box { flex: 0 0 var(--tree, 45%); }
  .cpv-split { flex: none; height: 5px; margin: -2px 0; z-index: 2; cursor: row-resize; background: transparent; touch-action: none; }
  .cpv-split:hover { background: var(--cpv-accent); }
  .cpv-empty { position: absolute; inset: 0; display: flex; flex-direction: column; gap: 0.375rem; align-items: center; justify-content: center; padding: 1.5rem; text-align: center; color: var(--cpv-muted); }
  .cpv-empty b { color: var(--cpv-fg); font-weight: 500; }

  .cpv-tree { flex: 1; min-width: 0; overflow: hidden auto; overflow-anchor: none; scrollbar-gutter: stable; scrollbar-width: thin; contain: strict; }
  .cpv-canvas { position: relative; contain: layout style; }
  .cpv-row { position: absolute; inset: 0 0 auto 0; height: 52px; display: flex; align-items: center; gap: 8px; padding-right: 8px; cursor: pointer; contain: layout paint style; }
  .cpv-row:hover { background: var(--cpv-hover); }
  .cpv-row.selected { background: var(--cpv-chosen); }
  .cpv-row.pointed { outline: 2px dashed var(--cpv-accent); outline-offset: -2px; }
  .cpv-tree:focus-visible { outline: none; }
  .cpv-tree:focus-visible .cpv-row.selected { outline: 2px solid var(--cpv-accent); outline-offset: -2px; }
  .cpv-row.dim > :not(.cpv-graph) { opacity: 0.45; }
  .picking .cpv-row { cursor: crosshair; }
  .cpv-graph { flex: none; overflow: visible; }
  .cpv-line { fill: none; stroke: var(--c); stroke-width: 2; }
  .cpv-line.merge { stroke-width: 1.5; stroke-dasharray: 0.1 4; stroke-linecap: round; stroke-width: 2.4; }
  .cpv-line.inferred { stroke-width: 1.5; stroke-dasharray: 6 4; opacity: 0.85; }
  .cpv-line.stub { stroke-dasharray: 2 3; }
  .cpv-dot { fill: var(--c); stroke: var(--cpv-bg); stroke-width: 2; paint-order: stroke; }
  .cpv-dot:is(.queued, .running) { fill: var(--cpv-bg); stroke: var(--c); }
  .cpv-dot.running { animation: cpv-pulse 1.2s ease-in-out infinite alternate; }
  .cpv-dot:is(.error, .interrupted, .cancelled, .lost) { fill: var(--cpv-bg); stroke: #e5484d; }
  .cpv-dot:is(.interrupted, .cancelled, .lost) { stroke: #e09000; }
  .cpv-ring { fill: none; stroke: var(--cpv-strong); stroke-width: 1.5; }
  .cpv-dots { stroke: var(--cpv-muted); stroke-width: 1.5; }
  @keyframes cpv-pulse { to { fill: var(--c); } }
  @media (prefers-reduced-motion: reduce) { .cpv-dot.running { animation: none; } }
  ${[0, 1, 2, 3, 4, 5, 6, 7].map((colour) => `.cpv-root .c${colour} { --c: var(--c${colour}); }`).join("\n")}

  .cpv-thumbs { flex: none; display: grid; gap: 1px; width: 44px; height: 44px; border-radius: 4px; overflow: hidden; background: var(--cpv-hover); }
  .cpv-thumbs.empty { place-items: center; color: var(--cpv-muted); }
  .cpv-thumbs.empty.error { color: var(--cpv-bad); }
  .cpv-thumbs.empty:is(.interrupted, .cancelled, .lost) { color: var(--cpv-warn); }
  .cpv-thumbs.n2 { grid-template-columns: 1fr 1fr; }
  .cpv-thumbs:is(.n3, .n4) { grid-template: 1fr 1fr / 1fr 1fr; }
  .cpv-thumbs.nstrip { display: flex; gap: 2px; width: auto; flex: 0 1 auto; min-width: 44px; background: none; }
  .cpv-thumb { display: block; min-width: 0; min-height: 0; overflow: hidden; position: relative; }
  .nstrip .cpv-thumb { flex: 0 0 32px; border-radius: 3px; height: 44px; }
  .cpv-thumb img, .cpv-picture img { display: block; width: 100%; height: 100%; object-fit: cover; }
  .cpv-thumb:is(.chosen, .here, .keep, .reject)::after { content: ""; position: absolute; inset: 0; border: 2px solid var(--cpv-accent); border-radius: inherit; }
  .cpv-thumb.here::after { border-color: var(--cpv-strong); }
  .cpv-thumb.keep::after { border-color: #22a55b; }
  .cpv-thumb.reject::after { border-color: #e5484d; }
  .cpv-root img.gone { visibility: hidden; }
  .cpv-words { flex: 1; min-width: 0; }
  .nstrip + .cpv-words { flex: 1 0 5.5rem; }
  .cpv-foot > * { flex: none; }
  .cpv-body-line, .cpv-foot { display: flex; align-items: center; gap: 0.5rem; white-space: nowrap; overflow: hidden; }
  .cpv-words .cpv-body-line { display: block; text-overflow: ellipsis; }
  .cpv-body-line { color: var(--cpv-strong); height: 1.25rem; line-height: 1.25rem; }
  .cpv-between { color: var(--cpv-muted); }
  .cpv-body-line.muted { color: var(--cpv-muted); }
  .cpv-change.add { color: var(--cpv-good); }
  .cpv-change.remove { color: var(--cpv-bad); }
  .cpv-change.more { color: var(--cpv-muted); }
  button.cpv-change { border: 0; padding: 0; background: none; font: inherit; cursor: pointer; color: var(--cpv-accent-text); }
  button.cpv-change:hover { text-decoration: underline; }
  button.cpv-change.inferred { font-style: italic; }
  .cpv-foot { flex-wrap: wrap; font-size: 0.75rem; color: var(--cpv-muted); height: 1.125rem; /* what does not fit is not shown at all */ font-variant-numeric: tabular-nums; }
  .cpv-id { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.6875rem; }
  .cpv-here { padding: 0 0.375rem; border-radius: 3px; background: var(--cpv-strong); color: var(--cpv-bg); font-weight: 600; font-size: 0.6875rem; line-height: 1rem; flex: none; }
  .cpv-label { padding: 0 0.375rem; border: 1px solid currentColor; border-radius: 3px; color: var(--cpv-accent-text); line-height: 0.9375rem; overflow: hidden; text-overflow: ellipsis; max-width: 9em; }
  .cpv-verdict.keep { color: var(--cpv-good); }
  .cpv-verdict.reject { color: var(--cpv-bad); }
  .cpv-stars { color: var(--cpv-warn); letter-spacing: -0.05em; }
  .cpv-status { color: var(--cpv-muted); }
  .cpv-status.error { color: var(--cpv-bad); }
  .cpv-status:is(.interrupted, .cancelled, .lost) { color: var(--cpv-warn); }
  .cpv-status.running { color: var(--cpv-accent-text); }

  .cpv-inspector { flex: 1 1 0; min-height: 0; overflow: hidden auto; border-top: 1px solid var(--cpv-line); scrollbar-gutter: stable; scrollbar-width: thin; user-select: text; }
  .cpv-inspector-head { position: sticky; top: 0; z-index: 1; padding: 0.375rem 0.5rem 0.5rem 0.75rem; background: var(--cpv-bg); border-bottom: 1px solid var(--cpv-line); }
  @media (max-height: 36rem) { .cpv-inspector-head { position: static; } }
  .cpv-title { display: flex; align-items: center; gap: 0.125rem; height: 2rem; }
  .cpv-title h3 { flex: 0 1 auto; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 0.875rem; font-weight: 600; color: var(--cpv-strong); }
  .cpv-title .muted { flex: 1; min-width: 0; overflow: hidden; padding-left: 0.375rem; font-size: 0.75rem; white-space: nowrap; }
  .cpv-actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem; }

  .cpv-actions .primary { flex: 1 1 auto; min-width: 0; max-width: 100%; overflow: hidden; }
  .cpv-actions .primary span { min-width: 0; overflow: hidden; text-overflow: ellipsis; }
  .cpv-break { flex: 0 0 100%; height: 0; }
  .cpv-rating { margin: 0 0.25rem; display: inline-flex; }
  .cpv-rating button { width: 1.125rem; height: 1.75rem; padding: 0; border: 0; background: none; color: var(--cpv-muted); font: 0.9375rem/1 system-ui, sans-serif; cursor: pointer; }
  .cpv-rating button.on, .cpv-rating button:hover { color: var(--cpv-warn); }
  .cpv-ask:not(:empty) { display: grid; gap: 0.25rem; padding-top: 0.5rem; }
  .cpv-ask-row { display: flex; justify-content: space-between; align-items: center; }
  .cpv-details { padding: 0.5rem 0.75rem 1rem; overflow-wrap: anywhere; }
  .cpv-details > * + *, .cpv-glance > * > * + * { margin-top: 0.5rem; }
  .cpv-glance { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem 0.75rem; }
  @container cpv (max-width: 13rem) {
    .cpv-head { display: none; }
  }
  @container cpv (min-width: 27rem) {
    .cpv-filters > .cpv-field { grid-column: span 1; }
    .cpv-break { display: none; }
    .cpv-glance { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
  }
  .cpv-pictures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem; }
  .cpv-pictures.many { grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }
  .cpv-picture { display: block; width: 100%; max-height: 13rem; min-height: 4rem; padding: 0; border: 0; border-radius: 6px; overflow: hidden; background: var(--cpv-hover); cursor: zoom-in; }
  .cpv-picture img { object-fit: contain; max-height: 13rem; }
  span.cpv-picture { height: auto; aspect-ratio: 1; }
  .cpv-pictures figcaption { align-items: center; display: flex; justify-content: space-between; gap: 0.5rem; font-size: 0.75rem; padding-top: 0.125rem; overflow: hidden; white-space: nowrap; }
  .cpv-pictures figcaption span:first-child { flex: 1; overflow: hidden; text-overflow: ellipsis; }
  .cpv-part { border-top: 1px solid var(--cpv-line); padding-top: 0.375rem; }
  .cpv-part > summary { display: flex; justify-content: space-between; gap: 0.5rem; padding: 0.125rem 0; cursor: pointer; font-weight: 500; color: var(--cpv-strong); list-style: none; }
  .cpv-part > summary::-webkit-details-marker { display: none; }
  .cpv-part > summary::before { content: ""; width: 0.375rem; height: 0.375rem; margin: 0.375rem 0.125rem 0 0; border: solid var(--cpv-muted); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg); flex: none; }
  .cpv-part[open] > summary::before { transform: rotate(45deg); }
  .cpv-part > summary > span:first-of-type { flex: 1; }
  .cpv-part > summary .muted { font-weight: 400; }
  .cpv-prompt p { white-space: pre-wrap; overflow-wrap: anywhere; }
  .cpv-prompt + .cpv-prompt, .cpv-item + .cpv-item { margin-top: 0.375rem; }
  .cpv-prompt > .muted, .cpv-item .muted { font-size: 0.75rem; }
  .cpv-root ins { text-decoration: none; color: var(--cpv-good); background: color-mix(in srgb, #22a55b 18%, transparent); border-radius: 2px; }
  .cpv-root del { color: var(--cpv-bad); background: color-mix(in srgb, #e5484d 15%, transparent); border-radius: 2px; }
  .cpv-table { width: 100%; border-collapse: collapse; table-layout: fixed; }
  .cpv-table td { padding: 0.0625rem 0; vertical-align: top; overflow-wrap: anywhere; }
  .cpv-table td:first-child { width: 38%; padding-right: 0.5rem; color: var(--cpv-muted); }
  .cpv-table th { padding-top: 0.375rem; text-align: left; font-weight: 500; }
  .cpv-lines { list-style: none; display: grid; gap: 0.125rem; overflow-wrap: anywhere; }
  .cpv-lines .add { color: var(--cpv-good); }
  .cpv-lines .remove { color: var(--cpv-bad); }
  .cpv-basis { padding: 0 0.25rem; border: 1px solid var(--cpv-line); border-radius: 3px; font-size: 0.6875rem; color: var(--cpv-muted); }
  .cpv-basis.inferred { border-style: dashed; color: var(--cpv-warn); }
  .cpv-item { overflow-wrap: anywhere; }
  .cpv-item b { font-weight: 500; }
  .cpv-facts { display: grid; grid-template-columns: 38% 1fr; gap: 0.0625rem 0.5rem; overflow-wrap: anywhere; }
  .cpv-facts dt { color: var(--cpv-muted); }
  .cpv-warning { color: var(--cpv-warn); }
  .cpv-failure { padding: 0.5rem; border-radius: 6px; background: color-mix(in srgb, #e5484d 12%, transparent); overflow-wrap: anywhere; }
  .cpv-failure p { white-space: pre-wrap; }
  .cpv-failure pre { max-height: 16rem; overflow: auto; font-size: 0.6875rem; }
  .cpv-signature::before { content: "●"; margin-right: 0.375rem; color: var(--cpv-muted); }
  .cpv-signature:is(.covered, .signed)::before { color: #22a55b; }
  .cpv-signature.bad, .cpv-signature.bad::before { color: var(--cpv-bad); }

  .cpv-drop { position: absolute; inset: 0.5rem; display: none; align-items: center; justify-content: center; border: 2px dashed var(--cpv-accent); border-radius: 8px; background: color-mix(in srgb, var(--cpv-bg) 86%, transparent); font-weight: 500; pointer-events: none; z-index: 3; }
  .dropping > .cpv-drop { display: flex; }

  dialog.cpv-dialog { position: fixed; inset: 0; margin: auto; width: min(36rem, 94vw); max-height: 90vh; padding: 0; border: 1px solid var(--cpv-line); border-radius: 10px; box-shadow: 0 12px 40px rgb(0 0 0 / 45%); overflow: hidden; }
  dialog.cpv-dialog.wide { width: min(80rem, 94vw); }
  dialog.cpv-dialog::backdrop { background: rgb(0 0 0 / 45%); }
  .cpv-dialog-box { display: flex; flex-direction: column; max-height: calc(90vh - 2px); }
  .cpv-dialog header { display: flex; align-items: center; justify-content: space-between; padding: 0.625rem 0.625rem 0.625rem 1rem; border-bottom: 1px solid var(--cpv-line); }
  .cpv-dialog h2 { font-size: 0.9375rem; font-weight: 600; color: var(--cpv-strong); overflow-wrap: anywhere; }
  .cpv-dialog h3 { margin: 0.75rem 0 0.25rem; font-size: 0.8125rem; font-weight: 600; color: var(--cpv-strong); }
  .cpv-dialog-content { padding: 0.75rem 1rem 1rem; overflow: auto; flex: 1; min-height: 0; }
  .cpv-dialog footer { display: flex; justify-content: flex-end; gap: 0.5rem; padding: 0.625rem 1rem; border-top: 1px solid var(--cpv-line); }
  .cpv-dialog section > ul { list-style: none; display: grid; gap: 0.25rem; }
  .cpv-drift-item { padding-left: 0.625rem; border-left: 3px solid var(--cpv-warn); overflow-wrap: anywhere; }
  .cpv-drift-item.missing { border-color: #e5484d; }
  .cpv-drift-item.good { border-color: #22a55b; }
  .cpv-drift-item.unverified { border-color: var(--cpv-line); }
  .cpv-drift-item b { font-weight: 500; }
  .cpv-drift-item code { margin-left: 0.375rem; }
  .cpv-dialog section > .cpv-button { margin-top: 0.5rem; }
  .cpv-choice { display: flex; align-items: center; gap: 0.375rem; cursor: pointer; }
  .cpv-table td.number { text-align: right; font-variant-numeric: tabular-nums; }
  .cpv-row-of-buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.75rem 0; }
  .cpv-outcome { display: grid; gap: 0.375rem; justify-items: start; min-height: 3rem; }
  .cpv-outcome .good { color: var(--cpv-good); }
  .cpv-modes { display: flex; gap: 0.25rem; margin-bottom: 0.5rem; }
  .cpv-stage { display: grid; gap: 0.75rem; }
  .cpv-stage[data-mode=side] { grid-template-columns: 1fr 1fr; }
  .cpv-stage figure { min-width: 0; }
  .cpv-stage figure > img, .cpv-none { display: block; width: 100%; height: min(56vh, 40rem); object-fit: contain; background: var(--cpv-hover); border-radius: 6px; }
  .cpv-none { display: grid; place-items: center; color: var(--cpv-muted); }
  .cpv-stage figcaption { padding-top: 0.25rem; }
  .cpv-side { display: inline-block; padding: 0 0.375rem; border-radius: 3px; background: var(--cpv-strong); color: var(--cpv-bg); font-weight: 600; font-size: 0.75rem; }
  .cpv-sides { display: flex; justify-content: space-between; gap: 1rem; }
  .cpv-choices { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-top: 0.25rem; }
  .cpv-choices button { width: 2.75rem; height: 2.75rem; padding: 0; border: 2px solid transparent; border-radius: 4px; overflow: hidden; background: var(--cpv-hover); cursor: pointer; }
  .cpv-choices button[aria-pressed=true] { border-color: var(--cpv-accent); }
  .cpv-choices img { display: block; width: 100%; height: 100%; object-fit: cover; }
  .cpv-slider { position: relative; height: min(60vh, 44rem); background: var(--cpv-hover); border-radius: 6px; overflow: hidden; }
  .cpv-layer { position: absolute; inset: 0; }
  .cpv-layer img { width: 100%; height: 100%; object-fit: contain; }
  .cpv-layer.over { clip-path: inset(0 0 0 var(--cut)); }
  .cpv-cut { position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
  .cpv-slider .cpv-side { position: absolute; top: 0.5rem; }
  .cpv-slider .cpv-side.a { left: 0.5rem; }
  .cpv-slider .cpv-side.b { right: 0.5rem; }
  .cpv-slider input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
  .cpv-slider:has(input:focus-visible) { outline: 2px solid var(--cpv-accent); }
  .cpv-differences { margin-top: 0.75rem; display: grid; gap: 0.5rem; }
  .cpv-time.pending, .cpv-time.untrusted, .cpv-time.signature-unchecked { color: var(--cpv-warn); }
  .cpv-time-mark { min-width: 0; flex: 0 1 auto; }
  .cpv-time-mark[data-state=failing] { color: var(--cpv-warn); }
  .cpv-times { display: grid; gap: 0.625rem; max-width: 40rem; }
  .cpv-authorities { display: grid; gap: 0.25rem; }
  .cpv-authorities .cpv-choice { align-items: flex-start; }
  .cpv-authorities .cpv-choice > span { overflow-wrap: anywhere; }
  .cpv-own { display: flex; flex-wrap: wrap; gap: 0.375rem; }
  .cpv-own .cpv-input { flex: 1 1 12rem; min-width: 0; width: auto; }
  .cpv-times select.cpv-input { width: auto; }
  .cpv-large img { display: block; width: 100%; height: min(78vh, 60rem); object-fit: contain; }
  .cpv-replay { padding: 0 0.375rem; border-radius: 3px; border: 1px dashed currentColor; color: var(--cpv-muted); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .cpv-replay.good { color: #22a55b; }
  .cpv-replay.bad { color: var(--cpv-warn); }
  .cpv-line.replay { stroke-dasharray: 2 4; opacity: 0.8; }
  .cpv-again h4 { margin: 0.5rem 0 0.125rem; font-size: 0.75rem; font-weight: 600; }
  .cpv-outcome { font-weight: 600; }
  .cpv-outcome.good { color: #22a55b; }
  .cpv-outcome.bad { color: var(--cpv-warn); }
  .cpv-progress { min-height: 1.25rem; margin-top: 0.5rem; }
  .cpv-dialog progress { width: 100%; }
  .cpv-vary { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; margin: 0.5rem 0 0; padding: 0; border: 0; min-width: 0; }
  .cpv-vary > legend { padding: 0; margin-bottom: 0.25rem; font-weight: 600; }
  .cpv-vary > select, .cpv-vary > input { min-width: 0; }
  .cpv-vary > input, .cpv-vary > p { grid-column: 1 / -1; margin: 0; overflow-wrap: anywhere; }
  .cpv-sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.75rem; margin-top: 0.75rem; }
  .cpv-sheet-table { grid-column: 1 / -1; overflow-x: auto; }
  .cpv-sheet-table table { border-spacing: 0.5rem; margin: 0 -0.5rem; }
  .cpv-sheet-table th { padding: 0; font-size: 0.75rem; font-weight: 600; text-align: start; vertical-align: bottom; overflow-wrap: anywhere; }
  .cpv-sheet-table th[scope=row] { vertical-align: top; min-width: 5rem; max-width: 11rem; }
  .cpv-sheet-table td { padding: 0; vertical-align: top; min-width: 8rem; max-width: 14rem; }
  .cpv-cell { margin: 0; border: 1px dashed var(--cpv-line); border-radius: 6px; overflow: hidden; min-width: 0; }
  .cpv-cell.first { border: 2px solid var(--cpv-accent); }
  .cpv-cell .cpv-picture { display: grid; place-items: center; width: 100%; min-height: 7rem; padding: 0; border: 0; background: var(--cpv-hover); cursor: pointer; }
  .cpv-cell img { display: block; width: 100%; height: auto; }
  .cpv-cell figcaption { display: grid; padding: 0.375rem 0.5rem; font-size: 0.75rem; overflow-wrap: anywhere; }

  .cpv-form { display: grid; gap: 0.625rem; }
  .cpv-form p { margin: 0; }
  .cpv-form .cpv-input { width: 100%; box-sizing: border-box; }
  .cpv-form details[open] summary { margin-bottom: 0.375rem; }
  .cpv-form .cpv-choice { padding: 0.1875rem 0; }

  @container cpv (max-width: 17rem) {
  .cpv-title .muted { visibility: hidden; width: 0; padding: 0; flex: 1; }
  }
  @container cpv (min-width: 30rem) {
  .cpv-actions .primary { flex: none; }
  .cpv-break { display: none; }
  }
  @container cpv (min-width: 46rem) {
  .cpv-body { flex-direction: row; }
  .cpv-body:has(> .cpv-inspector:not([hidden])) .cpv-tree-box { flex-basis: 55%; }
  .cpv-inspector { border-top: 0; border-left: 1px solid var(--cpv-line); }
  .cpv-split { display: none; }
  }
  `;

const ID = "comfy-provenance-style";

/** Put the style into a document, once. */
export function install(document) {
  if (document.getElementById(ID) === null) {
    const style = document.createElement("style");
    style.id = ID;
    style.textContent = CSS + DESK;
    document.head.append(style);
  }
}
