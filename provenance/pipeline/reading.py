"""Work on files, on a thread of its own: a long video must not keep a new submission from being signed.

For each run, in this order: what it loads, right after its submission; what its provenance nodes saw, while it runs;
what it wrote, when it has ended. Everything found is handed back to the writer as one frozen value per step.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .. import canonical
from ..config import MEBIBYTE, Settings
from ..errors import ProvenanceError
from ..model import Asset, FileFacts, FileRef, Instant, Json, Observation, Output, PromptVersion, Status
from ..record import assets, files, models, prompts, report, tensors
from ..store.objects import Objects
from .reuse import Made, Reuse, signatures
from .run import Run

LOG = logging.getLogger("comfy-provenance")
FACTS_REMEMBERED = 4_096
OLDER_THAN_RUN_NS = 2_000_000_000  # FAT stores times in steps of two seconds


@dataclass(frozen=True, slots=True)
class ReadInputs:
    """Read what the run loads."""

    run: Run


@dataclass(frozen=True, slots=True)
class ReadObservation:
    """Digest what a node saw."""

    run: Run
    observation: Observation


@dataclass(frozen=True, slots=True)
class ReadEnd:
    """Read what the run wrote. `frozen` is the host's report, None when there is none (cancelled, lost)."""

    run: Run
    frozen: bytes | None
    status: Status
    at: Instant


Job = ReadInputs | ReadObservation | ReadEnd


@dataclass(frozen=True, slots=True)
class Ended:
    """Everything a completion needs but the ledger's knowledge."""

    run: Run
    status: Status
    at: Instant
    report: report.Report | None
    outputs: tuple[Output, ...]
    prompts: tuple[PromptVersion, ...]
    executed: tuple[str, ...]
    cached: tuple[str, ...]
    objects: tuple[tuple[bytes, str], ...]
    observations: bytes | None
    problem: str | None = None


class Reading:
    """Carries out jobs; `done` receives an `Ended` per `ReadEnd`, `models_found` a run whose `models` are set."""

    def __init__(
        self,
        settings: Settings,
        objects: Objects,
        done: Callable[[Ended], object],
        models_found: Callable[[Run], object],
    ) -> None:
        self._settings = settings
        self._objects = objects
        self._done = done
        self._models_found = models_found
        self._reuse = Reuse()
        self._facts: OrderedDict[tuple[str, int, int, int], FileFacts] = OrderedDict()

    def handle(self, job: Job) -> None:
        """Do one job. A run's end is always handed on, whatever goes wrong on the way."""
        if isinstance(job, ReadInputs):
            self._read_inputs(job.run)
        elif isinstance(job, ReadObservation):
            job.run.observed.append(_observed(job))
        else:
            self._read_end(job)

    def _read_inputs(self, run: Run) -> None:
        view = run.host
        found = models.find(run.graph, view.node_inputs, view.host.model_folders(), view.host.model_extensions())
        run.models = tuple(found)
        self._models_found(run)
        run.assets = tuple(
            self._asset(item) for item in assets.find(run.graph, view.node_inputs, view.host.directories())
        )

    def _asset(self, found: assets.Found) -> Asset:
        facts, problem = self._read(found.path)
        kept = None
        if facts is not None and self._settings.keep_inputs:
            kept, problem = self._keep(found.path, facts)
        return Asset(found.node, found.input, found.name, found.file, facts, kept, problem)

    def _read_end(self, job: ReadEnd) -> None:
        run = job.run
        parsed = None if job.frozen is None else report.parse(canonical.thaw(job.frozen))
        needed = run.graph.upstream_of(run.targets)
        cached = tuple(node for node in parsed.cached if node in needed) if parsed else ()
        objects: list[tuple[bytes, str]] = []
        outputs: tuple[Output, ...] = ()
        problem = None
        try:
            self._recheck_inputs(run)
            if parsed:
                outputs = self._outputs(run, parsed, frozenset(cached), objects)
        except (ProvenanceError, OSError, ValueError) as error:
            LOG.exception("outputs of %s could not be read", run.execution)
            problem = f"outputs could not be read: {type(error).__name__}: {error}"
        texts = {item["node"]: item["texts"] for item in run.observed if isinstance(item.get("texts"), dict)}
        observations = canonical.statement_bytes({"nodes": run.observed}) if run.observed else None
        if observations is not None:
            objects.append((observations, "application/json"))
        self._done(
            Ended(
                run=run,
                status=parsed.status if parsed else job.status,
                at=job.at,
                report=parsed,
                outputs=outputs,
                prompts=tuple(prompts.find(run.graph, run.host.node_inputs, run.targets, texts)),
                executed=_executed(run, parsed, frozenset(cached)),
                cached=cached,
                objects=tuple(objects),
                observations=observations,
                problem=problem,
            )
        )

    def _recheck_inputs(self, run: Run) -> None:
        """Read an input again when its file changed while the run was going on, and say so."""
        paths = {
            (item.node, item.input): item.path
            for item in assets.find(run.graph, run.host.node_inputs, run.host.host.directories())
        }
        checked = []
        for asset in run.assets:
            path = paths.get((asset.node, asset.input))
            if asset.facts is not None and (
                path is None or _identity(path) != (asset.facts.size, asset.facts.mtime_ns)
            ):
                asset = replace(asset, problem="the file changed or went away while the run was going on")
            checked.append(asset)
        run.assets = tuple(checked)

    def _outputs(
        self, run: Run, parsed: report.Report, cached: frozenset[str], objects: list[tuple[bytes, str]]
    ) -> tuple[Output, ...]:
        keys = signatures(run.graph)
        found: list[Output] = []
        fresh: dict[str, list[Output]] = {}
        reported: set[str] = set()
        for item in parsed.items:
            reported.add(item.node)
            output = self._output(run, item, item.node in cached, objects)
            if output.reused:
                made = self._reuse.recall(keys.get(item.node, ""))
                output = replace(output, made_by=made.execution if made else None)
            else:
                fresh.setdefault(item.node, []).append(output)
            found.append(output)
        for node in run.targets:  # newer hosts do not list cached outputs of headless runs
            made = self._reuse.recall(keys.get(node, "")) if node in cached and node not in reported else None
            if made is not None:
                found.extend(replace(old, node=node, reused=True, made_by=made.execution) for old in made.outputs)
        for node, outputs in fresh.items():
            if node in keys:
                self._reuse.remember(keys[node], Made(run.execution, tuple(outputs)))
        return tuple(found)

    def _output(self, run: Run, item: report.Item, reused: bool, objects: list[tuple[bytes, str]]) -> Output:
        if item.file is None:
            data = run.redactor.text(item.text or "").encode("utf-8", "surrogatepass")
            objects.append((data, "text/plain"))
            digest = canonical.sha256_hex(data)
            facts = FileFacts(digest, len(data), 0, "text/plain")
            return Output(item.node, item.key, item.ordinal, None, facts, kept=digest, reused=reused)
        path, problem = _inside(item.file, run.host.host.directories())
        found: FileFacts | None = None
        thumbnail = kept = None
        if path is not None:
            found, problem = self._read(path)
        if path is not None and found is not None:
            if self._settings.thumbnails:
                picture = files.thumbnail(path)
                if picture is not None:
                    objects.append((picture, "image/webp"))
                    thumbnail = canonical.sha256_hex(picture)
            if self._settings.keep_outputs or item.file.type == "temp":
                kept, problem = self._keep(path, found)
        return Output(
            item.node,
            item.key,
            item.ordinal,
            item.file,
            found,
            thumbnail=thumbnail,
            kept=kept,
            reused=reused,
            problem=problem,
        )

    def _read(self, path: Path) -> tuple[FileFacts | None, str | None]:
        try:
            stat = path.stat()
            key = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
            facts = self._facts.get(key)
            if facts is None:
                facts = self._facts[key] = files.read(path)
                if len(self._facts) > FACTS_REMEMBERED:
                    self._facts.popitem(last=False)
            return facts, None
        except (OSError, ProvenanceError) as error:
            return None, f"file cannot be read: {error}"

    def _keep(self, path: Path, facts: FileFacts) -> tuple[str | None, str | None]:
        if facts.size > self._settings.keep_limit_mib * MEBIBYTE:
            return None, f"not kept: larger than {self._settings.keep_limit_mib} MiB"
        digest = self._objects.put_file(path, facts.media_type)
        if digest != facts.sha256:
            return None, "the file changed while it was being read"
        return digest, None


def _observed(job: ReadObservation) -> dict[str, Json]:
    seen = job.observation
    values = job.run.redactor.value(dict(seen.values))
    digests = {name: tensors.digest(tensor) for name, tensor in seen.tensors.items()}
    return {"node": seen.node, "class_type": seen.class_type, **values, "tensors": digests}


def _executed(run: Run, parsed: report.Report | None, cached: frozenset[str]) -> tuple[str, ...]:
    """Nodes that ran: as ComfyUI named them, else everything above the targets down to what was cached."""
    if parsed is None:
        return ()
    if parsed.executed is not None:
        return parsed.executed
    return tuple(_above(run, cached))


def _above(run: Run, cached: frozenset[str]) -> Iterator[str]:
    waiting = [node for node in run.targets if node in run.graph and node not in cached]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        for link in run.graph.links(node):
            if link.source not in seen and link.source not in cached:
                seen.add(link.source)
                waiting.append(link.source)


def _inside(file: FileRef, directories: Mapping[str, str]) -> tuple[Path | None, str | None]:
    """The path of a reported file, if it stays in its folder after links are followed."""
    folder = directories.get(file.type)
    if folder is None:
        return None, f"the host has no folder for type {file.type}"
    base = Path(folder)
    try:
        path = (base / file.subfolder / file.filename).resolve()
        contained = path.is_relative_to(base.resolve())
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return None, f"file cannot be found: {error}"
    return (path, None) if contained else (None, "the file's name leads out of its folder")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
