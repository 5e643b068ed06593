"""Wrapping in the real page: a node changes its class and nothing else, as one step that can be undone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .canvas import TAB, Canvas
from .drawn import PREFIX, SENT, Drawn, unwrapped


@pytest.fixture
def drawn(browser: Any, host_url: str) -> Iterator[Drawn]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
    made = Drawn(Canvas(context.new_page(), host_url))
    yield made
    assert made.console.errors == []
    context.close()


def test_all_are_wrapped_and_the_queued_graph_differs_in_classes_only(drawn: Drawn) -> None:
    before, order = drawn.prompt(), list(drawn.prompt())
    drawn.command("WrapAll")
    after = drawn.prompt()
    assert {made["class_type"] for made in after.values()} >= {"ProvenanceKSampler", "ProvenanceCLIPTextEncode"}
    assert unwrapped(after) == before
    assert list(after) == order
    assert "Wrapped with provenance: 3" in drawn.said()[-1]
    drawn.command("UnwrapAll")
    assert drawn.prompt() == before
    assert list(drawn.prompt()) == order


def test_what_a_node_shows_is_kept(drawn: Drawn) -> None:
    names = ("words", "not", "sampler")
    before = {name: drawn.node(name) for name in names}
    groups = drawn.canvas.serialized()["groups"]
    drawn.command("WrapAll")
    for name in names:
        was, now = before[name], drawn.node(name)
        for key in ("id", "pos", "mode", "flags", "color", "bgcolor"):
            assert now.get(key) == was.get(key), (name, key)
        assert now["size"][0] == was["size"][0]
        assert now["size"][1] >= was["size"][1]
        assert [one.get("link") for one in now["inputs"] if one.get("link") is not None] == [
            one.get("link") for one in was["inputs"] if one.get("link") is not None
        ]
    assert drawn.node("words")["title"] == "Mine"
    assert "KSampler (Provenance)" in drawn.canvas.do(
        "(id) => window.app.canvas.graph.getNodeById(id).title", drawn.ids["sampler"]
    )
    assert drawn.node("sampler")["properties"]["mine"] == 7
    assert drawn.node("sampler")["widgets_values"][:7] == before["sampler"]["widgets_values"][:7]
    assert drawn.canvas.serialized()["groups"] == groups
    drawn.command("UnwrapAll")
    assert {name: drawn.node(name)["size"] for name in names} == {name: before[name]["size"] for name in names}


def test_one_undo_takes_the_whole_action_back(drawn: Drawn) -> None:
    before, steps = drawn.prompt(), drawn.steps()
    drawn.command("WrapAll")
    wrapped = drawn.prompt()
    assert drawn.steps() == steps + 1
    drawn.canvas.do(f"() => {TAB}.changeTracker.undo()")
    assert drawn.prompt() == before
    assert drawn.steps() == steps  # the page looks at the canvas after every click: it must see no edit
    drawn.canvas.do(f"() => {TAB}.changeTracker.redo()")
    assert drawn.prompt() == wrapped
    assert drawn.steps() == steps + 1
    drawn.canvas.do(f"() => {TAB}.changeTracker.undo()")
    assert drawn.prompt() == before


def test_a_seed_beyond_what_the_page_counts_exactly_is_kept(drawn: Drawn) -> None:
    """The page has 64-bit seeds as doubles: what it would send before wrapping it sends afterwards, digit for digit."""
    for seed in (2**53 + 2, 12345678901234567680, 2**64 - 2048):
        drawn.canvas.do(
            """([id, seed]) => {
                const node = window.app.canvas.graph.getNodeById(id);
                node.widgets.find((widget) => widget.name === "seed").value = Number(seed);
            }""",
            [drawn.ids["sampler"], str(seed)],
        )
        before = drawn.canvas.do(SENT)
        sent = re.search(r'"seed":\d+', before)
        assert sent and float(sent[0].removeprefix('"seed":')) == float(seed)
        drawn.command("WrapAll")
        assert sent[0] in drawn.canvas.do(SENT)
        drawn.command("UnwrapAll")
        assert drawn.canvas.do(SENT) == before


def test_an_edit_before_it_stays_a_step_of_its_own(drawn: Drawn) -> None:
    steps = drawn.steps()
    drawn.canvas.do("(id) => { window.app.canvas.graph.getNodeById(id).title = 'renamed'; }", drawn.ids["save"])
    drawn.command("WrapAll")
    assert drawn.steps() == steps + 2
    drawn.canvas.do(f"() => {TAB}.changeTracker.undo()")
    assert drawn.node("save")["title"] == "renamed"


def test_the_selection_alone_is_wrapped_and_what_has_no_version_is_named(drawn: Drawn) -> None:
    drawn.select("words", "save")
    drawn.command("WrapSelection")
    assert [kind for kind in drawn.types() if kind.startswith(PREFIX)] == ["ProvenanceCLIPTextEncode"]
    assert drawn.node("words")["type"] == "ProvenanceCLIPTextEncode"
    assert "SaveImage" in drawn.said()[-1]
    assert "Wrapped with provenance: 1" in drawn.said()[-1]
    drawn.command("UnwrapSelection")  # it is still selected
    assert not any(kind.startswith(PREFIX) for kind in drawn.types())


def test_nothing_selected_is_said(drawn: Drawn) -> None:
    steps = drawn.steps()
    drawn.canvas.do("() => window.app.canvas.deselectAll?.()")
    drawn.command("WrapSelection")
    assert "No node is selected." in drawn.said()[-1]
    assert drawn.steps() == steps


def test_the_menu_of_a_node_wraps_and_unwraps_it(drawn: Drawn) -> None:
    assert drawn.menu("save") == []
    assert drawn.menu("sampler") == ["Wrap with provenance"]
    drawn.choose("sampler", "Wrap with provenance")
    assert [kind for kind in drawn.types() if kind.startswith(PREFIX)] == ["ProvenanceKSampler"]
    assert drawn.menu("sampler") == ["Unwrap"]
    drawn.choose("sampler", "Unwrap")
    assert not any(kind.startswith(PREFIX) for kind in drawn.types())


def test_the_menu_entries_can_be_switched_off(drawn: Drawn) -> None:
    drawn.canvas.do("() => window.app.extensionManager.setting.set('Provenance.WrapMenu', false)")
    try:
        assert drawn.menu("sampler") == []
    finally:
        drawn.canvas.do("() => window.app.extensionManager.setting.set('Provenance.WrapMenu', true)")


def test_a_wrapped_input_that_is_linked_loses_its_link_and_it_is_said(drawn: Drawn) -> None:
    before = drawn.prompt()
    drawn.command("WrapAll")
    linked = drawn.canvas.do(
        """(sampler) => {
            const { graph } = window.app.canvas;
            const to = graph.getNodeById(sampler);
            const at = to.inputs.findIndex((input) => input.name === "preview_every");
            const value = LiteGraph.createNode("PrimitiveNode");
            value.pos = [0, 900];
            graph.add(value);
            return value.connect(0, to, at) !== null;
        }""",
        drawn.ids["sampler"],
    )
    assert linked
    drawn.command("UnwrapAll")
    assert "taken away: 1" in drawn.said()[-1]
    assert drawn.prompt() == before


VUE = "Comfy.VueNodes.Enabled"


def shown(node: dict[str, Any]) -> tuple[str, ...]:
    """What an author sees of a node beside its place and size."""
    return str(node["id"]), node["type"], repr(node.get("title")), repr(node.get("widgets_values"))


def changes(drawn: Drawn, steps: int) -> int:
    """How many steps since then change anything but what the page measured: 1.35 lets nodes grow with each load."""
    drawn.canvas.capture()
    states = drawn.canvas.do(f"(at) => {TAB}.changeTracker.undoQueue.slice(at)", steps)
    said = [sorted(map(shown, state["nodes"])) for state in (*states, drawn.canvas.serialized())]
    return sum(before != after for before, after in itertools.pairwise(said))


def test_nodes_that_the_page_draws_as_elements_are_wrapped_too(drawn: Drawn) -> None:
    setting = "([id, value]) => window.app.extensionManager.setting.set(id, value)"
    if drawn.canvas.do("(id) => window.app.extensionManager.setting.get(id)", VUE) is None:
        pytest.skip("this page draws nodes on its canvas only")
    if drawn.canvas.version() < (1, 28):
        pytest.skip("this page's own undo and redo leave the elements of nodes as they were, whoever made the edit")
    drawn.canvas.do(setting, [VUE, True])
    page = drawn.canvas.page
    try:
        node = f'[data-node-id="{drawn.ids["sampler"]}"]'
        page.wait_for_selector(node)
        drawn.canvas.capture()
        before, steps = drawn.prompt(), drawn.steps()
        drawn.command("WrapAll")
        page.wait_for_selector(f'{node}:has-text("KSampler (Provenance)")')
        assert page.locator(node).count() == 1
        assert unwrapped(drawn.prompt()) == before
        drawn.canvas.settle()  # elements are measured after they are drawn, and that is no edit
        assert changes(drawn, steps) == 1
        if drawn.canvas.version() >= (1, 36):
            assert drawn.steps() == steps + 1
        for _ in range(drawn.steps() - steps):
            drawn.canvas.do(f"() => {TAB}.changeTracker.undo()")
        page.wait_for_selector(f'{node}:not(:has-text("(Provenance)"))')
        assert drawn.prompt() == before
        drawn.select("sampler", "words")
        drawn.command("WrapSelection")
        assert sorted(kind for kind in drawn.types() if kind.startswith(PREFIX)) == [
            "ProvenanceCLIPTextEncode",
            "ProvenanceKSampler",
        ]
        drawn.command("UnwrapAll")
        assert drawn.prompt() == before
    finally:
        drawn.canvas.do(setting, [VUE, False])


INTO = """(ids) => {
    const root = window.app.rootGraph ?? window.app.graph;
    if (typeof root.convertToSubgraph !== "function") return null;
    const { subgraph, node } = root.convertToSubgraph(new Set(ids.map((id) => root.getNodeById(id))));
    return [subgraph.id, node.id];
}"""


def test_subgraphs_are_reached_by_all_and_an_open_one_stays_open(drawn: Drawn) -> None:
    # a value node for a widget inside a subgraph is more than the older pages can send
    drawn.canvas.do(
        "(id) => { const { graph } = window.app; graph.remove(graph.getNodeById(id)); }", drawn.ids["steps"]
    )
    made = drawn.canvas.do(INTO, [drawn.ids["sampler"], drawn.ids["words"]])
    if made is None:
        pytest.skip("this page has no subgraphs")
    drawn.canvas.capture()
    before, steps = drawn.prompt(), drawn.steps()
    drawn.command("WrapAll")
    assert [kind for kind in drawn.types() if kind.startswith(PREFIX)] == [
        "ProvenanceCLIPTextEncode",
        "ProvenanceCLIPTextEncode",
        "ProvenanceKSampler",
    ]
    assert unwrapped(drawn.prompt()) == before
    assert drawn.steps() == steps + 1
    drawn.command("UnwrapAll")
    assert drawn.prompt() == before
    inside = drawn.canvas.do(
        """async ([id, node]) => {
            const { app } = window;
            const root = app.rootGraph ?? app.graph;
            const graph = root.subgraphs.get(id);
            if (app.canvas.openSubgraph) app.canvas.openSubgraph(graph, root.getNodeById(node));
            else app.canvas.setGraph(graph);
            while (app.canvas.graph !== graph) await new Promise(requestAnimationFrame);
            return graph.nodes.find((one) => one.type === "KSampler").id;
        }""",
        made,
    )
    drawn.ids["inside"] = inside
    drawn.canvas.settle()
    drawn.select("inside")
    drawn.command("WrapSelection")
    assert [kind for kind in drawn.types() if kind.startswith(PREFIX)] == ["ProvenanceKSampler"]
    assert unwrapped(drawn.prompt()) == before
    assert drawn.canvas.do("() => window.app.canvas.graph.id") == made[0]
    assert drawn.menu("inside") == ["Unwrap"]
    drawn.choose("inside", "Unwrap")
    assert drawn.prompt() == before
