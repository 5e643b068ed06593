"""Listening to a sampler from inside: the sigmas it really used, the time of each step, and its view of the image.

ComfyUI lets a model carry wrapper functions around sampling (`add_wrapper_with_key`). For the length of one node call
we put ours on the very model that is going to be sampled and take them off again. The model is not cloned: a clone
would have to be loaded in its place, and its patches copied. The names below are ComfyUI's own and the same in all
versions that have the feature; on a model without it nothing is heard, and nothing breaks.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from .border import guarded
from .plain import floats, scalar, scalars
from .port import Port
from .previews import latent_to_rgb

_OUTER, _INNER = "outer_sample", "sampler_sample"
_ARGUMENTS = ("noise", "latent_image", "sampler", "sigmas", "denoise_mask", "callback", "disable_pbar", "seed")
_calls = itertools.count(1)


class Pass:
    """One run of a sampler over one list of sigmas. Times are host time: no device is waited for on our account."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.sigmas: Any = None
        self.step_ms: list[float] = []
        self.started_ns = self._last_ns = time.perf_counter_ns()

    def ready(self) -> None:
        """The model is loaded and the first step begins."""
        self._last_ns = time.perf_counter_ns()
        self.facts["setup_ms"] = round((self._last_ns - self.started_ns) / 1e6, 3)

    def step(self) -> None:
        now = time.perf_counter_ns()
        self.step_ms.append(round((now - self._last_ns) / 1e6, 3))
        self._last_ns = now

    def done(self) -> dict[str, Any]:
        total_ms = round((time.perf_counter_ns() - self.started_ns) / 1e6, 3)
        return {**self.facts, "steps_run": len(self.step_ms), "step_ms": self.step_ms, "total_ms": total_ms}


class Listener:
    """Hears every pass of one node call. `passes` holds plain values, `sigmas` the tensors, both in order.

    `previews` holds (pass, step, RGB tensor on the CPU) for each `preview_every`-th step, where the latent format
    says how its channels map to colours.
    """

    def __init__(self, port: Port, class_type: str, preview_every: int) -> None:
        self.passes: list[dict[str, Any]] = []
        self.sigmas: list[Any] = []
        self.previews: list[tuple[int, int, Any]] = []
        self._port = port
        self._class_type = class_type
        self._preview_every = preview_every
        self._key = f"provenance.{next(_calls)}"
        self._patcher: Any = None
        self._open: list[Pass] = []
        self._listening = False

    def attach(self, patcher: Any) -> bool:
        """Start listening on a model. False where it offers no way to."""
        if not (hasattr(patcher, "add_wrapper_with_key") and hasattr(patcher, "remove_wrappers_with_key")):
            return False
        self._patcher = patcher
        self._listening = True

        # Plain functions: model options are deep-copied here and there, and a bound method would take its object along.
        def outer(executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return self._outer(executor, *args, **kwargs)

        def inner(executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return self._inner(executor, *args, **kwargs)

        patcher.add_wrapper_with_key(_OUTER, self._key, outer)
        patcher.add_wrapper_with_key(_INNER, self._key, inner)
        return True

    def detach(self) -> None:
        """Stop listening. A clone of the model made meanwhile keeps the wrappers, which now only pass through."""
        self._listening = False
        if self._patcher is not None:
            for kind in (_OUTER, _INNER):
                self._patcher.remove_wrappers_with_key(kind, self._key)
            self._patcher = None

    def _outer(self, executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._listening:
            return executor(*args, **kwargs)
        current = Pass()
        with guarded(self._port, f"{self._class_type} could not read how it samples"):
            args, kwargs = self._read(current, list(args), dict(kwargs))
        self._open.append(current)
        try:
            return executor(*args, **kwargs)
        finally:
            with guarded(self._port, f"{self._class_type} could not note a pass"):
                self._open.remove(current)
                self.passes.append(current.done())
                self.sigmas.append(current.sigmas)

    def _inner(self, executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with guarded(self._port, f"{self._class_type} could not note the first step"):
            if self._listening and self._open:
                self._open[-1].ready()
        return executor(*args, **kwargs)

    def _read(self, current: Pass, args: list[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Note what this pass was given, and put our clock around its callback."""
        given = {**dict(zip(_ARGUMENTS, args, strict=False)), **kwargs}
        current.sigmas = given.get("sigmas")
        current.facts |= {
            "sigmas": floats(given.get("sigmas")),
            "seed": scalar(given.get("seed")),
            **describe_sampler(given.get("sampler")),
        }
        callback = given.get("callback")
        if callback is None:  # without one a sampler may take another path; then we count no steps
            return tuple(args), kwargs
        clocked = self._clock(current, callback, len(self.passes))
        position = _ARGUMENTS.index("callback")
        if len(args) > position:
            args[position] = clocked
        else:
            kwargs["callback"] = clocked
        return tuple(args), kwargs

    def _clock(self, current: Pass, callback: Callable[..., Any], ordinal: int) -> Callable[..., Any]:
        def clocked(*args: Any, **kwargs: Any) -> Any:
            with guarded(self._port, f"{self._class_type} could not note a step"):
                current.step()
                step = len(current.step_ms)
                if self._preview_every and step % self._preview_every == 0 and len(args) > 1:
                    rgb = latent_to_rgb(args[1], getattr(getattr(self._patcher, "model", None), "latent_format", None))
                    if rgb is not None:
                        self.previews.append((ordinal, step, rgb))
            return callback(*args, **kwargs)

        return clocked


def describe_sampler(sampler: Any) -> dict[str, Any]:
    """Name a SAMPLER object: its class, the function it steps with and that function's options, where it has them."""
    function = getattr(sampler, "sampler_function", None)
    described: dict[str, Any] = {"sampler_class": type(sampler).__name__}
    if function is not None:
        described["sampler"] = str(getattr(function, "__name__", type(function).__name__))
    options = getattr(sampler, "extra_options", None)
    if isinstance(options, Mapping) and options:
        described["sampler_options"] = scalars(options)
    return described
