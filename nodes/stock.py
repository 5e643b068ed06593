"""What stock node classes have in common, whichever of ComfyUI's two interfaces they are written for.

V1 classes are made into objects and called by the method that FUNCTION names. V3 classes (schema-based) are never
made into objects: their functions are class methods, and their optional ones have empty defaults in the interface.
"""

from __future__ import annotations

from typing import Any


def is_v3(cls: type) -> bool:
    """Whether a class is written for ComfyUI's schema-based node interface."""
    return hasattr(cls, "define_schema") and hasattr(cls, "GET_SCHEMA")


def own_method(cls: type, name: str) -> Any:
    """Give a class's own method of that name; None where it has none, or only the interface's empty default."""
    owner = next((base for base in cls.__mro__ if name in vars(base)), None)
    return None if owner is None or "GET_BASE_CLASS" in vars(owner) else getattr(cls, name)


def change_detection(cls: type) -> Any:
    """Give the bound method that tells the executor whether to run again; None where the inputs alone decide."""
    return own_method(cls, "fingerprint_inputs" if is_v3(cls) else "IS_CHANGED")


def validation(cls: type) -> Any:
    """Give the bound method that checks inputs before a run is accepted; None where there is none."""
    return own_method(cls, "validate_inputs" if is_v3(cls) else "VALIDATE_INPUTS")


def receiver(cls: type) -> Any:
    """Give what FUNCTION is called on: the class, or a fresh object that may keep state from call to call."""
    return cls if is_v3(cls) else cls()


def declared_inputs(cls: type) -> dict[str, dict[str, Any]]:
    """Ask a class for its inputs, by section. Asked anew each time: lists of files and samplers change."""
    declared: dict[str, dict[str, Any]] = cls.INPUT_TYPES()  # type: ignore[attr-defined]  # every node class has it
    return declared
