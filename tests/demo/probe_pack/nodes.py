"""The probe's nodes."""

from __future__ import annotations

import threading
from typing import Any

from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.utils import get_executing_context


class ProbeNumbers:
    """Gives a list."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"count": ("INT", {"default": 3})}}

    RETURN_TYPES = ("INT", "STRING")
    OUTPUT_IS_LIST = (True, False)
    FUNCTION = "run"

    def run(self, count: int) -> tuple[list[int], str]:
        return list(range(count)), "x"


class ProbeEach:
    """Is called once per value."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"number": ("INT", {}), "word": ("STRING", {})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, number: int, word: str) -> tuple[str]:
        where = get_executing_context()
        assert where is not None
        return (f"{word}{number}@{where.node_id}.{where.list_index}",)


class ProbeWhole:
    """Takes the list as one, and shows it."""

    INPUT_IS_LIST = True
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"words": ("STRING", {"forceInput": True})}}

    def run(self, words: list[str]) -> dict[str, Any]:
        return {"ui": {"text": words}}


class ProbeHidden:
    """Shows what it was handed."""

    OUTPUT_NODE = True
    RETURN_TYPES = ()
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {},
            "optional": {"anything": ("*",)},
            "hidden": {"me": "UNIQUE_ID", "info": "EXTRA_PNGINFO", "graph": "PROMPT", "token": "AUTH_TOKEN_COMFY_ORG"},
        }

    def run(self, me: str, info: Any, graph: Any, token: str | None, anything: Any = None) -> dict[str, Any]:
        return {"ui": {"text": [me, sorted(info or {}), sorted(graph), token]}}


class ProbeChanging:
    """Counts its calls; its change mark is whatever the input says, NaN for `always`."""

    calls = 0
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"mark": ("STRING", {})}}

    @classmethod
    def IS_CHANGED(cls, mark: str) -> Any:
        return float("nan") if mark == "always" else mark

    def run(self, mark: str) -> tuple[str]:
        type(self).calls += 1
        return (f"call {self.calls}",)


class ProbeHold:
    """Runs until it is let go."""

    let_go = threading.Event()
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    @classmethod
    def IS_CHANGED(cls) -> float:
        return float("nan")

    def run(self) -> dict[str, Any]:
        self.let_go.wait(120)
        return {"ui": {}}


class ProbeBlock:
    """Stops what comes after it."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": ("STRING", {})}}

    def run(self, text: str) -> tuple[Any]:
        return (ExecutionBlocker(None),)


class ProbeAsync:
    """Works without blocking."""

    OUTPUT_NODE = True
    RETURN_TYPES = ()
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": ("STRING", {})}}

    async def run(self, text: str) -> dict[str, Any]:
        return {"ui": {"text": [text]}}


CLASSES = (ProbeNumbers, ProbeEach, ProbeWhole, ProbeHidden, ProbeChanging, ProbeHold, ProbeBlock, ProbeAsync)
NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in CLASSES}
