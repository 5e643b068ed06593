"""Prompt inputs of a graph, found by type, with the role the graph gives them. Pure.

A prompt input is a STRING input declared `multiline` or `dynamicPrompts`, at a node upstream of an output node, or any
input whose text a provenance node observed. Inputs of unknown classes are not guessed at.

Roles: conditioning is followed from where it is consumed (a sampler's or guider's inputs, told apart by name) up
through nodes that change or combine it, to the nodes that make it, and from there along text links. A node with one
conditioning output per conditioning input (ControlNet, inpainting) passes each on in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import NodeInput, PromptVersion
from .graph import ApiGraph, Link

POSITIVE, NEGATIVE, BOTH, UNKNOWN = "positive", "negative", "both", "unknown"
_CONDITIONING = "CONDITIONING"
_ANY = "*"

Observed = Mapping[str, Mapping[str, str]]
NodeInputs = Callable[[str], Mapping[str, NodeInput] | None]
NodeOutputs = Callable[[str], tuple[str, ...] | None]


def find(
    graph: ApiGraph,
    node_inputs: NodeInputs,
    outputs: Iterable[str],
    observed: Observed | None = None,
    *,
    node_outputs: NodeOutputs,
) -> tuple[PromptVersion, ...]:
    """Prompt versions upstream of the given output nodes, in the graph's order.

    `observed` maps node ids to {input: text as it reached the encoder}; such a text replaces what the graph says.
    `node_inputs` and `node_outputs` are `model.Host`'s.
    """
    upstream = graph.upstream_of(outputs)
    roles = _Roles(graph, node_inputs, node_outputs, upstream)
    seen = observed or {}
    found: list[PromptVersion] = []
    for node in graph:
        if node not in upstream:
            continue
        declared = node_inputs(graph.class_type(node)) or {}
        texts = seen.get(node, {})
        for name in dict.fromkeys((*(name for name, option in declared.items() if is_prompt(option)), *texts)):
            version = _version(graph, node, name, roles.of(node, name), texts.get(name))
            if version is not None:
                found.append(version)
    return tuple(found)


def is_prompt(declared: NodeInput) -> bool:
    """Whether an input is one that authors write prompts into."""
    return declared.type == "STRING" and bool(
        declared.options.get("multiline") or declared.options.get("dynamicPrompts")
    )


def _version(graph: ApiGraph, node: str, name: str, role: str, observed: str | None) -> PromptVersion | None:
    class_type = graph.class_type(node)
    if observed is not None:
        return PromptVersion(node, name, class_type, role, "observed", observed)
    if graph.link(node, name) is not None:
        return PromptVersion(node, name, class_type, role, "linked", None)
    text = graph.literals(node).get(name)
    return PromptVersion(node, name, class_type, role, "literal", text) if isinstance(text, str) else None


class _Roles:
    """Which roles the conditioning and the texts of each node end up in."""

    def __init__(
        self, graph: ApiGraph, node_inputs: NodeInputs, node_outputs: NodeOutputs, nodes: frozenset[str]
    ) -> None:
        self._graph = graph
        self._node_inputs = node_inputs
        self._node_outputs = node_outputs
        self._roles: dict[str, set[str]] = {}
        self._walk([start for node in nodes for start in self._consumed(node)])

    def of(self, node: str, name: str) -> str:
        """The role of one prompt input. A name that says positive or negative is believed first."""
        by_name = _named(name)
        if by_name is None and name in ("prompt", "text") and self._has_negative(node):
            by_name = POSITIVE
        roles = self._roles.get(node, set())
        return by_name or (BOTH if len(roles) > 1 else next(iter(roles), UNKNOWN))

    def _inputs(self, node: str) -> Mapping[str, NodeInput]:
        return self._node_inputs(self._graph.class_type(node)) or {}

    def _outputs(self, node: str) -> tuple[str, ...]:
        return self._node_outputs(self._graph.class_type(node)) or ()

    def _has_negative(self, node: str) -> bool:
        declared = self._inputs(node)
        return any(is_prompt(option) and _named(name) == NEGATIVE for name, option in declared.items())

    def _consumed(self, node: str) -> Iterator[tuple[Link, str]]:
        """Links at which conditioning leaves the world of conditioning, each with its role."""
        outputs = self._outputs(node)
        if not outputs or _CONDITIONING in outputs:
            return
        for link in self._links(node, (_CONDITIONING,)):
            role = _named(link.input) or (POSITIVE if "cond" in link.input.lower() else None)
            if role is not None:
                yield link, role

    def _links(self, node: str, types: tuple[str, ...]) -> list[Link]:
        declared = self._inputs(node)
        links = self._graph.links(node)
        return [link for link in links if link.input in declared and declared[link.input].type in types]

    def _walk(self, waiting: list[tuple[Link, str]]) -> None:
        done: set[tuple[str, int, str]] = set()
        while waiting:
            link, role = waiting.pop()
            state = (link.source, link.slot, role)
            if state in done:
                continue
            done.add(state)
            self._roles.setdefault(link.source, set()).add(role)
            waiting += [(above, role) for above in self._above(link)]

    def _above(self, link: Link) -> list[Link]:
        node = link.source
        above = self._links(node, (_CONDITIONING, _ANY))
        outputs = self._outputs(node)
        places = [slot for slot, kind in enumerate(outputs) if kind == _CONDITIONING]
        declared = self._inputs(node)
        pairs = [name for name, option in declared.items() if option.type == _CONDITIONING]
        if len(places) > 1 and len(places) == len(pairs) and link.slot in places:
            above = [each for each in above if each.input == pairs[places.index(link.slot)]]
        return above + self._links(node, ("STRING",))


def _named(name: str) -> str | None:
    lowered = name.lower()
    if "negative" in lowered or "uncond" in lowered:
        return NEGATIVE
    return POSITIVE if "positive" in lowered else None
