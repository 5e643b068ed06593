"""What comparisons need of runs, read many at a time. Reads the ledger only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from ..canonical import parse_json
from ..errors import IntegrityError
from ..model import Json, ModelRef, NodeInput, PromptVersion
from ..seal import dsse
from ..store.ledger import Ledger
from ..store.rows import ExecutionRow
from .changes import Side

Inputs = Callable[[str], "Mapping[str, NodeInput] | None"]


class Sides:
    """The sides of these runs. Prompt versions and models are read at once, snapshots when a side is asked for.

    Nothing is kept beyond this value's life, so what it says is as of now.
    """

    def __init__(self, ledger: Ledger, runs: Iterable[ExecutionRow], inputs: Inputs | None) -> None:
        self._ledger = ledger
        self._inputs = inputs
        self._runs = {run.id: run for run in runs}
        self._made: dict[str, Side] = {}
        self._versions: dict[str, list[PromptVersion]] = defaultdict(list)
        for row in ledger.index.prompts(*self._runs):
            version = PromptVersion(row.node, row.input, row.class_type, row.role, row.source, row.text)
            self._versions[row.execution].append(version)
        self._models: dict[str, list[ModelRef]] = defaultdict(list)
        for model in ledger.index.models(*self._runs):
            reference = ModelRef(
                model.node, model.input, model.folder, model.name, model.size, model.mtime_ns, model.sha256
            )
            self._models[model.execution].append(reference)

    def run(self, execution: str) -> ExecutionRow | None:
        """The run of that id, if it is one of those given."""
        return self._runs.get(execution)

    def models(self, execution: str) -> list[ModelRef]:
        """Model files that the run named, with the hashes that are known by now."""
        return self._models[execution]

    def side(self, execution: str, *, environment: bool = False) -> Side:
        """One side. Raises IntegrityError when a document is missing or damaged."""
        if execution not in self._made:
            run = self._runs[execution]
            prompt = parse_json(document(self._ledger, run.prompt))
            self._made[execution] = Side(
                prompt=prompt,
                workflow=self._workflow(run, prompt),
                versions=self._versions[execution],
                # a run that is open has told nothing yet about its models
                models=None if run.completion is None else self._models[execution],
                environment=environment_of(self._ledger, run) if environment else None,
                inputs=self._inputs,
            )
        return self._made[execution]

    def _workflow(self, run: ExecutionRow, prompt: Json) -> Json:
        """Only titles are taken from it, and the page writes those into the prompt as well."""
        nodes = prompt.values() if isinstance(prompt, Mapping) else ()
        if run.workflow is None or all(isinstance(node, Mapping) and "_meta" in node for node in nodes):
            return None
        return parse_json(document(self._ledger, run.workflow))


def environment_of(ledger: Ledger, run: ExecutionRow) -> Json:
    """The machine as surveyed in the run's session; None when it never was. Raises IntegrityError."""
    digest = ledger.index.environment_of(run)
    return None if digest is None else parse_json(document(ledger, digest))


def stated(ledger: Ledger, entry: int) -> Mapping[str, Json]:
    """What an entry of the ledger says: its predicate. The signature is not checked here."""
    envelope = ledger.index.entry(entry).envelope
    predicate: Mapping[str, Json] = parse_json(dsse.read_unverified(envelope).payload)["predicate"]
    return predicate


def document(ledger: Ledger, digest: str) -> bytes:
    """An object that must be there. Raises IntegrityError."""
    data = ledger.objects.get(digest)
    if data is None:
        raise IntegrityError(f"object {digest} is missing from the ledger: run verify")
    return data
