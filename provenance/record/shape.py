"""How the items of a statement look: outputs, assets, prompts, models and edges as plain dicts. Pure."""

from __future__ import annotations

from ..model import Asset, Edge, FileFacts, FileRef, Json, Mask, ModelRef, Output, PromptVersion

_ASSET_FACTS = ("sha256", "size", "media_type", "pixels", "perceptual")
_OUTPUT_FACTS = ("sha256", "size", "mtime_ns", "media_type", "width", "height", "pixels", "perceptual")


def edge(link: Edge) -> dict[str, Json]:
    """An edge as it stands in statements and in answers."""
    return {
        "from": link.source,
        "to": link.target,
        "relation": link.relation.value,
        "basis": link.basis.value,
        "method": link.method,
        "score": link.score,
        "via": list(link.via),
    }


def output(item: Output) -> dict[str, Json]:
    """An item of a completion's `outputs`."""
    return {
        "node": item.node,
        "key": item.key,
        "ordinal": item.ordinal,
        "file": _file(item.file),
        **_facts(item.facts, _OUTPUT_FACTS),
        "thumbnail": item.thumbnail,
        "kept": item.kept,
        "reused": item.reused,
        "problem": item.problem,
    }


def asset(item: Asset) -> dict[str, Json]:
    """An item of a completion's `used`."""
    return {
        "node": item.node,
        "input": item.input,
        "name": item.name,
        "file": _file(item.file),
        **_facts(item.facts, _ASSET_FACTS),
        "kept": item.kept,
        "problem": item.problem,
        **({} if item.mask is None else {"mask": _mask(item.mask)}),
    }


def _mask(mask: Mask) -> dict[str, Json]:
    return {
        "channel": mask.channel,
        "picture": mask.picture,
        "coverage": mask.coverage,
        "basis": mask.basis.value,
        "via": list(mask.via),
        "problem": mask.problem,
    }


def _facts(facts: FileFacts | None, names: tuple[str, ...]) -> dict[str, Json]:
    return {name: None if facts is None else getattr(facts, name) for name in names}


def _file(file: FileRef | None) -> dict[str, Json] | None:
    if file is None:
        return None
    return {"type": file.type, "subfolder": file.subfolder, "filename": file.filename}


def prompt(item: PromptVersion) -> dict[str, Json]:
    """An item of a completion's `prompts`."""
    return {
        "node": item.node,
        "input": item.input,
        "class_type": item.class_type,
        "role": item.role,
        "source": item.source,
        "text": item.text,
    }


def model(item: ModelRef) -> dict[str, Json]:
    """An item of a completion's `models`."""
    return {
        "node": item.node,
        "input": item.input,
        "folder": item.folder,
        "name": item.name,
        "size": item.size,
        "mtime_ns": item.mtime_ns,
        "sha256": item.sha256,
    }
