"""Provenance for ComfyUI. Inside a host this installs the hooks and returns at once; outside one it does nothing."""

from __future__ import annotations

NODE_CLASS_MAPPINGS: dict[str, type] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
WEB_DIRECTORY = "./web"

if __package__:  # a test runner may import this folder's file on its own
    from .host import comfy

    if comfy.inside():
        from .host.pack import install

        NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS = install()

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
