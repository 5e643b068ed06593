/** How the author's desk, its windows and the sign of a running recording look. */

export const DESK = `
  .cpv-desk { display: flex; flex-wrap: wrap; gap: 0.25rem; padding: 0.375rem 0.5rem; border-top: 1px solid var(--cpv-line); flex: none; container: cpv-desk / inline-size; }
  .cpv-desk .cpv-button.bare { margin-left: auto; }
  @container cpv-desk (max-width: 24rem) { .cpv-button:not(.bare, [data-testid=provenance-record]) .cpv-icon { display: none; } }
  .cpv-host:has(> .cpv-desk) { display: flex; flex-direction: column; }
  .cpv-host:has(> .cpv-desk) > .cpv-panel { flex: 1; height: auto; }
  .cpv-desk .cpv-button.on { color: var(--cpv-bad); }
  .cpv-film { position: fixed; left: 50%; top: 0.5rem; transform: translateX(-50%); z-index: 10000; display: flex; align-items: center; gap: 0.5rem;
    padding: 0.25rem 0.5rem 0.25rem 0.75rem; border: 1px solid #e5484d; border-radius: 999px; box-shadow: 0 2px 10px #0008; font-variant-numeric: tabular-nums; }
  .cpv-film.trouble { background: color-mix(in srgb, #e5484d 22%, var(--cpv-bg)); }
  .cpv-lamp { width: 0.75rem; height: 0.75rem; border-radius: 50%; background: #e5484d; animation: cpv-lamp 1.6s ease-in-out infinite; }
  @keyframes cpv-lamp { 50% { opacity: 0.35; } }
  @media (prefers-reduced-motion: reduce) { .cpv-lamp { animation: none; } }
  .cpv-dialog input[type=text], .cpv-dialog textarea, .cpv-dialog select { width: 100%; padding: 0.375rem 0.5rem; border: 1px solid var(--cpv-line); border-radius: 4px; background: var(--cpv-field); color: inherit; font: inherit; resize: vertical; margin: 0.1875rem 0; }
  .cpv-dialog input[type=file] { max-width: 100%; font: inherit; color: inherit; }
  .cpv-named { display: flex; flex-direction: column; align-items: flex-start; gap: 0.125rem; margin: 0.375rem 0; }
  .cpv-check { display: flex; align-items: center; gap: 0.375rem; margin: 0.25rem 0; }
  .cpv-pair { display: flex; align-items: center; gap: 0.5rem; margin: 0.25rem 0; }
  .cpv-strip { display: flex; flex-wrap: wrap; gap: 0.375rem; margin: 0.25rem 0; }
  .cpv-strip img, .cpv-small { width: 4.5rem; height: 4.5rem; object-fit: cover; border-radius: 4px; background: var(--cpv-line); }
  .cpv-candidate { position: relative; }
  .cpv-candidate input { position: absolute; left: 0.25rem; top: 0.25rem; }
  .cpv-tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.5rem; margin: 0.5rem 0; }
  .cpv-tile { padding: 0.375rem; border: 1px solid var(--cpv-line); border-radius: 6px; }
  .cpv-tile:has(input[type=radio]:checked) { border-color: var(--cpv-good); background: color-mix(in srgb, var(--cpv-good) 12%, transparent); }
  .cpv-tile img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--cpv-line); border-radius: 4px; }
  .cpv-mask img { width: 4.5rem; height: 4.5rem; object-fit: contain; background: #000; border: 1px solid var(--cpv-line); border-radius: 4px; }
  `;
