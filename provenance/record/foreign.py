"""What a file from elsewhere says of itself: ComfyUI's documents, A1111's parameter text, Light Diffusion Flow. Pure.

Everything here is a claim: anybody can write any text into any file. Nothing is trusted, executed or followed; sizes
and depths are bounded, and what cannot be read is left out, never guessed.

* ComfyUI: PNG texts `prompt` and `workflow`, EXIF texts `prompt:{...}` and `workflow:{...}` in JPEG and WebP, and JSON
  files in either form.
* A1111 infotext: PNG text `parameters`, EXIF UserComment. Prompt lines, a line that begins `Negative prompt:`, a last
  line of `Name: value` pairs of which values with commas are quoted as JSON texts.
* Light Diffusion Flow: one flat JSON object whose names are ids of A1111's page, such as `state-txt2img_seed`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..canonical import parse_json
from ..errors import InputError
from ..model import Json

LARGEST = 64 * 1024 * 1024  # characters of one document
LONGEST_TEXT = 1024 * 1024
MOST_PARAMETERS = 64
LONGEST_VALUE = 20_000
_NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS = 3
_STATE = "state-"
_FLOW_NAMES = {
    "prompt": "positive", "neg_prompt": "negative", "sampling": "sampler", "steps": "steps", "seed": "seed",
    "width": "width", "height": "height", "cfg_scale": "cfg", "denoising_strength": "denoise",
    "setting_sd_model_checkpoint": "model", "setting_sd_vae": "vae",
}  # fmt: skip
_INFOTEXT_NAMES = {
    "Steps": "steps", "Sampler": "sampler", "Schedule type": "scheduler", "CFG scale": "cfg", "Seed": "seed",
    "Size": "size", "Model": "model", "Model hash": "model hash", "VAE": "vae", "Denoising strength": "denoise",
    "Clip skip": "clip skip", "Lora hashes": "lora hashes", "Version": "version",
}  # fmt: skip
_GRAPH_INPUTS = {
    "seed": "seed", "noise_seed": "seed", "steps": "steps", "cfg": "cfg", "sampler_name": "sampler",
    "scheduler": "scheduler", "denoise": "denoise", "ckpt_name": "model", "unet_name": "model", "lora_name": "lora",
    "vae_name": "vae",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a file says of itself, as it says it, secrets included. format: `comfyui`, `a1111` or `flow`.

    `execution` is the id of a recorded run that the file claims to come from; parameters are (name, value) pairs.
    """

    format: str
    prompt: Json = None
    workflow: Json = None
    text: str | None = None
    flow: Json = None
    execution: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()


def of_texts(texts: Mapping[str, str]) -> Claimed | None:
    """What the named texts of a picture claim; None when they claim nothing that is known here."""
    prompt, workflow = (_document(texts.get(name)) for name in ("prompt", "workflow"))
    if prompt is not None or workflow is not None:
        return _comfyui(prompt, workflow)
    for name in ("parameters", "UserComment"):
        text = texts.get(name)
        if text is not None and len(text) <= LONGEST_TEXT:
            parameters = infotext(text)
            if parameters:
                return Claimed("a1111", text=text, parameters=parameters)
    return None


def of_json(data: bytes) -> Claimed | None:
    """What a JSON file claims: a `.flow`, an API prompt, or a UI workflow; None for any other."""
    if len(data) > LARGEST:
        return None
    try:
        found = parse_json(data)
    except InputError:
        return None
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("nodes"), list):
        return _comfyui(None, found)
    if found and all(isinstance(node, dict) and "class_type" in node for node in found.values()):
        return _comfyui(found, None)
    if any(isinstance(name, str) and name.startswith(_STATE) for name in found):
        return Claimed("flow", flow=found, parameters=tuple(_flow_parameters(found)))
    return None


def infotext(text: str) -> tuple[tuple[str, str], ...]:
    """The parameters of an A1111 infotext, the prompts first; empty for any other text."""
    lines = text.strip().split("\n")
    pairs = dict(_pairs(lines[-1]))
    if len(pairs) < _FEWEST_PAIRS or "Steps" not in pairs:
        return ()
    positive: list[str] = []
    negative: list[str] = []
    into = positive
    for line in lines[:-1]:
        if into is positive and line.startswith(_NEGATIVE):
            into, line = negative, line[len(_NEGATIVE) :]
        into.append(line.strip())
    prompts = [("positive", "\n".join(positive).strip()), ("negative", "\n".join(negative).strip())]
    known = [(_INFOTEXT_NAMES.get(name, name), value) for name, value in pairs.items()]
    return _bounded([*(pair for pair in prompts if pair[1]), *known])


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """`Name: value` pairs between commas; a value that begins with a quote is a JSON text and may hold commas."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(line):
        name, found, _ = line[at:].partition(":")
        if not found or "," in name or len(name) > 100:
            return
        at += len(name) + 1
        at += len(line[at:]) - len(line[at:].lstrip())
        if line[at : at + 1] == '"':
            try:
                value, at = decoder.raw_decode(line, at)
            except ValueError:
                return
        else:
            value = line[at:].partition(",")[0]
            at += len(value)
        yield name.strip(), str(value).strip()
        if line[at : at + 1] not in ("", ","):
            return
        at += 1


def _flow_parameters(found: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    pages = ("txt2img", "img2img")
    page = next((each for each in pages if found.get(f"{_STATE}{each}_prompt")), pages[0])
    for name, shown in _FLOW_NAMES.items():
        value = found.get(f"{_STATE}{name}", found.get(f"{_STATE}{page}_{name}"))
        told = _told(value)
        if told is not None:
            yield shown, told[:LONGEST_VALUE]


def _comfyui(prompt: Json, workflow: Json) -> Claimed:
    parameters = _bounded([*_graph_parameters(prompt)]) if isinstance(prompt, dict) else ()
    return Claimed("comfyui", prompt, workflow, None, None, _execution(workflow), parameters)


def _graph_parameters(prompt: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Well-known inputs of an API prompt, each name and value once. Which of several samplers counts is not judged."""
    seen: set[tuple[str, str]] = set()
    for node in prompt.values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        for name, value in inputs.items() if isinstance(inputs, dict) else ():
            shown = "text" if name in ("text", "text_g", "text_l", "clip_l", "t5xxl") else _GRAPH_INPUTS.get(name)
            told = _told(value)
            if shown is not None and told is not None and (shown, told) not in seen:
                seen.add((shown, told))
                yield shown, told


def _execution(workflow: Json) -> str | None:
    for member in ("extra", "provenance"):
        workflow = workflow.get(member) if isinstance(workflow, dict) else None
    found = workflow.get("execution") if isinstance(workflow, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= 256 else None


def _document(text: str | None) -> Json:
    """A JSON object out of a text; None when it is none."""
    if text is None or len(text) > LARGEST:
        return None
    try:
        found = parse_json(text.strip().strip("\0").encode("utf-8", "replace"))
    except InputError:
        return None
    return found if isinstance(found, dict) and found else None


def _told(value: Json) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return str(value)


def _bounded(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name[:100], value[:LONGEST_VALUE]) for name, value in pairs[:MOST_PARAMETERS] if name and value)
