/** What is sent to the queue, seen as the page sends it. */

import { api, app, lacking } from "./page.js";

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
