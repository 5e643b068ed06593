"""The nodes of this pack, V1 style, made for the host that a port stands for.

Nothing here imports ComfyUI or the core: all that a node needs of either comes through `port.Port`.
"""

from __future__ import annotations

from .catalog import build
from .port import Context, Port, SavePath, StockNode

__all__ = ["Context", "Port", "SavePath", "StockNode", "build"]
