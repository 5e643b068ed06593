"""Frozen values that travel through the house. No behaviour, no I/O.

Words follow `ARCHITECTURE.md`. Digests are SHA-256 as 64 lower-case hex digits unless a name says otherwise.
Wall times are nanoseconds since the Unix epoch, monotonic times nanoseconds of an arbitrary zero.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Json = Any  # what json.loads can return; the schemas say more than a type could


class Basis(str, Enum):
    """How a thing is known. A guess is never `OBSERVED`."""

    OBSERVED = "observed"
    DECLARED = "declared"
    INFERRED = "inferred"
    AFTER_THE_FACT = "after-the-fact"


class Relation(str, Enum):
    """Lineage links; direction is from the newer thing to the older one it came from."""

    GENERATED = "generated"
    REUSED = "reused"
    USED = "used"
    DERIVED_FROM = "derived_from"
    REVISION_OF = "revision_of"
    EDITS = "edits"
    USED_MODEL = "used_model"


class Kind(str, Enum):
    """Entry kinds written by this release."""

    GENESIS = "genesis"
    SESSION = "session"
    SUBMISSION = "submission"
    COMPLETION = "completion"
    MODEL = "model"
    INTENT = "intent"
    DECISION = "decision"
    REPLAY = "replay"
    IMPORT = "import"
    RECORDING = "recording"
    GAP = "gap"
    RELEASE = "release"
    ANCHOR = "anchor"
    WITNESS = "witness"


class Decision(str, Enum):
    """What an author can say about a run or an output. `CLEAR` takes back all but the label."""

    KEEP = "keep"
    REJECT = "reject"
    RATE = "rate"
    NOTE = "note"
    LABEL = "label"
    CLEAR = "clear"


class Status(str, Enum):
    """State of an execution. The first two are read from the index only; the rest are written in completions."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Instant:
    """One reading of both clocks."""

    wall_ns: int
    monotonic_ns: int


Clock = Callable[[], Instant]


def system_clock() -> Instant:
    """Read the machine's clocks. The wall clock is not trusted for order; the log's index is."""
    return Instant(time.time_ns(), time.monotonic_ns())


@dataclass(frozen=True, slots=True)
class Edge:
    """One lineage link. `score` is in 0..1 and set only for inferred edges; `via` lists node ids."""

    source: str
    target: str
    relation: Relation
    basis: Basis
    method: str
    score: float | None = None
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint that is kept: digest of its note, number of entries that it covers, their RFC 6962 root as hex."""

    object: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Token:
    """What an RFC 3161 token says. Nothing about who signed it has been checked.

    gen_time_ns: wall time, in whole microseconds. accuracy_us: None when it states none. serial and nonce are
    hexadecimal. signer: subject of the certificate that it names as its signer, None when it carries none.
    """

    policy: str
    serial: str
    gen_time_ns: int
    accuracy_us: int | None
    nonce: str | None
    algorithm: str
    imprint: str
    signer: str | None


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file as ComfyUI names it: folder type (`output`, `temp`, `input`), subfolder with forward slashes, name."""

    type: str
    subfolder: str
    filename: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.type, self.subfolder, self.filename) if part)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What reading one file once told us. Pixel facts are set for still images only.

    pixels: SHA-256 over mode, size and decoded RGBA bytes of the first frame; perceptual: 64-bit difference hash
    as 16 hex digits, None for pictures too flat to tell apart.
    """

    sha256: str
    size: int
    mtime_ns: int
    media_type: str
    width: int | None = None
    height: int | None = None
    pixels: str | None = None
    perceptual: str | None = None
    embedded_execution: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One thing an execution produced or served from its cache.

    `node` is the node's id, `key` ComfyUI's name of the list (`images`, `gifs`, `text`, ...), `ordinal` the place
    in it. `file` is None for values that are not files (texts); `facts` is None when the file could not be read,
    and `problem` then says why. `made_by` names the execution that made a reused output, where that is known.
    """

    node: str
    key: str
    ordinal: int
    file: FileRef | None
    facts: FileFacts | None
    thumbnail: str | None = None
    kept: str | None = None
    reused: bool = False
    made_by: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """What of a loaded picture was used as a mask.

    channel: `alpha` (inverted, as ComfyUI does), `red`, `green` or `blue`. `picture` is the digest of the mask as a
    grey PNG, `coverage` the share of the picture that it covers, 0..1. `via` leads from the loading node to the node
    that took the mask. Inferred where a later node made a mask of the picture.
    """

    channel: str
    picture: str | None
    coverage: float | None
    basis: Basis
    via: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """A file a run loaded: which node and input named it, under which name, and what of it was used as a mask."""

    node: str
    input: str
    name: str
    file: FileRef | None
    facts: FileFacts | None
    kept: str | None = None
    problem: str | None = None
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """The text of one prompt input in one execution.

    role: `positive`, `negative`, `both` or `unknown`. source: `literal` (written in the graph), `observed` (seen by
    a wrapper node as it reached the encoder) or `linked` (comes from another node and was not seen; text is None).
    """

    node: str
    input: str
    class_type: str
    role: str
    source: str
    text: str | None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model file that the graph names, as found on disk at submission. sha256 is None until fingerprinted."""

    node: str
    input: str
    folder: str
    name: str
    size: int | None
    mtime_ns: int | None
    sha256: str | None = None


# What the two host borders hand to the capture queue. Everything mutable is frozen bytes (canonical.freeze).


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a client says of a run that repeats an earlier one: which, and its cell on a sheet of variations."""

    execution: str
    sheet: str | None = None
    cell: int | None = None
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """ComfyUI accepted a graph. `frozen` thaws to {"prompt", "workflow" | absent, "extra", "outputs"}.

    A run that repeats an earlier one has no parent: it is no revision of anything.
    """

    execution: str
    prompt_id: str
    number: float
    parent: str | None
    parent_method: str | None
    frozen: bytes
    at: Instant
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """ComfyUI reported the run done. `frozen` thaws to {"outputs", "messages", "status_str", "completed"}."""

    execution: str
    frozen: bytes
    at: Instant


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The item left the queue without being run."""

    execution: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Observation:
    """What a provenance node saw while it ran.

    `values` are plain JSON values; `tensors` maps a name to a private CPU copy of a tensor that the writer's side
    digests (dtype, shape, bytes) so that the sampler thread never hashes.
    """

    execution: str
    node: str
    class_type: str
    values: Mapping[str, Json]
    tensors: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something could not be observed; the ledger must say so."""

    reason: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Ready:
    """The host has loaded everything it will load; its environment can be described now."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Judged:
    """The author decides about a run, or about one output of it (its SHA-256).

    rating is set for `RATE` only, label for `LABEL` only (None takes the label away). `over` names candidates (run,
    output or None) that were compared with a kept one and not chosen. Whoever waits on `answer` gets what was recorded,
    once it is durable, or the error. A cancelled answer means that nothing is recorded.
    """

    execution: str
    output: str | None
    decision: Decision
    rating: int | None
    reason: str | None
    label: str | None
    answer: Future[dict[str, Json]]
    over: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Switched:
    """The author pauses recording, or resumes it. `answer` as in `Judged`."""

    paused: bool
    reason: str | None
    answer: Future[dict[str, Json]]


Event = Accepted | Finished | Withdrawn | Observation | Problem | Ready | Judged | Switched


@dataclass(frozen=True, slots=True)
class NodeInput:
    """One declared input of a node class: its ComfyUI type name and options."""

    type: str
    options: Mapping[str, Json]
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as stored: `envelope` is the exact DSSE JSON that was signed over and that the tree hashes."""

    index: int
    kind: str
    leaf: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found. severity: `error` or `warning`; `entry` is an index or None."""

    severity: str
    code: str
    message: str
    entry: int | None = None
