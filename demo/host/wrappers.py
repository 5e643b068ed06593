"""Wrappers around stages of sampling: the content of `comfy.patcher_extension`.

A wrapper is called as `wrapper(executor, *args, **kwargs)` and goes on with `executor(*args, **kwargs)`; the object
whose method is wrapped is `executor.class_obj`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Wrapper = Callable[..., Any]


class WrappersMP:
    """The stages. Only OUTER_SAMPLE is ever reached in this host; the others may be registered and stay silent."""

    OUTER_SAMPLE = "outer_sample"
    PREPARE_SAMPLING = "prepare_sampling"
    SAMPLER_SAMPLE = "sampler_sample"
    PREDICT_NOISE = "predict_noise"
    CALC_COND_BATCH = "calc_cond_batch"
    APPLY_MODEL = "apply_model"
    DIFFUSION_MODEL = "diffusion_model"


def add_wrapper_with_key(
    wrapper_type: str,
    key: str | None,
    wrapper: Wrapper,
    transformer_options: dict[str, Any],
    is_model_options: bool = False,
) -> None:
    """Register a wrapper in an options dict (the model's, or its `transformer_options`)."""
    options = transformer_options.setdefault("transformer_options", {}) if is_model_options else transformer_options
    options.setdefault("wrappers", {}).setdefault(wrapper_type, {}).setdefault(key, []).append(wrapper)


def add_wrapper(
    wrapper_type: str, wrapper: Wrapper, transformer_options: dict[str, Any], is_model_options: bool = False
) -> None:
    """As `add_wrapper_with_key`, without a key."""
    add_wrapper_with_key(wrapper_type, None, wrapper, transformer_options, is_model_options)


def get_all_wrappers(
    wrapper_type: str, transformer_options: dict[str, Any], is_model_options: bool = False
) -> list[Wrapper]:
    """A stage's wrappers in an options dict, outermost first."""
    options = transformer_options.get("transformer_options", {}) if is_model_options else transformer_options
    keyed = options.get("wrappers", {}).get(wrapper_type, {})
    return [wrapper for wrappers in keyed.values() for wrapper in wrappers]


class WrapperExecutor:
    """What a wrapper calls to go on: the next wrapper, or the wrapped function after the last."""

    def __init__(self, original: Wrapper, class_obj: Any, wrappers: list[Wrapper], idx: int = 0) -> None:
        self.original = original
        self.class_obj = class_obj
        self.wrappers = list(wrappers)
        self.idx = idx

    @classmethod
    def new_class_executor(
        cls, original: Wrapper, class_obj: Any, wrappers: list[Wrapper], idx: int = 0
    ) -> WrapperExecutor:
        """For a method of `class_obj`."""
        return cls(original, class_obj, wrappers, idx)

    @classmethod
    def new_executor(cls, original: Wrapper, wrappers: list[Wrapper], idx: int = 0) -> WrapperExecutor:
        """For a plain function."""
        return cls(original, None, wrappers, idx)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return WrapperExecutor(self.original, self.class_obj, self.wrappers, self.idx + 1).execute(*args, **kwargs)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Begin here: the host calls this, a wrapper calls the executor itself."""
        if self.idx >= len(self.wrappers):
            return self.original(*args, **kwargs)
        return self.wrappers[self.idx](self, *args, **kwargs)


def copy_nested(options: dict[str, Any]) -> dict[str, Any]:
    """A copy of nested dicts and lists whose leaves are shared."""
    out: dict[str, Any] = {}
    for key, value in options.items():
        out[key] = copy_nested(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
    return out
