"""Provenance for ComfyUI. Inside a host this installs the hooks and returns at once; outside one it does nothing."""

from __future__ import annotations

NODE_CLASS_MAPPINGS: dict[str, type] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
WEB_DIRECTORY = "./web"


def _inside_host() -> bool:
    import sys

    return __package__ not in (None, "") and getattr(sys.modules.get("server"), "PromptServer", None) is not None


if _inside_host():
    from .host.pack import install

    NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS = install()

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
