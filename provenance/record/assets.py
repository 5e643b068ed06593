"""Files that a graph loads by name: images, masks, latents, video, audio, 3D, whatever class loads them. I/O: stat.

What counts is a literal text (or a list of such) that names an existing file: `sub/x.png` in the input folder,
`x.png [output]`, `[temp]` or `[input]` in those folders, or an absolute path to a media file. What escapes: files named
through a link, files a node opens on its own, and folders read as a whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..model import FileRef, Json, NodeInput
from . import media
from .graph import ApiGraph
from .prompts import is_prompt

NodeInputs = Callable[[str], Mapping[str, NodeInput] | None]

_ANNOTATED = re.compile(r"(?P<name>.*?) ?\[(?P<type>input|output|temp)\]", re.DOTALL)
_LONGEST = 1024
_MEDIA = ("image/", "video/", "audio/", "model/")


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a node's input names. `file` is None outside ComfyUI's folders; `name` is then the base name only."""

    node: str
    input: str
    name: str
    file: FileRef | None
    path: Path


def find(graph: ApiGraph, node_inputs: NodeInputs, directories: Mapping[str, str]) -> tuple[Found, ...]:
    """Files named by the graph's literals, in its order, one item per node, input and file.

    `directories` maps `input`, `output`, `temp` to absolute paths. Prompts and names of files to be written are not
    looked at. Names never leave those folders by `..`; symbolic links inside them are followed, as ComfyUI does.
    """
    found: dict[Found, None] = {}
    for node in graph:
        declared = node_inputs(graph.class_type(node)) or {}
        for name, value in graph.literals(node).items():
            if name == "filename_prefix" or (name in declared and is_prompt(declared[name])):
                continue
            for text in _texts(value):
                asset = _asset(node, name, text, directories)
                if asset is not None:
                    found[asset] = None
    return tuple(found)


def resolve(name: str, directories: Mapping[str, str]) -> tuple[FileRef, Path] | None:
    """The file below ComfyUI's folders that a name with or without annotation means, if it is one and exists."""
    match = _ANNOTATED.fullmatch(name)
    kind, relative = (match["type"], match["name"]) if match else ("input", name)
    root = directories.get(kind)
    parts = PurePosixPath(relative.replace("\\", "/") if os.name == "nt" else relative).parts
    if not root or not parts or ".." in parts or parts[0].startswith("/") or Path(parts[0]).drive:
        return None
    path = Path(root, *parts)
    if not _is_file(path):
        return None
    return FileRef(kind, "/".join(parts[:-1]), parts[-1]), path


def _asset(node: str, name: str, text: str, directories: Mapping[str, str]) -> Found | None:
    bare = _ANNOTATED.sub(r"\g<name>", text)
    if "." not in bare:
        return None
    inside = resolve(text, directories)
    if inside is not None:
        return Found(node, name, text, *inside)
    if media.named_type(bare).startswith(_MEDIA) and Path(bare).is_absolute() and _is_file(Path(bare)):
        return _known(node, name, Path(bare), directories)
    return None


def _known(node: str, name: str, path: Path, directories: Mapping[str, str]) -> Found:
    """An absolute path, which may well point into one of ComfyUI's folders."""
    lexical = Path(os.path.normpath(path))
    for kind, root in directories.items():
        base = Path(os.path.normpath(root))
        if lexical.is_relative_to(base):
            parts = lexical.relative_to(base).parts
            return Found(node, name, path.name, FileRef(kind, "/".join(parts[:-1]), parts[-1]), path)
    return Found(node, name, path.name, None, path)


def _texts(value: Json) -> Iterator[str]:
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, str) and 0 < len(item) <= _LONGEST and "\n" not in item and "\0" not in item:
            yield item


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long or otherwise impossible on this system
        return False
