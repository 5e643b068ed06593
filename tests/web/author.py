"""Runs that somebody queued elsewhere, and the small graphs they are made of."""

from __future__ import annotations

import io
import os
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from comfy_provenance.demo.client import Client, Refused
from comfy_provenance.demo.models import CHECKPOINT
from comfy_provenance.demo.workflow import to_workflow
from PIL import Image

from .canvas import PATIENCE_S

NO_MODELS = "no small models: set COMFYUI_SMALL_MODELS=unet,clip,vae,cliptype to file names that ComfyUI lists"


class Author:
    """Queues runs as a page would, without one. `model` is the name of the model file that its graphs load."""

    def __init__(self, url: str) -> None:
        self.client = Client(url)
        self._classes = self.client.get("/object_info")
        listed = self._classes["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
        self._has_demo_model = CHECKPOINT in str(listed)
        models = os.environ.get("COMFYUI_SMALL_MODELS", "")
        self.model = CHECKPOINT if self._has_demo_model else models.split(",")[0]

    def fitted(self, prompt: dict[str, Any]) -> dict[str, Any]:
        """The prompt for this host: where there is no demo model, three small real ones take its place."""
        loader = next((key for key, node in prompt.items() if node["class_type"] == "CheckpointLoaderSimple"), None)
        if loader is None or self._has_demo_model:
            return prompt
        if not self.model:
            pytest.skip(NO_MODELS)
        unet, clip, vae, clip_type = os.environ["COMFYUI_SMALL_MODELS"].split(",")
        loaders = {
            "101": {"class_type": "UNETLoader", "inputs": {"unet_name": unet, "weight_dtype": "default"}},
            "102": {"class_type": "CLIPLoader", "inputs": {"clip_name": clip, "type": clip_type}},
            "103": {"class_type": "VAELoader", "inputs": {"vae_name": vae}},
        }

        def moved(value: Any) -> Any:
            return [list(loaders)[value[1]], 0] if isinstance(value, list) and value[0] == loader else value

        others = {
            key: {**node, "inputs": {name: moved(value) for name, value in node["inputs"].items()}}
            for key, node in prompt.items()
            if key != loader
        }
        return {**loaders, **others}

    def workflow(self, prompt: dict[str, Any], parent: str | None = None) -> dict[str, Any]:
        """What the page would show for a prompt that fits this host."""
        return to_workflow(prompt, self._classes, execution=parent)

    def run(self, prompt: dict[str, Any], parent: str | None = None) -> str:
        prompt = self.fitted(prompt)
        workflow = self.workflow(prompt, parent)
        execution = self.client.queue(prompt, {"extra_pnginfo": {"workflow": workflow}})
        self.client.wait(execution)
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_recorded(execution):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return execution

    def _is_recorded(self, execution: str) -> bool:
        try:
            return self.get(f"executions/{execution}")["status"] not in ("queued", "running")
        except Refused:
            return False

    def get(self, path: str) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.client.get(f"/provenance/v1/{path}")
            except Refused as error:
                if error.status != 503 or time.monotonic() > deadline:  # the ledger is still being opened
                    raise
            time.sleep(0.05)

    def settled(self) -> Any:
        """The status once nothing of the runs waits to be written: no model's hash, no description of the machine."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status = self.get("status")
            (newest,) = self.get("executions?limit=1")["items"]
            described = self.get(f"executions/{newest['execution']}")["environment"] is not None
            if status["waiting"] == 0 and status["background"]["models"] == 0 and described:
                return status
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @contextmanager
    def holding(self, prompt: dict[str, Any], image: str, saved: str) -> Iterator[str]:
        """The prompt's run, which has ended; whatever is queued of it inside waits at `image` until it is stopped."""
        if "ProbeHold" not in self._classes:
            pytest.skip("COMFY_PROVENANCE_URL names a host without the node that holds a run")
        let_go = Path(self.get("status")["ledger"]).parent / a_word()
        hold = {"class_type": "ProbeHold", "inputs": {"image": [image, 0], "until": let_go.name}}
        save = {**prompt[saved], "inputs": {**prompt[saved]["inputs"], "images": ["900", 0]}}
        let_go.touch()
        execution = self.run({**prompt, "900": hold, saved: save})
        let_go.unlink()
        try:
            yield execution
        finally:
            let_go.touch()

    def is_held(self) -> bool:
        """Whether a run waits inside `holding`."""
        return any(Path(self.get("status")["ledger"]).parent.glob("*.held"))

    def file(self, name: str) -> bytes:
        """An output as the host serves it."""
        subfolder, _, filename = name.rpartition("/")
        query = urlencode({"filename": filename, "subfolder": subfolder, "type": "output"})
        with urllib.request.urlopen(f"{self.client.url}/view?{query}", timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    def picture(self, name: str) -> Image.Image:
        return Image.open(io.BytesIO(self.file(name)))

    def image(self, color: int, parent: str | None = None, **more: Any) -> str:
        return self.run(flat(color, **more), parent)


def flat(color: int, *, size: int = 64, load: str | None = None, prefix: str = "flat") -> dict[str, Any]:
    """A graph that makes an image of one colour, or passes a file on."""
    source: dict[str, Any] = {
        "class_type": "EmptyImage",
        "inputs": {"width": size, "height": size, "batch_size": 1, "color": color},
    }
    if load is not None:
        source = {"class_type": "LoadImage", "inputs": {"image": load}}
    invert = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["2" if load else "1", 0], "filename_prefix": prefix}}
    return {"1": source, **({"2": invert} if load else {}), "3": save}


def words(text: str, seed: int = 1) -> dict[str, Any]:
    """A graph with a prompt."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "demo_painter.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "5": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0], "seed": seed, "steps": 1, "cfg": 7.0, "sampler_name": "euler",
                "scheduler": "karras", "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0],
                "denoise": 1.0,
            },
        },
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "words"}},
    }  # fmt: skip


def some_color() -> int:
    return random.randrange(1 << 24)


def a_word() -> str:
    return "".join(random.choice("abcdefghijkmnpqrstuvwxyz") for _ in range(10))
