"""The program that the core lives in, as far as the core may ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .model import Json, NodeInput


class Host(Protocol):
    """What the core may ask of the program it lives in. Only plain values come back; calls never raise.

    Called from the writer's side, never from ComfyUI's event loop or sampler thread.
    """

    def node_inputs(self, class_type: str) -> Mapping[str, NodeInput] | None:
        """Declared inputs in declaration order (required, then optional); None for an unknown class."""

    def node_outputs(self, class_type: str) -> tuple[str, ...] | None:
        """Type names of the outputs; None for an unknown class."""

    def is_output_node(self, class_type: str) -> bool:
        """Whether the class is marked OUTPUT_NODE."""

    def node_pack(self, class_type: str) -> str | None:
        """Folder name of the custom node pack that defined the class; None for core and unknown classes."""

    def node_classes(self) -> tuple[str, ...]:
        """All registered class names."""

    def directories(self) -> Mapping[str, str]:
        """Absolute paths of the `output`, `temp` and `input` folders."""

    def model_folders(self) -> Mapping[str, tuple[str, ...]]:
        """Model folder name to its absolute search paths, e.g. `checkpoints`, `loras`."""

    def model_extensions(self) -> frozenset[str]:
        """File name endings of model files, lower case with the dot."""

    def environment(self) -> Mapping[str, Json]:
        """Versions and device as the host knows them: comfyui, commit, frontend, torch, device, packs' folders."""
