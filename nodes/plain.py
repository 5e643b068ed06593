"""Turning what a node is given into plain values and private tensors, without changing any of it.

Plain values hold dict, list, str, int, finite float, bool and None only. Tensors are copied to the CPU, so that
later writes by others cannot change what is digested.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch

COPY_LIMIT = 256 * 1024 * 1024  # bytes per node call; more would hold too much memory while it waits for its digest
LONGEST_LIST = 10_001  # the sigmas of ComfyUI's largest step count


def scalar(value: Any) -> Any:
    """Give a str, bool, int or float as a plain value (`nan`, `inf` and `-inf` as text), anything else as None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return None


def scalars(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Keep the scalar members of a mapping, in order."""
    return {str(name): scalar(value) for name, value in values.items() if isinstance(value, str | int | float)}


def floats(value: Any) -> list[Any] | None:
    """Give a tensor of numbers (sigmas) as a list. None for anything else and for absurd lengths."""
    if not isinstance(value, torch.Tensor) or value.numel() > LONGEST_LIST:
        return None
    return [scalar(number) for number in value.detach().reshape(-1).to("cpu", torch.float64).tolist()]


class Copies:
    """Private CPU copies of the tensors of one node call, by name; the same tensor is copied once.

    `omitted` names what was not copied, with its dtype and shape: beyond COPY_LIMIT, or not a dense tensor.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self.omitted: dict[str, str] = {}
        self._made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._bytes = 0

    def add(self, name: str, value: Any) -> None:
        """Copy a tensor, each part of a nested tensor, or each tensor of a list. Other values are ignored."""
        if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self.add(f"{name}.{index}", item)
        elif getattr(value, "is_nested", False) and hasattr(value, "unbind"):
            for index, part in enumerate(value.unbind()):
                self.add(f"{name}.{index}", part)
        elif isinstance(value, torch.Tensor):
            self._copy(name, value)

    def latent(self, name: str, latent: Any) -> None:
        """Copy the samples and the noise mask of a LATENT."""
        if isinstance(latent, Mapping):
            for key in ("samples", "noise_mask"):
                self.add(f"{name}.{key}", latent.get(key))

    def conditioning(self, name: str, conditioning: Any) -> list[dict[str, Any]]:
        """Copy the tensors of a CONDITIONING, a list of [tensor, dict] or of plain dicts; give its scalars."""
        described = []
        for index, item in enumerate(conditioning if isinstance(conditioning, list | tuple) else ()):
            place = f"{name}.{index}"
            extra = item
            if isinstance(item, list | tuple) and len(item) == 2:
                self.add(f"{place}.cond", item[0])
                extra = item[1]
            if isinstance(extra, Mapping):
                for key, value in extra.items():
                    self.add(f"{place}.{key}", value)
                described.append(scalars(extra))
        return described

    def _copy(self, name: str, value: torch.Tensor) -> None:
        known = self._made.get(id(value))
        if known is not None:
            self.tensors[name] = known[1]
            return
        size = value.numel() * value.element_size()
        if value.layout != torch.strided or value.is_quantized or value.is_meta or self._bytes + size > COPY_LIMIT:
            self.omitted[name] = f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
            return
        copy = _private(value.detach())
        self.tensors[name] = copy
        self._made[id(value)] = (value, copy)  # holding the original keeps its id from being given to another
        self._bytes += size


def _private(tensor: torch.Tensor) -> torch.Tensor:
    """Copy a tensor to memory of our own on the CPU.

    Byte by byte on one thread where it can be: torch's clone starts its thread pool, and on a busy machine waiting for
    that takes many times as long as the copy. A tensor on a device is copied by the device, which waits for it.
    """
    if tensor.device.type != "cpu":
        return tensor.to("cpu")
    if not tensor.is_contiguous() or tensor.is_conj() or tensor.is_neg() or not tensor.numel():
        return tensor.clone(memory_format=torch.contiguous_format)
    data = tensor.reshape(-1).view(torch.uint8).numpy().copy()
    return torch.from_numpy(data).view(tensor.dtype).reshape(tensor.shape)


def results(result: Any) -> tuple[Any, ...]:
    """Give the outputs inside what a node function returned: a tuple, a ui/result dict, or a V3 NodeOutput."""
    if isinstance(result, Mapping):
        result = result.get("result")
    elif not isinstance(result, tuple | list):
        result = getattr(result, "result", None)
    return tuple(result) if isinstance(result, Iterable) and not isinstance(result, str) else ()
