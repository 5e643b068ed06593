"""A scripted session: what an author does in a quarter of an hour, through the real queue of any ComfyUI.

Each run sends its UI workflow as the page would, descending by the head rule: `extra.provenance.execution` names the
run that the canvas came from. The same session runs against the embedded host and against a real ComfyUI, where only
the loader part differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .client import Client
from .models import CHECKPOINT
from .workflow import to_workflow

Prompt = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ModelPart:
    """The nodes that load the model, and the links to what they give."""

    nodes: Mapping[str, Mapping[str, Any]]
    model: tuple[str, int]
    clip: tuple[str, int]
    vae: tuple[str, int]


DEMO_MODEL = ModelPart(
    nodes={"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}}},
    model=("1", 0),
    clip=("1", 1),
    vae=("1", 2),
)


@dataclass(frozen=True)
class Painting:
    """The settings of one text-to-image or image-to-image run."""

    text: str
    seed: int = 7
    negative: str = ""
    steps: int = 14
    cfg: float = 7.0
    denoise: float = 1.0
    size: int = 256
    start: str | None = None  # an annotated file name to start from
    prefix: str = "session"


@dataclass(frozen=True)
class Run:
    """What one run of the session was meant to be, and what the host said about it."""

    name: str
    execution: str
    parent: str | None
    status: str  # success, error or interrupted
    outputs: list[dict[str, str]]  # node, filename, subfolder, type
    cached: list[str]
    used: list[str]  # annotated names of earlier outputs that were loaded
    prompt: Prompt
    workflow: dict[str, Any] = field(repr=False)

    def file(self) -> str:
        """The first output as a LoadImage node names it."""
        first = self.outputs[0]
        path = f"{first['subfolder']}/{first['filename']}" if first["subfolder"] else first["filename"]
        return f"{path} [{first['type']}]"


def paint(part: ModelPart, wish: Painting) -> Prompt:
    """The API prompt of a painting."""
    nodes: Prompt = {key: {**node, "inputs": dict(node["inputs"])} for key, node in part.nodes.items()}
    model, clip, vae = list(part.model), list(part.clip), list(part.vae)
    nodes["10"] = _node("CLIPTextEncode", text=wish.text, clip=clip)
    nodes["11"] = _node("CLIPTextEncode", text=wish.negative, clip=clip)
    if wish.start is None:
        nodes["12"] = _node("EmptyLatentImage", width=wish.size, height=wish.size, batch_size=1)
    else:
        nodes["16"] = _node("LoadImage", image=wish.start)
        nodes["12"] = _node("VAEEncode", pixels=["16", 0], vae=vae)
    nodes["13"] = _node(
        "KSampler",
        model=model,
        seed=wish.seed,
        steps=wish.steps,
        cfg=wish.cfg,
        sampler_name="euler",
        scheduler="karras",
        positive=["10", 0],
        negative=["11", 0],
        latent_image=["12", 0],
        denoise=wish.denoise,
    )
    nodes["14"] = _node("VAEDecode", samples=["13", 0], vae=vae)
    nodes["15"] = _node("SaveImage", images=["14", 0], filename_prefix=wish.prefix)
    return nodes


def composite(below: str, above: str, prefix: str) -> Prompt:
    """The API prompt of a picture made of two."""
    return {
        "20": _node("LoadImage", image=below),
        "21": _node("LoadImage", image=above),
        "22": _node("ImageBlend", image1=["20", 0], image2=["21", 0], blend_factor=0.5, blend_mode="screen"),
        "23": _node("SaveImage", images=["22", 0], filename_prefix=prefix),
    }


def load_and_invert(name: str, prefix: str) -> Prompt:
    """The API prompt that turns a loaded picture into its negative."""
    return {
        "20": _node("LoadImage", image=name),
        "21": _node("ImageInvert", image=["20", 0]),
        "22": _node("SaveImage", images=["21", 0], filename_prefix=prefix),
    }


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


class Session:
    """Queues prompts one after the other and keeps what came of them."""

    def __init__(self, client: Client, on_run: Callable[[Run], None] | None = None) -> None:
        self.client = client
        self.runs: list[Run] = []
        self._on_run = on_run or (lambda run: None)
        self._classes = client.get("/object_info")

    def run(self, name: str, prompt: Prompt, parent: Run | None = None, *, interrupt: bool = False) -> Run:
        """Queue a prompt as a child of `parent` and wait for its end; with `interrupt`, cancel it once it runs."""
        head = parent.execution if parent else None
        workflow = to_workflow(prompt, self._classes, execution=head)
        execution = self.client.queue(prompt, {"extra_pnginfo": {"workflow": workflow}})
        if interrupt and self.client.wait_until_running(execution):
            self.client.stop(execution)
        entry = self.client.wait(execution)
        used = [node["inputs"]["image"] for node in prompt.values() if node["class_type"] == "LoadImage"]
        run = Run(
            name=name,
            execution=execution,
            parent=head,
            status=_status(entry),
            outputs=_outputs(entry),
            cached=_cached(entry),
            used=[file for file in used if file.endswith(("[output]", "[temp]"))],
            prompt=prompt,
            workflow=workflow,
        )
        self.runs.append(run)
        self._on_run(run)
        return run


def _status(entry: dict[str, Any]) -> str:
    if any(event == "execution_interrupted" for event, _ in entry["status"]["messages"]):
        return "interrupted"
    return str(entry["status"]["status_str"])


def _cached(entry: dict[str, Any]) -> list[str]:
    for event, data in entry["status"]["messages"]:
        if event == "execution_cached":
            return list(data["nodes"])
    return []


def _outputs(entry: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for node_id, shown in entry["outputs"].items():
        for item in shown.get("images", []):
            found.append({"node": node_id, **{key: item[key] for key in ("filename", "subfolder", "type")}})
    return found


def run_session(
    url: str,
    *,
    model: ModelPart = DEMO_MODEL,
    size: int = 256,
    prefix: str = "session",
    on_run: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Play the session on the host at `url`: eleven runs, in the order they were queued.

    `on_run` is called after each. Raises client.Refused when the host does not accept a prompt, which means that
    `model` does not fit it.
    """
    session = Session(Client(url), on_run)

    def wish(text: str, **changes: Any) -> Prompt:
        return paint(model, Painting(text=text, **{"size": size, "prefix": prefix, **changes}))

    first = session.run("first idea", wish("a cat wearing a crystal pendant, day"))
    golden_text = "a cat wearing a crystal pendant, golden hour"
    golden = session.run("golden hour", wish(golden_text), first)
    reseeded = session.run("another seed", wish(golden_text, seed=21), golden)
    moon = session.run("by moonlight", wish("a cat wearing a crystal pendant, moon over the sea", seed=21), reseeded)
    # Back to the second picture, and on from there in another direction.
    snow_text = "a cat wearing a blue crystal pendant, mountain, snow"
    snow = session.run("branch: snow", wish(snow_text, negative="night"), golden)
    stronger = session.run("branch: stronger", wish(snow_text, negative="night, dark", cfg=11.0, steps=18), snow)
    softer = session.run(
        "image to image",
        wish("a cat wearing a crystal pendant, watercolor, mist", seed=3, denoise=0.6, start=moon.file()),
        moon,
    )
    both = session.run("two become one", composite(softer.file(), stronger.file(), prefix), softer)
    # The same graph once more: nothing is computed again, and the earlier file is shown.
    session.run("the same again", composite(softer.file(), stronger.file(), prefix), both)
    broken = session.client.upload(f"{prefix}-broken.png", b"\x89PNG\r\n\x1a\n and then nothing more")
    session.run("a broken file", load_and_invert(broken, prefix), both)
    long_text = "a lighthouse in a storm, sea, boat"
    session.run("cancelled", wish(long_text, steps=10_000, seed=2**63 + 11), moon, interrupt=True)
    return session.runs


def as_data(runs: list[Run]) -> list[dict[str, Any]]:
    """The runs as plain dicts and lists."""
    return [asdict(run) for run in runs]


def run_demo(base_directory: Path, pack: Path, *, on_run: Callable[[Run], None] | None = None) -> list[Run]:
    """Start the embedded host with the pack, play the session, stop the host.

    When it has stopped, the pack has recorded everything. The ledger lies where the pack puts it, below
    `<base_directory>/user`.
    """
    from .host.embedded import EmbeddedHost, HostOptions
    from .serve import PACK_NAME

    with EmbeddedHost(HostOptions(base_directory, packs={PACK_NAME: pack})) as host:
        return run_session(host.url, on_run=on_run)
