"""Device and interruption: the content of `comfy.model_management`, on the CPU or whatever torch offers."""

from __future__ import annotations

import os
import platform
import sys
import threading

import torch

torch_version = torch.__version__


class InterruptProcessingException(Exception):
    """The author pressed cancel; the run ends as interrupted, not as failed."""


_lock = threading.Lock()
_interrupted = False


def interrupt_current_processing(value: bool = True) -> None:
    """Ask the running prompt to stop at its next step or node; `False` forgets an earlier request."""
    global _interrupted
    with _lock:
        _interrupted = value


def processing_interrupted() -> bool:
    """Whether a stop was asked for and not yet acted on."""
    with _lock:
        return _interrupted


def throw_exception_if_processing_interrupted() -> None:
    """Raise InterruptProcessingException once per request."""
    global _interrupted
    with _lock:
        if _interrupted:
            _interrupted = False
            raise InterruptProcessingException()


def get_torch_device() -> torch.device:
    """The CPU: the painter is too small for a GPU to pay, and results stay the same on every machine."""
    return torch.device("cpu")


def intermediate_device() -> torch.device:
    """Where tensors rest between nodes."""
    return torch.device("cpu")


def intermediate_dtype() -> torch.dtype:
    """The dtype of images and latents between nodes."""
    return torch.float32


def get_torch_device_name(device: torch.device) -> str:
    """A short name, `cpu` for the CPU."""
    return device.type


def get_total_memory(dev: torch.device | None = None, torch_total_too: bool = False) -> int | tuple[int, int]:
    """Bytes of memory, 0 where the system does not tell."""
    total = _memory("SC_PHYS_PAGES")
    return (total, total) if torch_total_too else total


def get_free_memory(dev: torch.device | None = None, torch_free_too: bool = False) -> int | tuple[int, int]:
    """Bytes of free memory, 0 where the system does not tell."""
    free = _memory("SC_AVPHYS_PAGES")
    return (free, free) if torch_free_too else free


def unload_all_models() -> None:
    """Nothing to do: models live as long as the execution cache holds them."""


def soft_empty_cache(force: bool = False) -> None:
    """Nothing to do on a CPU."""


def is_oom(error: BaseException) -> bool:
    """Whether an exception means that memory ran out."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError))


def describe_machine() -> dict[str, str]:
    """The machine in words, for the start-up log."""
    return {"platform": sys.platform, "machine": platform.machine(), "torch": torch_version}


def _memory(pages: str) -> int:
    try:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
