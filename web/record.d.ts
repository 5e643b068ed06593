/** What the host answers, as `docs/http.md` and `docs/cli.md` tell it. */

import type { Run } from "./fold.js";

export type Value = unknown;
export type Basis = "observed" | "declared" | "inferred" | "after-the-fact";

export interface Hunk {
  op: "equal" | "delete" | "insert";
  text: string;
}

/** A text or a value that differs; `hunks` with texts only. */
export interface Change {
  node: string;
  class_type?: string;
  input: string;
  before: any;
  after: any;
  hunks?: Hunk[];
}

export interface NodeChange {
  node: string;
  class_type: string;
  input?: string;
  before?: Value;
  after?: Value;
}

/** `GET diff` */
export interface Diff {
  prompts: Change[];
  params: Change[];
  graph: { added: NodeChange[]; removed: NodeChange[]; rewired: NodeChange[] };
  models: any[];
  environment: { path: string; before: Value; after: Value }[];
}

export interface Output {
  node: string;
  file: string | null;
  type: string | null;
  sha256: string | null;
  reused: boolean;
  kept?: boolean;
  media_type?: string | null;
  width?: number | null;
  height?: number | null;
  problem?: string | null;
}

/** `GET executions/{REF}` of a run; the members that the page does not name are left out. */
export interface Execution extends Omit<Run, "outputs" | "error"> {
  parent: { execution: string; known: boolean; basis: Basis; method: string } | null;
  outputs: Output[];
  prompts: { node: string; input: string; class_type: string; role: string; source: string; text: string }[];
  snapshot: { workflow: string | null; prompt: string | null; extra: string | null } | null;
  environment: string | null;
  redactions: { document: string; path: string; marker: string }[];
  error: { class: string; message: string; node: string; node_type: string; traceback: string[] } | null;
  [member: string]: any;
}

/** One side of `Times`: a time-stamp, and the moment that can be relied on. */
export interface Bound {
  time: string;
  gen_time: string;
  authority: string;
  signer: string | null;
  entry: number;
  trust: "trusted" | "unchecked";
}

/** Between which moments something was recorded. */
export interface Times {
  state: "anchored" | "pending" | "untrusted" | "signature-unchecked";
  after: Bound | null;
  by: Bound | null;
}

/** `GET status` */
export interface Status {
  state?: "off" | "starting" | "recording" | "paused" | "broken" | "offline";
  reason?: string | null;
  [member: string]: any;
}

export interface Heap {
  count: number;
  bytes: number;
}

/** `GET storage` */
export interface Storage {
  ledger: { path: string; bytes: number };
  entries: { count: number };
  objects: Heap;
  thumbnails: Heap;
  kept: { outputs: Heap; inputs: Heap };
  released: Heap;
}

/** The result of `POST storage/clean`. */
export interface Cleaning extends Heap {
  roles: { thumbnail: Heap; output: Heap; input: Heap };
  reasons: { "in-place": Heap; rejected: Heap; age: Heap };
  spared: number;
  released: (Heap & { entries: number[]; left: number }) | null;
}

/** `GET storage/clean` */
export interface Work {
  running: boolean;
  done: number;
  total: number | null;
  result: any;
  error: string | null;
}
