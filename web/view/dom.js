/** Elements from plain values. Text is inserted as text; nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. In `attributes`, `on` holds listeners, `testid` is short for `data-testid`, and what is false, null or
 * undefined is left out. Children are elements or text; null, undefined and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name === "testid" ? "data-testid" : name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replace what is in an element. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

const PATHS = {
  reload: "M4 4v5h5M4.6 13a7.5 7.5 0 1 0 1.2-6.6L4 9",
  compare: "M12 3v18M4 7h5v10H4zM15 7h5v10h-5z",
  keep: "M5 12.5l4.5 4.5L19 7.5",
  reject: "M6 6l12 12M18 6L6 18",
  note: "M5 4h14v11l-5 5H5zM14 20v-5h5",
  label: "M4 4h8l8 8-8 8-8-8zM8 8h.01",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11m-5-5l5 5 5-5M4 20h16",
  replay: "M4 4v6h6M4.5 10a8 8 0 1 1-1 5",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  dossier: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 15h7M9 18h4",
  parcel: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  apply: "M5 19L19 5M13 5h6v6",
  find: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  bring: "M12 3v11m-5-5l5 5 5-5M4 15v5h16v-5",
  close: "M6 6l12 12M18 6L6 18",
  film: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  idea: "M9 18h6M10 21h4M12 3a6 6 0 0 0-3.5 10.9V16h7v-2.1A6 6 0 0 0 12 3",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  parent: "M12 5v14m-6-6l6 6 6-6",
  stopped: "M7 7h10v10H7z",
  lost: "M9.2 9a3 3 0 1 1 4 3.2c-.8.4-1.2.9-1.2 1.8M12 17.5h.01",
  waiting: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
};

/** A small line drawing in the colour of the text. */
export function icon(name) {
  return s("svg", { class: "cpv-icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}

/**
 * A button with a drawing, words, or both.
 *
 * @param {{icon?: string, text?: string, title?: string, testid?: string, kind?: string, pressed?: boolean, disabled?: boolean,
 *   on?: (event: Event) => void, key?: string}} options
 */
export function button({ icon: drawing, text, title, testid, kind = "", pressed, disabled, on, key }) {
  return h(
    "button",
    {
      type: "button",
      class: `cpv-button ${kind}${text ? "" : " bare"}`,
      title: key ? `${title ?? text} (${key})` : (title ?? null),
      "aria-label": text ? null : title,
      "aria-keyshortcuts": key ?? null,
      "aria-pressed": pressed === undefined ? null : String(pressed),
      testid,
      disabled,
      on: { click: on },
    },
    drawing ? icon(drawing) : null,
    text ? h("span", {}, text) : null,
  );
}
