"""Where a thing came from: the whole recorded ancestry of one output, one asset or one run.

Walks from newer to older over what entries state. Pure over `Queries`: the same record gives the same answer. What is
not recorded is not guessed at, and nothing here is verified.

Which links belong to the ancestry of an output X that node N of run E made:

* `generated` X -> E, for every run that made these bytes; all of them are named in the node's `executions`.
* `derived_from` X -> Y, stated by E. A run makes several outputs, and Y may have reached only one of them.
* `used` and `used_model` of E, when N is among the link's `via`: the nodes of the outputs that the thing reaches. A
  link without `via` (a model that was fingerprinted after the run) says nothing about paths and counts for all outputs.
* What E used is an output of an earlier run where its bytes are: the walk goes on there, in that run, for that output.
  A run that made the same bytes only after E recorded them is named, but not walked into.
* `revision_of` E -> P and so on to the first canvas. Of such an earlier canvas only its own `revision_of` and the
  prompt history below belong: what P loaded is no ancestor of X, unless E used it too.
* `edits` of E's prompt versions, by the rule for `used`, and on along the canvases: a text that stayed the same from
  one run to the next is carried over to the run before.
* `reused` X -> an earlier run, when X itself was asked for.
* What entries of imports state about a file that was brought in, whenever that was: its links to what it was made from.

The ancestry of a run is the run, what it used, its canvases and prompts, and what its outputs derive from or reuse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..errors import NotFound
from ..model import Json, Relation
from ..store.rows import EdgeRow, OutputRow
from . import facts
from .facts import DIGEST_PREFIX

_THROUGH_GRAPH = frozenset({Relation.USED.value, Relation.USED_MODEL.value, Relation.EDITS.value})
_OF_OUTPUTS = frozenset({Relation.DERIVED_FROM.value, Relation.REUSED.value})
_ALWAYS = 2**63  # later than anything
_KINDS = {
    Relation.GENERATED: ("output", "execution"),
    Relation.REUSED: ("output", "execution"),
    Relation.USED: ("execution", "asset"),
    Relation.DERIVED_FROM: ("output", "asset"),
    Relation.REVISION_OF: ("execution", "execution"),
    Relation.EDITS: ("prompt", "prompt"),
    Relation.USED_MODEL: ("execution", "model"),
}


class Queries(facts.Queries, Protocol):
    """What the walk asks of an index; `store.index.Index` is one. All take many things at once."""

    def has_execution(self, execution: str) -> bool: ...
    def outputs(self, *executions: str) -> list[OutputRow]: ...
    def edges_from(self, *refs: str) -> list[EdgeRow]: ...
    def edges_of(self, *executions: str, relations: Iterable[Relation] | None = None) -> list[EdgeRow]: ...
    def reachable(self, relation: Relation, *refs: str) -> list[EdgeRow]: ...


@dataclass(frozen=True, slots=True)
class Lineage:
    """The answer. `target` is the normalized reference.

    nodes: {"id", "kind": "output" | "asset" | "import" | "execution" | "prompt" | "model", ...facts}; an execution
    that this ledger does not hold has "known": False. edges: {"from", "to", "relation", "basis", "method", "score",
    "via"}. Both in the order in which the walk met them, each once.
    """

    target: str
    nodes: tuple[Mapping[str, Json], ...]
    edges: tuple[Mapping[str, Json], ...]


def ancestry(index: Queries, target: str) -> Lineage:
    """The whole ancestry of an execution id or of `sha256:<hex>`. Raises NotFound for what the ledger never met.

    The number of queries grows with the steps from used file to used file that no `derived_from` link spans, not with
    the size of the ledger; chains of revisions, edits and derived outputs of any length take one query each.
    """
    walk = _Walk(index)
    if index.has_execution(target):
        walk.whole_run(target)
    elif not target.startswith(DIGEST_PREFIX):
        raise NotFound(f"no execution {target} in this ledger")
    else:
        walk.file(target)
    walk.run()
    return Lineage(target, walk.nodes(), walk.edges())


class _Walk:
    def __init__(self, index: Queries) -> None:
        self._index = index
        self._record = _Record(index)
        self._links: dict[tuple[object, ...], EdgeRow] = {}
        self._kinds: dict[str, str] = {}  # name -> kind, in the order met
        self._things: dict[str, int] = {}  # names to expand next; only makers before this ordinal count
        self._walked: dict[str, int] = {}  # the same for names that were expanded
        self._contexts: set[tuple[str, str | None]] = set()  # (run, one output; None for the whole run)
        self._fresh: list[tuple[str, str | None]] = []  # contexts to expand next
        self._places: dict[str, set[str]] = defaultdict(set)  # run -> "node/input" of prompts whose history is wanted

    def whole_run(self, execution: str) -> None:
        """Start at a run."""
        self._kinds[execution] = "execution"
        self._meet(execution, None)

    def file(self, name: str) -> None:
        """Start at an output, an asset or a model. Raises NotFound."""
        digest = name[len(DIGEST_PREFIX) :]
        is_model = bool(self._index.model_files(digest))
        known = (self._index.outputs_by_digest, self._index.assets_by_digest, self._index.authored.imports_by_digest)
        if not is_model and not any(find(digest) for find in known):
            raise NotFound(f"no file {name} in this ledger")
        self._kinds[name] = "model" if is_model else "asset"
        self._things[name] = _ALWAYS
        for edge in self._index.edges_from(name):
            if edge.relation == Relation.REUSED.value:
                self._follow(edge, _ALWAYS)

    def run(self) -> None:
        """Walk until nothing new is met."""
        while self._things or self._fresh:
            things, self._things = self._things, {}
            self._record.load_outputs(things)
            for name, limit in things.items():
                self._expand_thing(name, limit)
            fresh, self._fresh = self._fresh, []
            self._record.load_runs(execution for execution, _ in fresh)
            for execution, output in fresh:
                self._expand_context(execution, output)
        self._walk_canvases()

    def _meet(self, execution: str, output: str | None) -> None:
        if (execution, output) not in self._contexts:
            self._contexts.add((execution, output))
            self._fresh.append((execution, output))

    def _expand_thing(self, name: str, limit: int) -> None:
        if limit <= self._walked.get(name, 0):
            return
        if name not in self._walked:
            for edge in self._record.imported[name]:
                self._follow(edge, _ALWAYS)
        self._walked[name] = limit
        for row in self._record.makers(name):
            if row.ordinal < limit:
                self._meet(row.execution, name)

    def _expand_context(self, execution: str, output: str | None) -> None:
        made, stated = self._record.made[execution], self._record.stated[execution]
        limit = self._record.ended.get(execution, _ALWAYS)
        wanted = made.get(output, set()) if output is not None else set()
        sources = {edge.source for edge in stated if edge.relation in _OF_OUTPUTS} if output is None else {output}
        head = len(f"prompt:{execution}/")
        places = set(self._record.places[execution])
        for edge in stated:
            through_graph = edge.relation in _THROUGH_GRAPH
            if through_graph and output is not None and edge.via and wanted.isdisjoint(edge.via):
                places.discard(edge.source[head:])
            elif through_graph or edge.relation == Relation.REVISION_OF.value or edge.source in sources:
                self._follow(edge, limit)
        self._places[execution].update(places)

    def _follow(self, edge: EdgeRow, limit: int) -> None:
        self._add(edge)
        name = edge.source if edge.relation == Relation.REUSED.value else edge.target
        if name.startswith(DIGEST_PREFIX) and edge.relation != Relation.GENERATED.value:
            self._things[name] = max(limit, self._things.get(name, 0))

    def _add(self, edge: EdgeRow) -> None:
        said = (edge.source, edge.target, edge.relation, edge.basis, edge.method, edge.score, edge.via)
        self._links.setdefault(said, edge)
        newer, older = _KINDS[Relation(edge.relation)]
        self._kinds.setdefault(edge.source, newer)
        if edge.relation == Relation.REUSED.value and edge.target.startswith(DIGEST_PREFIX):
            older = "output"
        self._kinds.setdefault(edge.target, older)

    def _walk_canvases(self) -> None:
        """Revisions and the history of prompts: two queries, however long they are."""
        parents: dict[str, list[str]] = defaultdict(list)
        for edge in self._index.reachable(Relation.REVISION_OF, *self._places):
            self._add(edge)
            parents[edge.source].append(edge.target)
        runs = dict.fromkeys((*self._places, *(run for found in parents.values() for run in found)))
        edits: dict[str, list[EdgeRow]] = defaultdict(list)
        for edge in self._record.edits(runs):
            edits[edge.source].append(edge)
        waiting = [(run, place) for run, places in self._places.items() for place in sorted(places)]
        carried = set(waiting)
        while waiting:
            run, place = waiting.pop()
            links = edits.get(f"prompt:{run}/{place}", [])
            for edge in links:
                self._add(edge)
            for parent in parents.get(run, ()):
                head = f"prompt:{parent}/"
                renamed = [edge.target[len(head) :] for edge in links if edge.target.startswith(head)]
                for step in [(parent, each) for each in renamed or [place]]:
                    if step not in carried:
                        carried.add(step)
                        waiting.append(step)

    def edges(self) -> tuple[Mapping[str, Json], ...]:
        """The links met, as plain values."""
        return tuple(
            {
                "from": edge.source,
                "to": edge.target,
                "relation": edge.relation,
                "basis": edge.basis,
                "method": edge.method,
                "score": edge.score,
                "via": list(edge.via),
            }
            for edge in self._links.values()
        )

    def nodes(self) -> tuple[Mapping[str, Json], ...]:
        """The things met, with what the index knows of them."""
        return facts.describe(self._index, self._kinds)


class _Record:
    """What was read so far, so that each thing is asked for once and many at a time."""

    def __init__(self, index: Queries) -> None:
        self._index = index
        self._outputs: dict[str, list[OutputRow]] = {}  # digest -> outputs with these bytes
        self.imported: dict[str, list[EdgeRow]] = {}  # file -> links that its imports state
        self.made: dict[str, dict[str, set[str]]] = {}  # run -> output's name -> nodes that made it
        self.stated: dict[str, list[EdgeRow]] = {}  # run -> links
        self.places: dict[str, set[str]] = {}  # run -> "node/input" of its prompts
        self.ended: dict[str, int] = {}  # run -> ordinal of its completion, for runs that left anything

    def makers(self, name: str) -> list[OutputRow]:
        """Outputs with these bytes that were made, not served again; the latter where nothing else is known."""
        rows = self._outputs[name[len(DIGEST_PREFIX) :]]
        return [row for row in rows if not row.reused] or rows

    def edits(self, runs: Collection[str]) -> list[EdgeRow]:
        """Edits of prompts that these runs state."""
        missing = [run for run in runs if run not in self.stated]
        known = [edge for run in runs for edge in self.stated.get(run, ()) if edge.relation == Relation.EDITS.value]
        return [*known, *(self._index.edges_of(*missing, relations=(Relation.EDITS,)) if missing else ())]

    def load_outputs(self, names: Iterable[str]) -> None:
        """Read the makers of these things and, ahead of the walk, of all that they derive from."""
        missing = [name for name in names if name[len(DIGEST_PREFIX) :] not in self._outputs]
        if not missing:
            return
        ahead = [edge.target for edge in self._index.reachable(Relation.DERIVED_FROM, *missing)]
        digests = dict.fromkeys(name[len(DIGEST_PREFIX) :] for name in (*missing, *ahead))
        unread = [digest for digest in digests if digest not in self._outputs]
        self._outputs.update((digest, []) for digest in unread)
        for row in self._index.outputs_by_digest(*unread):
            self._outputs[row.sha256 or ""].append(row)
        brought = [row.sha256 for row in self._index.authored.imports_by_digest(*unread)]
        self.imported.update((DIGEST_PREFIX + digest, []) for digest in unread)
        for edge in self._index.edges_from(*(DIGEST_PREFIX + digest for digest in brought)) if brought else ():
            if edge.execution is None and edge.relation == Relation.DERIVED_FROM.value:
                self.imported.setdefault(edge.source, []).append(edge)
        self.load_runs(row.execution for digest in unread for row in self._outputs[digest] if not row.reused)

    def load_runs(self, executions: Iterable[str]) -> None:
        """Read outputs, links and prompt places of these runs."""
        missing = [each for each in dict.fromkeys(executions) if each not in self.stated]
        if not missing:
            return
        for execution in missing:
            self.made[execution], self.stated[execution], self.places[execution] = {}, [], set()
        for row in self._index.outputs(*missing):
            self.ended[row.execution] = row.ordinal
            if row.sha256 is not None:
                self.made[row.execution].setdefault(DIGEST_PREFIX + row.sha256, set()).add(row.node)
        for version in self._index.prompts(*missing):
            self.ended[version.execution] = version.ordinal
            self.places[version.execution].add(f"{version.node}/{version.input}")
        for edge in self._index.edges_of(*missing):
            run = edge.source if edge.execution is None else edge.execution
            if run in self.stated:
                self.stated[run].append(edge)
