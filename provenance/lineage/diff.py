"""What changed between two runs, in the words of the graph: prompts, parameters, nodes, wiring, models, environment.

Compared is what was executed (the API prompt), so whatever the author moved, coloured, resized, renamed, collapsed,
reordered or annotated cannot show. Pure; the cost grows with the size of the graphs, not with its square.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from ..model import Json, ModelRef, PromptVersion
from ..record.graph import ApiGraph, Link
from .changes import Diff, EnvironmentChange, InputChange, ModelChange, NodeChange, PromptChange, Side
from .match import by_id, match
from .titles import titles
from .words import hunks


class _Absent:
    """Type of the one value that says: this side has no such input."""


_ABSENT = _Absent()
_Value = Any  # of an input: a JSON literal, a Link, or _ABSENT


def compare(a: Side, b: Side) -> Diff:
    """Give what changed from `a` to `b`.

    Nodes are matched by `match.match`. Malformed parts of a prompt are passed over. Not checked: whether the
    changes have any effect on an output. Values are equal when JSON says so: 7 and 7.0 are, 1 and true are not.
    """
    old, new = ApiGraph(a.prompt), ApiGraph(b.prompt)
    pairs = match(old, new)
    taken = set(pairs.values())
    texts = _Texts(a, b)
    prompts: list[PromptChange] = []
    params: list[InputChange] = []
    rewired: list[InputChange] = []
    for old_id, new_id in sorted(pairs.items(), key=lambda pair: by_id(pair[1])):
        class_type = new.class_type(new_id)
        before, after = _inputs(old, old_id), _inputs(new, new_id)
        for name in {**after, **before}:
            was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
            prompt = texts.change((old_id, old.class_type(old_id)), (new_id, class_type), name, was, now)
            if prompt is not None:
                prompts.append(prompt)
            change = InputChange(new_id, class_type, name, _plain(was), _plain(now))
            if isinstance(was, Link) or isinstance(now, Link):
                if not _same_link(was, now, pairs, taken):
                    rewired.append(change)
            elif prompt is None and not same(change.before, change.after):
                params.append(change)
    swapped = {node for node, partner in pairs.items() if old.class_type(node) != new.class_type(partner)}
    kept = {partner for node, partner in pairs.items() if node not in swapped}
    return Diff(
        prompts=_without_echoes(prompts, texts),
        params=tuple(params),
        added=_nodes(new, [node for node in new if node not in kept]),
        removed=_nodes(old, [node for node in old if node not in pairs or node in swapped]),
        rewired=tuple(rewired),
        models=tuple(_models(a.models, b.models, pairs)),
        environment=tuple(_environment(a.environment, b.environment)),
        titles={**titles(a.prompt, a.workflow), **titles(b.prompt, b.workflow)},
        classes={**{node: old.class_type(node) for node in old}, **{node: new.class_type(node) for node in new}},
    )


def same(a: Json, b: Json) -> bool:
    """Whether two JSON values are equal; NaN equals NaN, true is not 1, any depth is fine."""
    waiting = [(a, b)]
    while waiting:
        x, y = waiting.pop()
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            if x.keys() != y.keys():
                return False
            waiting += [(item, y[name]) for name, item in x.items()]
        elif isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)):
            if len(x) != len(y):
                return False
            waiting += zip(x, y, strict=True)
        elif isinstance(x, bool) is not isinstance(y, bool) or (x != y and not (x != x and y != y)):
            return False
    return True


def _inputs(graph: ApiGraph, node: str) -> dict[str, _Value]:
    return {**graph.literals(node), **{link.input: link for link in graph.links(node)}}


def _plain(value: _Value) -> Json:
    if isinstance(value, Link):
        return [value.source, value.slot]
    return None if isinstance(value, _Absent) else value


def _same_link(was: _Value, now: _Value, pairs: Mapping[str, str], taken: Container[str]) -> bool:
    if not isinstance(was, Link) or not isinstance(now, Link) or was.slot != now.slot:
        return False
    if was.source in pairs:
        return pairs[was.source] == now.source
    # Where both ends are new to each other, one node took the place, and the id, of the other.
    return was.source == now.source and now.source not in taken


def _nodes(graph: ApiGraph, ids: Sequence[str]) -> tuple[NodeChange, ...]:
    return tuple(
        NodeChange(node, graph.class_type(node), dict(graph.literals(node))) for node in sorted(ids, key=by_id)
    )


class _Texts:
    """Knows which inputs are prompts, and the text that each run really used there."""

    def __init__(self, a: Side, b: Side) -> None:
        self._sides = (a, b)
        self._versions = tuple(_by_input(side.versions) for side in (a, b))
        self.echoes: set[tuple[str, str]] = set()

    def change(
        self,
        old: tuple[str, str],
        new: tuple[str, str],
        name: str,
        was: _Value,
        now: _Value,
    ) -> PromptChange | None:
        """The change at one input of a matched node, both given as (id, class); None when it is no prompt or equal."""
        versions = (self._versions[0].get((old[0], name)), self._versions[1].get((new[0], name)))
        declared = self._declared(0, old[1], name) or self._declared(1, new[1], name)
        if not declared and versions == (None, None):
            return None
        if any(not isinstance(value, (str, Link, _Absent, type(None))) for value in (was, now)):
            return None
        before, after = _text(was, versions[0]), _text(now, versions[1])
        linked = isinstance(was, Link) or isinstance(now, Link)
        if linked and (before is None or after is None):
            return None  # the text is not known on one side: the link says what is known
        if before == after and isinstance(was, str) and isinstance(now, str):
            before, after = was, now  # the same words came out of different ones, as with wildcards
        if (before or "") == (after or ""):
            return None
        if linked:
            self.echoes.add((new[0], name))
        role = next((version.role for version in versions[::-1] if version is not None), "unknown")
        return PromptChange(new[0], name, new[1], role, before, after, tuple(hunks(before or "", after or "")))

    def _declared(self, side: int, class_type: str, name: str) -> bool:
        inputs = self._sides[side].inputs
        found = None if inputs is None else (inputs(class_type) or {}).get(name)
        return found is not None and found.type == "STRING" and _is_prompt(found.options)


def _is_prompt(options: Mapping[str, Json]) -> bool:
    return bool(options.get("multiline") or options.get("dynamicPrompts"))


def _by_input(versions: Sequence[PromptVersion]) -> dict[tuple[str, str], PromptVersion]:
    found: dict[tuple[str, str], PromptVersion] = {}
    for version in versions:
        place = (version.node, version.input)
        if place not in found or found[place].source != "observed":
            found[place] = version
    return found


def _text(value: _Value, version: PromptVersion | None) -> str | None:
    """What was seen at run time, else what the graph says; None when neither is known."""
    if version is not None and version.text is not None and (version.source == "observed" or isinstance(value, Link)):
        return version.text
    return value if isinstance(value, str) else None


def _without_echoes(prompts: Sequence[PromptChange], texts: _Texts) -> tuple[PromptChange, ...]:
    """Leave out a linked input that only repeats the change of the text node it is linked to."""
    spoken = {(change.before, change.after) for change in prompts if (change.node, change.input) not in texts.echoes}
    return tuple(
        change
        for change in prompts
        if (change.node, change.input) not in texts.echoes or (change.before, change.after) not in spoken
    )


def _models(
    a: Sequence[ModelRef] | None, b: Sequence[ModelRef] | None, pairs: Mapping[str, str]
) -> Iterator[ModelChange]:
    if a is None or b is None:
        return
    before = _models_by_input(a, pairs)
    after = _models_by_input(b, {})
    for node, name in sorted({**before, **after}, key=lambda place: (by_id(place[0]), place[1])):
        olds, news = before.get((node, name), {}), after.get((node, name), {})
        gone = [olds[model] for model in olds if model not in news]
        come = [news[model] for model in news if model not in olds]
        if len(gone) == len(come) == 1:
            yield ModelChange(node, name, gone[0], come[0])
        else:
            yield from (ModelChange(node, name, model, None) for model in gone)
            yield from (ModelChange(node, name, None, model) for model in come)
        for shared in sorted(olds.keys() & news.keys()):
            if _other_bytes(olds[shared], news[shared]):
                yield ModelChange(node, name, olds[shared], news[shared])


def _models_by_input(
    models: Sequence[ModelRef], names: Mapping[str, str]
) -> dict[tuple[str, str], dict[tuple[str, str], ModelRef]]:
    found: dict[tuple[str, str], dict[tuple[str, str], ModelRef]] = defaultdict(dict)
    for model in models:
        found[names.get(model.node, model.node), model.input][model.folder, model.name] = model
    return found


def _other_bytes(a: ModelRef, b: ModelRef) -> bool:
    if a.sha256 is not None and b.sha256 is not None:
        return a.sha256 != b.sha256
    return a.size is not None and b.size is not None and a.size != b.size


def _environment(a: Json, b: Json) -> Iterator[EnvironmentChange]:
    if a is None or b is None:
        return
    before, after = dict(_leaves(a)), dict(_leaves(b))
    for path in sorted({**before, **after}):
        if not same(before.get(path), after.get(path)):
            yield EnvironmentChange(path, before.get(path), after.get(path))


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every value that is no object, with its path; items of a list go by their `name` where they all have one."""
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value):
        value = {str(item["name"]): {k: v for k, v in item.items() if k != "name"} or True for item in value}
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}/{name}" if path else str(name))
    else:
        yield path, value
