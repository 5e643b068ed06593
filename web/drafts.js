/** Canvases that a reload would have replaced, kept in the browser: for pages that open workflows in place. Newest first. */

const KEY = "comfy-provenance.drafts";
const MOST = 5;

/** Keep a canvas; answers false when the browser has no room for it. */
export function keepDraft(storage, workflow, at) {
  const drafts = [{ at, workflow }, ...readDrafts(storage)].slice(0, MOST);
  while (drafts.length > 0) {
    try {
      storage.setItem(KEY, JSON.stringify(drafts));
      return true;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "QuotaExceededError") {
        throw error;
      }
      drafts.pop();
    }
  }
  return false;
}

/** @returns {{at: string, workflow: object}[]} */
export function readDrafts(storage) {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch (error) {
    if (error instanceof SyntaxError) {
      return [];
    }
    throw error;
  }
}
