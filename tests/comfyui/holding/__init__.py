"""A pack with one node, for runs that must be under way while something else happens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import folder_paths
from comfy.model_management import throw_exception_if_processing_interrupted

LONGEST_S = 240.0  # nobody waits longer for a run


class ProbeHold:
    """Gives its picture on once the user folder holds a file of a name, and can be interrupted until then. While it
    waits, a file of that name with `.held` says so: a request to interrupt a run that has just begun is forgotten."""

    CATEGORY = "tests"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "hold"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": ("IMAGE",), "until": ("STRING", {"default": "let-go"})}}

    def hold(self, image: Any, until: str) -> tuple[Any]:
        place = Path(folder_paths.get_user_directory()) / until
        held = place.with_name(f"{until}.held")
        deadline = time.monotonic() + LONGEST_S
        try:
            while not place.exists():
                held.touch()
                throw_exception_if_processing_interrupted()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nobody made {place}")
                time.sleep(0.01)
        finally:
            held.unlink(missing_ok=True)
        return (image,)


NODE_CLASS_MAPPINGS = {"ProbeHold": ProbeHold}
