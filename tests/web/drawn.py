"""A canvas with a sampler and its prompts, to wrap and unwrap."""

from __future__ import annotations

from typing import Any

from .canvas import SAID, Canvas
from .sidebar import Sidebar

# A sampler with its prompts, as an author leaves it: a text from a node of its own, titles, colours, a group, a bypass.
BUILD = """() => {
    const graph = window.app.rootGraph ?? window.app.graph;
    graph.clear();
    const made = {};
    const add = (name, type, x, y) => {
        const node = LiteGraph.createNode(type);
        node.pos = [x, y];
        graph.add(node);
        made[name] = node;
        return node;
    };
    add("loader", "CheckpointLoaderSimple", 0, 0);
    add("words", "CLIPTextEncode", 400, 0);
    add("not", "CLIPTextEncode", 400, 300);
    add("empty", "EmptyLatentImage", 400, 600);
    add("sampler", "KSampler", 900, 0);
    add("decode", "VAEDecode", 1300, 0);
    add("save", "SaveImage", 1600, 0);
    add("steps", "PrimitiveNode", 0, 700);
    const link = (from, slot, to, name) => {
        const at = made[to].inputs.findIndex((input) => input.name === name);
        made[from].connect(slot, made[to], at);
    };
    link("loader", 0, "sampler", "model");
    link("loader", 1, "words", "clip");
    link("loader", 1, "not", "clip");
    link("loader", 2, "decode", "vae");
    link("words", 0, "sampler", "positive");
    link("not", 0, "sampler", "negative");
    link("empty", 0, "sampler", "latent_image");
    link("sampler", 0, "decode", "samples");
    link("decode", 0, "save", "images");
    link("steps", 0, "sampler", "steps");
    const set = (node, name, value) => { made[node].widgets.find((w) => w.name === name).value = value; };
    for (const widget of made.loader.widgets) widget.value ??= "none.safetensors";  // there may be no checkpoints
    set("words", "text", "golden hour");
    set("not", "text", "blurry");
    set("sampler", "seed", 4242);
    set("sampler", "control_after_generate", "fixed");
    set("sampler", "cfg", 5.5);
    set("sampler", "denoise", 0.75);
    made.words.title = "Mine";
    made.words.color = "#232";
    made.words.bgcolor = "#353";
    made.sampler.properties.mine = 7;
    made.not.mode = 4;
    made.not.flags.collapsed = true;
    const group = new LiteGraph.LGraphGroup("Prompts");
    group.pos = [380, -80];
    group.size = [460, 700];
    graph.add(group);
    return Object.fromEntries(Object.entries(made).map(([name, node]) => [name, node.id]));
}"""
TYPES = """() => {
    const root = window.app.rootGraph ?? window.app.graph;
    const all = [...root.nodes];
    for (const graph of root.subgraphs?.values?.() ?? []) all.push(...graph.nodes);
    return all.map((node) => node.type).sort();
}"""
PROMPT = "async () => (await window.app.graphToPrompt()).output"
# The text that would go to the host: numbers as they are written there.
SENT = "async () => JSON.stringify((await window.app.graphToPrompt()).output)"
OURS = {"preview_every": 0, "save_latent": False}
PREFIX = "Provenance"


class Drawn:
    """A canvas with the graph on it; `ids` by the names that `BUILD` gives."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.console = Sidebar(canvas)
        canvas.listen()
        canvas.new_tab()
        self.ids: dict[str, Any] = canvas.do(BUILD)
        canvas.settle()
        canvas.capture()

    def command(self, name: str) -> None:
        """Run a command and wait until it has said what it did."""
        self._settled(f"() => window.app.extensionManager.command.execute('Provenance.{name}')")

    def menu(self, node: str) -> list[str]:
        """What of ours the menu of a node offers."""
        found = self.canvas.do(self._menu("entries.map((entry) => entry.content)"), self.ids[node])
        return [content for content in found if content.startswith(("Wrap", "Unwrap"))]

    def choose(self, node: str, content: str) -> None:
        self._settled(self._menu(f"entries.find((entry) => entry.content === {content!r}).callback()"), self.ids[node])

    def _menu(self, then: str) -> str:
        return f"""(id) => {{
            const {{ canvas }} = window.app;
            const found = canvas.getNodeMenuOptions(canvas.graph.getNodeById(id));
            const entries = found.filter((entry) => entry && entry.content);
            return {then};
        }}"""

    def _settled(self, script: str, argument: Any = None) -> None:
        before = len(self.said())
        self.canvas.do(script, argument)
        self.canvas.page.wait_for_function(f"(before) => ({SAID})().length > before", arg=before)
        self.canvas.settle()

    def select(self, *names: str) -> None:
        self.canvas.do(
            """(ids) => {
                const { canvas } = window.app;
                canvas.deselectAll?.();
                canvas.selectItems(ids.map((id) => canvas.graph.getNodeById(id)));
            }""",
            [self.ids[name] for name in names],
        )

    def prompt(self) -> dict[str, Any]:
        """What would be queued; titles are for people and do not count."""
        found: dict[str, Any] = self.canvas.do(PROMPT)
        return {node: {k: v for k, v in made.items() if k != "_meta"} for node, made in found.items()}

    def types(self) -> list[str]:
        return list(self.canvas.do(TYPES))

    def said(self) -> list[str]:
        return self.canvas.said()

    def node(self, name: str) -> dict[str, Any]:
        nodes = self.canvas.serialized()["nodes"]
        return next(node for node in nodes if str(node["id"]) == str(self.ids[name]))

    def steps(self) -> int:
        """Undo steps, after the page has looked for edits that it has not noticed."""
        self.canvas.capture()
        return self.canvas.undo_steps()


def unwrapped(prompt: dict[str, Any]) -> dict[str, Any]:
    """The prompt with the stock classes, after a look that our own inputs have their defaults."""
    found = {}
    for node, made in prompt.items():
        inputs = dict(made["inputs"])
        kind = made["class_type"]
        if kind.startswith(PREFIX):
            kind = kind[len(PREFIX) :]
            if "Sampler" in kind:
                assert {name: inputs.pop(name) for name in OURS} == OURS
        found[node] = {**made, "class_type": kind, "inputs": inputs}
    return found
