"""Values of a comparison: the two sides that go in, the changes that come out. No comparing happens here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model import Json, ModelRef, NodeInput, PromptVersion
from .words import Hunk

_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs. Only `prompt`, the parsed API prompt, is needed.

    workflow: the parsed UI workflow, for the nodes' titles. versions: the prompt versions of the run, which name the
    prompt inputs where `inputs` does not know the class, and carry texts that were seen at run time. models: with
    digests where fingerprinted; None, on either side, leaves models uncompared. environment: any JSON object; None
    likewise. inputs: declared inputs of a node class, by name.
    """

    prompt: Json
    workflow: Json = None
    versions: Sequence[PromptVersion] = ()
    models: Sequence[ModelRef] | None = ()
    environment: Json = None
    inputs: Callable[[str], Mapping[str, NodeInput] | None] | None = None


@dataclass(frozen=True, slots=True)
class PromptChange:
    """A prompt input whose text differs. A text that one side does not have is None."""

    node: str
    input: str
    class_type: str
    role: str
    before: str | None
    after: str | None
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class InputChange:
    """A widget value that differs, or a link: `[node id, slot]`. An input that one side does not have is None."""

    node: str
    class_type: str
    input: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that only one side has."""

    node: str
    class_type: str
    literals: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A model input that names another file, or the same name with other bytes. None: that side has no such model."""

    node: str
    input: str
    before: ModelRef | None
    after: ModelRef | None


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """A value of the environment; `path` joins the member names with `/`."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that changed. Node ids are those of the newer run, except for removed nodes.

    Members are ordered by node id, inputs as the newer run orders them. `titles` and `classes` speak of the nodes
    that are named here or at the end of a changed link.
    """

    prompts: tuple[PromptChange, ...] = ()
    params: tuple[InputChange, ...] = ()
    added: tuple[NodeChange, ...] = ()
    removed: tuple[NodeChange, ...] = ()
    rewired: tuple[InputChange, ...] = ()
    models: tuple[ModelChange, ...] = ()
    environment: tuple[EnvironmentChange, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        parts = (self.prompts, self.params, self.added, self.removed, self.rewired, self.models, self.environment)
        return any(parts)

    def to_json(self) -> dict[str, Json]:
        """The shape that `docs/cli.md` documents; values as `finite` gives them."""
        return {
            "prompts": [
                {
                    "node": change.node,
                    "input": change.input,
                    "before": change.before,
                    "after": change.after,
                    "hunks": [dict(hunk) for hunk in change.hunks],
                }
                for change in self.prompts
            ],
            "params": [_input_json(change) for change in self.params],
            "graph": {
                "added": [{"node": change.node, "class_type": change.class_type} for change in self.added],
                "removed": [{"node": change.node, "class_type": change.class_type} for change in self.removed],
                "rewired": [_input_json(change) for change in self.rewired],
            },
            "models": [
                {
                    "node": change.node,
                    "input": change.input,
                    "before": _model_json(change.before),
                    "after": _model_json(change.after),
                }
                for change in self.models
            ],
            "environment": [
                {"path": change.path, "before": finite(change.before), "after": finite(change.after)}
                for change in self.environment
            ],
        }


def finite(value: Json, depth: int = 0) -> Json:
    """The same JSON value, fit for any JSON parser.

    NaN and infinities become the strings `NaN`, `Infinity`, `-Infinity`; what is nested deeper than 100 levels
    becomes the string `…`. Integers stay whole, however large.
    """
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {name: finite(item, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item, depth + 1) for item in value]
    return value


def _input_json(change: InputChange) -> dict[str, Json]:
    return {
        "node": change.node,
        "class_type": change.class_type,
        "input": change.input,
        "before": finite(change.before),
        "after": finite(change.after),
    }


def _model_json(model: ModelRef | None) -> dict[str, Json] | None:
    return None if model is None else {"name": model.name, "sha256": model.sha256}
