"""Wrapped text encoders: the text as it reached the encoder, and what came out.

Stock encoders are found by what they declare, not by name: a core class that takes a CLIP and at least one STRING and
gives nothing but CONDITIONING. An observation of kind `encoding` has

    texts      each STRING input as the stock node received it, by name
    inputs     every other scalar input
    outputs    one list per output: the scalar members of each conditioning item (guidance, width, strength, ...)

and the tensors `out.<output>.<item>.cond`, `.pooled_output` and whatever else the items hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .port import Port, StockNode
from .stock import declared_inputs
from .wrapping import Call, can_wrap, wrap

CATEGORY = "provenance/conditioning"


def string_inputs(cls: type) -> tuple[str, ...]:
    """Name the STRING inputs of a node class."""
    return tuple(name for name, kind in _kinds(cls).items() if kind == "STRING")


def is_text_encoder(cls: type) -> bool:
    """Whether a class turns texts into conditioning with a CLIP, one text at a time."""
    outputs = tuple(cls.RETURN_TYPES)  # type: ignore[attr-defined]
    if not outputs or any(kind != "CONDITIONING" for kind in outputs) or getattr(cls, "INPUT_IS_LIST", False):
        return False
    kinds = set(_kinds(cls).values())
    return {"CLIP", "STRING"} <= kinds


def _kinds(cls: type) -> dict[str, str]:
    declared = declared_inputs(cls)
    inputs = {**declared.get("required", {}), **declared.get("optional", {})}
    return {name: str.__str__(spec[0]) for name, spec in inputs.items() if isinstance(spec[0], str)}


def wrapper(port: Port, stock_id: str, node: StockNode) -> type | None:
    """Wrap a stock class if it is a text encoder."""
    if not (is_text_encoder(node.cls) and can_wrap(node.cls)):
        return None
    return wrap(port, stock_id, node, _call_for(node.cls), CATEGORY)


def _call_for(cls: type) -> type[Call]:
    texts = string_inputs(cls)

    class Encoding(Call):
        """One call of a text encoder."""

        kind = "encoding"

        def begin(self) -> None:
            inputs = self.values["inputs"]
            self.values["texts"] = {name: inputs.pop(name) for name in texts if isinstance(inputs.get(name), str)}

        def end(self, outputs: tuple[Any, ...]) -> Mapping[str, Any]:
            if self.context is not None:
                self.values["outputs"] = [
                    self.copies.conditioning(f"out.{index}", output) for index, output in enumerate(outputs)
                ]
            return {}

    return Encoding
