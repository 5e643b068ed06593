/** Draws one row's share of the lines, from the numbers of the layout. */

import { column, INFERRED, MERGE, REPLAY } from "../layout.js";
import { s } from "./dom.js";

export const ROW = 52;
const LANE = 13;
const MARGIN = 12;
const KINDS = { [MERGE]: " merge", [INFERRED]: " inferred", [REPLAY]: " replay" };

const x = (lane) => MARGIN + column(lane) * LANE;

/** How wide the drawing of so many lanes is, in CSS pixels. */
export function graphWidth(lanes) {
  return Math.round(x(Math.max(1, lanes) - 1) + MARGIN);
}

/**
 * @param {import("../layout.js").Cell} cell
 * @param {{width: number, head: boolean, status: string, count: number, folded: boolean}} how
 */
export function drawCell(cell, { width, head, status, count, folded }) {
  const middle = ROW / 2;
  const at = x(cell.lane);
  const shapes = [];
  const line = (d, { colour, kind }) =>
    shapes.push(s("path", { d, class: `cpv-line c${colour}${KINDS[kind] ?? ""}` }));
  for (const passing of cell.passing) {
    line(`M${x(passing.lane)} 0V${ROW}`, passing);
  }
  for (const move of cell.moves) {
    line(curve(x(move.from), 0, x(move.to), ROW), move);
  }
  for (const above of cell.above) {
    line(curve(x(above.lane), 0, at, middle), above);
  }
  for (const below of cell.below) {
    line(curve(at, middle, x(below.lane), ROW), below);
  }
  if (cell.stub) {
    shapes.push(s("path", { d: `M${at} ${middle}V${ROW - 6}`, class: `cpv-line c${cell.colour} stub` }));
  }
  if (folded) {
    shapes.push(s("path", { d: `M${at - 3} ${middle}h6M${at - 3} ${middle - 4}h6M${at - 3} ${middle + 4}h6`, class: "cpv-dots" }));
  } else {
    if (head) {
      shapes.push(s("circle", { cx: at, cy: middle, r: 8, class: `cpv-ring c${cell.colour}` }));
    }
    if (count > 1) {
      shapes.push(s("rect", { x: at - 5, y: middle - 7, width: 10, height: 14, rx: 5, class: `cpv-dot c${cell.colour}` }));
    } else {
      shapes.push(s("circle", { cx: at, cy: middle, r: 4.5, class: `cpv-dot c${cell.colour} ${status}` }));
    }
  }
  return s("svg", { class: "cpv-graph", width, height: ROW, viewBox: `0 0 ${width} ${ROW}`, "aria-hidden": "true" }, ...shapes);
}

function curve(fromX, fromY, toX, toY) {
  if (fromX === toX) {
    return `M${fromX} ${fromY}V${toY}`;
  }
  const bend = (fromY + toY) / 2;
  return `M${fromX} ${fromY}C${fromX} ${bend} ${toX} ${bend} ${toX} ${toY}`;
}
