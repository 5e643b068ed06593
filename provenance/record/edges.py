"""Lineage links of one ended execution: which output came from what, how that is known, and through which nodes. Pure.

Lineage is per output: only what lies upstream of an output's node counts for it. A guess is never stated as observed:

* an asset is an earlier output when its bytes are (`sha256`), when it carries the id of a run one of whose outputs has
  its very pixels (`embedded-id`), or when its pixels are those of an earlier output (`pixels`);
* it is at most like one (`perceptual`, `inferred`, with a score) when it was re-encoded, scaled or cropped;
* pixels and likeness of flat pictures prove nothing and give no link;
* a file that the author brought in is what he said it is: its links are `declared`, `inferred`, or `after-the-fact`;
* what was brought in after the fact before a run made or used the same bytes never becomes an original: no `observed`
  link says that a run made it, or that an output derives from it.

The first method that finds something is the one that counts. A run's own outputs are never their own parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..model import Asset, Basis, Edge, FileFacts, ModelRef, Output, PromptVersion, Relation
from .graph import ApiGraph
from .likeness import LIKE, score

MOST_DISTANCE = 10  # bits that may differ in pictures that count as alike; 1 - 10/64 is just above likeness.LIKE
CLOCK_SLACK_NS = 2_000_000_000  # some file systems keep time in steps of two seconds


class Made(Protocol):
    """An output that some execution made, as far as lineage needs to know it."""

    @property
    def execution(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def pixels(self) -> str | None: ...
    @property
    def perceptual(self) -> str | None: ...
    @property
    def reused(self) -> bool: ...


class Lookup(Protocol):
    """What must be asked of the record so far; `store.index.Index` answers. All oldest first."""

    def outputs_by_digest(self, *digests: str) -> Sequence[Made]:
        """Outputs with these bytes."""

    def outputs(self, *executions: str) -> Sequence[Made]:
        """Outputs of these executions."""

    def outputs_by_pixels(self, pixels: str) -> Sequence[Made]:
        """Outputs with these decoded pixels."""

    def outputs_by_perceptual(self, perceptual: str, max_distance: int) -> Sequence[tuple[Made, int]]:
        """Outputs whose likeness hash differs in at most so many bits, nearest first, with that number."""


class Brought(Protocol):
    """What must be asked about files that the author brought in."""

    def basis_of(self, digest: str) -> Basis | None:
        """How a file with these bytes came to be here; None when nobody brought it in."""


class _Nothing:
    """Nobody brought anything in."""

    def basis_of(self, digest: str) -> Basis | None:
        return None


@dataclass(frozen=True, slots=True)
class _Origin:
    """The earlier output that an asset is or resembles."""

    digest: str
    basis: Basis
    method: str
    score: float | None = None


def of_completion(
    *,
    execution: str,
    graph: ApiGraph,
    outputs: Sequence[Output],
    assets: Sequence[Asset],
    prompts: Iterable[PromptVersion],
    parent: str | None,
    parent_prompts: Iterable[PromptVersion],
    models: Iterable[ModelRef],
    started_ns: int | None,
    lookup: Lookup,
    brought: Brought | None = None,
) -> tuple[Edge, ...]:
    """All links that a completion states, each once.

    `via` names the nodes that carry a link: for `generated` and `reused` the output's node, for `derived_from` the
    whole way from the node that loaded the asset to the output's node, and for `used`, `used_model` and `edits` the
    node that names the thing, then the nodes of the outputs it reaches. Files without digest and models without
    fingerprint have no name yet and give no link. `started_ns` is the wall clock at the start of the run.
    """
    reach, brought = Reach(graph, outputs), brought or _Nothing()
    edges = [
        *_made(execution, outputs, started_ns, lookup, brought),
        *_used(execution, assets, started_ns, reach),
        *_derived(execution, outputs, assets, reach, lookup, brought),
        *_edits(execution, prompts, parent, parent_prompts, reach),
        *_models(execution, models, reach),
    ]
    return tuple(dict.fromkeys(edges))


def named(sha256: str) -> str:
    """The name of a file in links."""
    return f"sha256:{sha256}"


def prompt_name(execution: str, version: PromptVersion) -> str:
    """The name of a prompt version in links."""
    return f"prompt:{execution}/{version.node}/{version.input}"


class Reach:
    """Which outputs' nodes a node reaches, asked once per node."""

    def __init__(self, graph: ApiGraph, outputs: Iterable[Output]) -> None:
        self.graph = graph
        producing = dict.fromkeys(output.node for output in outputs)
        self._upstream = {node: graph.upstream(node) for node in producing}
        self._ways: dict[tuple[str, str], tuple[str, ...]] = {}

    def via(self, node: str) -> tuple[str, ...]:
        """The node, then the nodes of outputs that depend on it."""
        return tuple(dict.fromkeys((node, *(target for target, above in self._upstream.items() if node in above))))

    def way(self, node: str, target: str) -> tuple[str, ...]:
        """The nodes from one to the other, both included; empty when the target does not depend on the node."""
        if node not in self._upstream.get(target, ()):
            return ()
        if (node, target) not in self._ways:
            self._ways[node, target] = self.graph.path(node, target)
        return self._ways[node, target]


def _made(
    execution: str, outputs: Iterable[Output], started_ns: int | None, lookup: Lookup, brought: Brought
) -> Iterator[Edge]:
    for output in outputs:
        if output.facts is None:
            continue
        source, via = named(output.facts.sha256), (output.node,)
        if not output.reused:
            older = output.file is not None and _before(output.facts, started_ns)
            basis, method = (Basis.INFERRED, "reported-older-file") if older else (Basis.OBSERVED, "reported")
            if brought.basis_of(output.facts.sha256) is Basis.AFTER_THE_FACT:
                basis, method = Basis.AFTER_THE_FACT, "reported-from-before"
            yield Edge(source, execution, Relation.GENERATED, basis, method, None, via)
        elif output.made_by is not None:
            yield Edge(source, output.made_by, Relation.REUSED, Basis.OBSERVED, "execution_cached", None, via)
        else:
            makers = [row.execution for row in lookup.outputs_by_digest(output.facts.sha256) if not row.reused]
            if makers:  # that it was cached is observed; which of several equal runs filled the cache is not known
                method = "execution_cached+sha256"
                yield Edge(source, makers[-1], Relation.REUSED, Basis.OBSERVED, method, None, via)


def _used(execution: str, assets: Iterable[Asset], started_ns: int | None, reach: Reach) -> Iterator[Edge]:
    for asset in assets:
        if asset.facts is not None:
            late = started_ns is not None and asset.facts.mtime_ns > started_ns + CLOCK_SLACK_NS
            basis, method = (Basis.INFERRED, "sha256-changed-later") if late else (Basis.OBSERVED, "sha256")
            target, via = named(asset.facts.sha256), reach.via(asset.node)
            yield Edge(execution, target, Relation.USED, basis, method, None, via)


def _derived(
    execution: str,
    outputs: Sequence[Output],
    assets: Iterable[Asset],
    reach: Reach,
    lookup: Lookup,
    brought: Brought,
) -> Iterator[Edge]:
    for asset in assets:
        facts = asset.facts
        reached = [
            (output.facts.sha256, way)
            for output in outputs
            if output.facts is not None and not output.reused and (way := reach.way(asset.node, output.node))
        ]
        origin = _source(execution, facts, lookup, brought) if facts is not None and reached else None
        for digest, way in reached:
            if origin is not None and origin.digest != digest:
                source, target = named(digest), named(origin.digest)
                yield Edge(source, target, Relation.DERIVED_FROM, origin.basis, origin.method, origin.score, way)


def _source(execution: str, facts: FileFacts, lookup: Lookup, brought: Brought) -> _Origin | None:
    """What an asset is or resembles. What the author brought in after the fact is never an observed source."""
    here = brought.basis_of(facts.sha256)
    if here is Basis.AFTER_THE_FACT:
        return _Origin(facts.sha256, here, "import")
    found = _origin(execution, facts, lookup)
    if found is not None and found.digest == facts.sha256:
        return found
    if here is not None:
        return _Origin(facts.sha256, here, "import")
    if found is not None and brought.basis_of(found.digest) is Basis.AFTER_THE_FACT:
        return _Origin(found.digest, Basis.AFTER_THE_FACT, f"{found.method}-from-before", found.score)
    return found


def _origin(execution: str, facts: FileFacts, lookup: Lookup) -> _Origin | None:
    if any(row.execution != execution for row in lookup.outputs_by_digest(facts.sha256)):
        return _Origin(facts.sha256, Basis.OBSERVED, "sha256")
    if facts.pixels is None or facts.perceptual is None:  # no picture, or a flat one
        return None
    claimed = facts.embedded_execution
    if claimed is not None and claimed != execution:
        found = _claimed(facts.pixels, facts.perceptual, lookup.outputs(claimed))
        if found is not None:
            return found
    for row in lookup.outputs_by_pixels(facts.pixels):
        if row.sha256 is not None and row.execution != execution:
            return _Origin(row.sha256, Basis.OBSERVED, "pixels")
    for row, _ in lookup.outputs_by_perceptual(facts.perceptual, MOST_DISTANCE):
        if row.sha256 is not None and row.perceptual is not None and row.execution != execution:
            return _Origin(row.sha256, Basis.INFERRED, "perceptual", score(facts.perceptual, row.perceptual))
    return None


def _claimed(pixels: str, perceptual: str, rows: Sequence[Made]) -> _Origin | None:
    """What an embedded id is worth: anybody can write one, so the pixels must agree with that run."""
    for row in rows:
        if row.sha256 is not None and row.pixels == pixels:
            return _Origin(row.sha256, Basis.OBSERVED, "embedded-id")
    alike = [
        (score(perceptual, row.perceptual), row.sha256)
        for row in rows
        if row.sha256 is not None and row.perceptual is not None
    ]
    best = max(alike, key=lambda pair: pair[0], default=None)
    if best is None or best[0] < LIKE:
        return None
    return _Origin(best[1], Basis.INFERRED, "embedded-id+perceptual", best[0])


def _edits(
    execution: str,
    prompts: Iterable[PromptVersion],
    parent: str | None,
    parent_prompts: Iterable[PromptVersion],
    reach: Reach,
) -> Iterator[Edge]:
    if parent is None:
        return
    before = {(version.node, version.input): version for version in parent_prompts}
    for version in prompts:
        old = before.get((version.node, version.input))
        if old is None or old.class_type != version.class_type or None in (old.text, version.text):
            continue
        if old.text != version.text:
            source, target = prompt_name(execution, version), prompt_name(parent, old)
            yield Edge(source, target, Relation.EDITS, Basis.OBSERVED, "text", None, reach.via(version.node))


def _models(execution: str, models: Iterable[ModelRef], reach: Reach) -> Iterator[Edge]:
    for reference in models:
        if reference.sha256 is not None:
            target, via = named(reference.sha256), reach.via(reference.node)
            yield Edge(execution, target, Relation.USED_MODEL, Basis.OBSERVED, "sha256", None, via)


def _before(facts: FileFacts, started_ns: int | None) -> bool:
    return started_ns is not None and facts.mtime_ns < started_ns - CLOCK_SLACK_NS
