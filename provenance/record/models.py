"""Model files that a graph names, as they lie on disk. Reads directory entries and headers, never whole files.

A literal text input names a model when it ends like a model file and such a file is in one of ComfyUI's model folders.
When several folders hold a file of that name, the one that holds most of the input's choices is meant.
`embedding:name` in a prompt names a file of the embeddings folder. A name that is not on disk counts only
when the input is a choice.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from ..model import Json, ModelRef, NodeInput, PromptVersion
from .graph import ApiGraph
from .prompts import is_prompt

Folders = Mapping[str, tuple[str, ...]]
NodeInputs = Callable[[str], Mapping[str, NodeInput] | None]

HEADER_LIMIT = 100 * 1024 * 1024
METADATA_LIMIT = 4096  # characters of names and values together
_VALUE_LIMIT = 512
_CHOICES = 64  # choices looked up to tell folders apart
_EMBEDDINGS = "embeddings"
_EMBEDDING = re.compile(r"embedding:([^\s,:;|()\[\]{}<>\"]+)")
_EMBEDDING_ENDINGS = (".safetensors", ".pt", ".bin")
_NOT_MODELS = frozenset({"custom_nodes", "configs"})


def find(
    graph: ApiGraph,
    node_inputs: NodeInputs,
    folders: Folders,
    extensions: frozenset[str],
    prompts: Iterable[PromptVersion] = (),
) -> tuple[ModelRef, ...]:
    """Models named anywhere in the graph, in its order, embeddings in its prompts included. I/O: stat.

    `prompts` adds texts that are not in the graph, such as those observed while it ran. `sha256` is None in all
    references; size and time are None in those not found on disk.
    """
    found = [reference for node in graph for reference in _of_node(graph, node, node_inputs, folders, extensions)]
    for version in prompts:
        found += _of_text(version.node, version.input, version.text or "", folders)
    return tuple(dict.fromkeys(found))


def locate(folders: Folders, folder: str, name: str) -> Path | None:
    """The file of that name in a model folder, or None. Names that would leave the folder find nothing. I/O: stat."""
    relative = PurePath(name)
    if not name or relative.is_absolute() or ".." in relative.parts or relative.drive:
        return None
    try:
        return next((path for root in folders.get(folder, ()) if (path := Path(root, relative)).is_file()), None)
    except (OSError, ValueError):  # a name too long or otherwise impossible on this system
        return None


def safetensors_header(path: str | os.PathLike[str]) -> dict[str, Json] | None:
    """Summary of a safetensors file's header; None when the file is not one, is damaged, or its header exceeds 100 MB.

    {"tensors", "parameters", "dtypes": {name: tensors}, "metadata": {name: text}, "trimmed"}. Metadata is cut to
    4 KB, model specification first. Not checked: that offsets and data agree. Raises OSError when the
    file cannot be read. I/O.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(HEADER_LIMIT, size - 8):
            return None
        raw = file.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return _summary(header) if isinstance(header, dict) else None


def _of_node(
    graph: ApiGraph, node: str, node_inputs: NodeInputs, folders: Folders, extensions: frozenset[str]
) -> Iterator[ModelRef]:
    declared = node_inputs(graph.class_type(node)) or {}
    for name, value in graph.literals(node).items():
        if not isinstance(value, str):
            continue
        if name in declared and is_prompt(declared[name]):
            yield from _of_text(node, name, value, folders)
            continue
        if PurePath(value).suffix.lower() not in extensions:
            continue
        choices = declared[name].choices if name in declared else None
        holding = [folder for folder in folders if folder not in _NOT_MODELS and locate(folders, folder, value)]
        if holding:
            yield _reference(node, name, _meant(holding, folders, choices), value, folders)
        elif choices is not None:
            others = [folder for folder in folders if folder not in _NOT_MODELS and _held(folders, folder, choices)]
            yield ModelRef(node, name, _meant(others, folders, choices) if others else "", value, None, None)


def _reference(node: str, name: str, folder: str, value: str, folders: Folders) -> ModelRef:
    path = locate(folders, folder, value)
    state = path.stat() if path is not None else None
    return ModelRef(node, name, folder, value, state.st_size if state else None, state.st_mtime_ns if state else None)


def _meant(holding: list[str], folders: Folders, choices: tuple[str, ...] | None) -> str:
    if len(holding) == 1 or not choices:
        return holding[0]
    return max(holding, key=lambda folder: _held(folders, folder, choices))  # the first of equals


def _held(folders: Folders, folder: str, choices: Iterable[str]) -> int:
    return sum(locate(folders, folder, choice) is not None for choice in list(choices)[:_CHOICES])


def _of_text(node: str, name: str, text: str, folders: Folders) -> Iterator[ModelRef]:
    for named in _EMBEDDING.findall(text):
        bare = named.rstrip("\\.")
        for candidate in (bare, *(bare + ending for ending in _EMBEDDING_ENDINGS)):
            if locate(folders, _EMBEDDINGS, candidate):
                yield _reference(node, name, _EMBEDDINGS, candidate, folders)
                break


def _summary(header: dict[str, Any]) -> dict[str, Json]:
    dtypes: dict[str, int] = {}
    tensors = parameters = 0
    for name, tensor in header.items():
        if name == "__metadata__" or not isinstance(tensor, dict):
            continue
        tensors += 1
        dtype, shape = tensor.get("dtype"), tensor.get("shape")
        if isinstance(dtype, str):
            dtypes[dtype[:16]] = dtypes.get(dtype[:16], 0) + 1
        if isinstance(shape, list) and all(type(side) is int and 0 <= side < 1 << 40 for side in shape[:16]):
            parameters += math.prod(shape[:16])
    metadata, trimmed = _trimmed(header.get("__metadata__"))
    return {
        "tensors": tensors,
        "parameters": parameters,
        "dtypes": dict(sorted(dtypes.items())),
        "metadata": metadata,
        "trimmed": trimmed,
    }


def _trimmed(metadata: Json) -> tuple[dict[str, str], bool]:
    texts = (
        {name: text for name, text in metadata.items() if isinstance(text, str)} if isinstance(metadata, dict) else {}
    )
    first = sorted(texts, key=lambda name: (not name.startswith("modelspec."), not name.startswith("ss_"), name))
    kept: dict[str, str] = {}
    room, trimmed = METADATA_LIMIT, False
    for name in first:
        text = texts[name]
        cut = "" if text.startswith("data:") else text[:_VALUE_LIMIT]
        trimmed = trimmed or cut != text
        if len(name) + len(cut) > room:
            trimmed = True
            continue
        kept[name] = cut
        room -= len(name) + len(cut)
    return kept, trimmed
