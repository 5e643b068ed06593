"""Work on files, on a thread of its own: a long video must not keep a new submission from being signed.

For each run, in this order: what it loads, right after its submission; what its provenance nodes saw, while it runs;
what it wrote, when it has ended; and how that compares with its original, once the completion of a replay is recorded.
Everything found is handed back to the writer as one frozen value per step.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .. import canonical
from ..capture.weight import tensor_bytes
from ..config import MEBIBYTE, Settings
from ..errors import InputError, ProvenanceError, StorageError
from ..model import Asset, FileFacts, FileRef, Instant, Json, Mask, Observation, Output, PromptVersion, Status
from ..record import assets, body, files, media, models, prompts, regions, report, tensors
from ..store.objects import Objects, Prepared
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


@dataclass(frozen=True, slots=True)
class CompareReplay:
    """Compare what a replay, whose completion is recorded, made with what its original made."""

    execution: str


Job = ReadInputs | ReadObservation | ReadEnd | CompareReplay


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
    objects: tuple[Prepared, ...]
    observations: str | None
    problem: str | None = None

    @classmethod
    def bare(cls, run: Run, status: Status, at: Instant, problem: str | None = None) -> Ended:
        """An end with nothing but its status: what is left to say when the details cannot be read or written."""
        run = replace(run, assets=(), models=(), observed=[])
        return cls(run, status, at, None, (), (), (), (), (), None, problem)


class Reading:
    """Carries out jobs; `done` receives an `Ended` per `ReadEnd`, `models_found` a run whose `models` are set, and
    `compare` the id of a replay."""

    def __init__(
        self,
        settings: Settings,
        objects: Objects,
        done: Callable[[Ended], object],
        models_found: Callable[[Run], object],
        compare: Callable[[str], object],
    ) -> None:
        self._settings = settings
        self._objects = objects
        self._done = done
        self._models_found = models_found
        self._compare = compare
        self._reuse = Reuse()
        self._facts: OrderedDict[tuple[str, int, int, int], FileFacts] = OrderedDict()

    def handle(self, job: Job) -> None:
        """Do one job. Raises StorageError when the ledger's disk or database refuses: the job can be done again."""
        if isinstance(job, ReadInputs):
            self._read_inputs(job.run)
        elif isinstance(job, ReadObservation):
            job.run.observed.append(_observed(job))
        elif isinstance(job, CompareReplay):
            self._compare(job.execution)
        else:
            self._read_end(job)

    def give_up(self, job: Job, reason: str) -> None:
        """A job cannot be done: the end of a run is handed on all the same, without details."""
        if isinstance(job, ReadEnd):
            try:
                status = job.status if job.frozen is None else report.parse(canonical.thaw(job.frozen)).status
            except (ProvenanceError, ValueError, TypeError, AttributeError, KeyError):
                status = job.status
            self._done(Ended.bare(job.run, status, job.at, f"details of a run could not be read: {reason}"))

    def _read_inputs(self, run: Run) -> None:
        host = run.host.host
        versions = _prompts(run)
        run.models = models.find(
            run.graph, run.host.node_inputs, host.model_folders(), host.model_extensions(), versions
        )
        self._models_found(run)
        needed = run.graph.upstream_of(run.targets)
        run.assets = tuple(self._asset(run, found, needed) for found in self._named_files(run))

    def _named_files(self, run: Run) -> tuple[assets.Found, ...]:
        return assets.find(run.graph, run.host.node_inputs, run.host.host.directories())

    def _asset(self, run: Run, found: assets.Found, needed: frozenset[str]) -> Asset:
        """A graph may name any file of the machine, and whoever may ask for objects could have it from a copy: of what
        lies outside ComfyUI's folders, links followed, nothing is kept."""
        keep = self._settings.keep_inputs
        at_home = found.file is not None and inside(found.file, run.host.host.directories())[0] is not None
        facts, problem = self._facts_of(Path(found.path), keep=keep and at_home)
        if keep and not at_home and problem is None:
            problem = "not kept: it lies outside ComfyUI's folders"
        kept = facts.sha256 if facts is not None and problem is None and keep else None
        region = regions.find(run.graph, found.node, needed, run.host.node_outputs) if at_home else None
        mask = None if region is None or facts is None else self._mask(found, facts, region)
        return Asset(found.node, found.input, found.name, found.file, facts, kept, problem, mask)

    def _mask(self, found: assets.Found, facts: FileFacts, region: regions.Region) -> Mask | None:
        """The mask that was made of a file, kept as a picture of its own; None when it masks nothing."""
        mask = Mask(region.channel, None, None, region.basis, region.via)
        if facts.media_type not in media.PICTURES:
            return replace(mask, problem="not a still image")
        try:
            reading = files.look(Path(found.path), thumbnail=False)
            if reading.data is None or reading.facts.sha256 != facts.sha256:
                return replace(mask, problem="the file is too large, or changed after it was recorded")
            drawn = regions.draw(reading.data, region.channel)
        except InputError as error:  # the file's fault, which must not hold up the run's record
            return replace(mask, problem=str(error))
        if drawn is None:
            return None
        return replace(mask, picture=self._objects.put(drawn.png, "image/png"), coverage=drawn.coverage)

    def _facts_of(self, path: Path, *, keep: bool) -> tuple[FileFacts | None, str | None]:
        """Facts of a file, read once per version of it, and what is to be said about it."""
        try:
            stat = path.stat()
            key = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
            facts = self._facts.get(key)
            if facts is None or (keep and not self._objects.has(facts.sha256)):
                reading = files.look(path, thumbnail=False)
                facts = self._facts[key] = reading.facts
                if len(self._facts) > FACTS_REMEMBERED:
                    self._facts.popitem(last=False)
                if keep:
                    return facts, self._keep(path, reading)
            return facts, None
        except StorageError:
            raise
        except (OSError, ValueError, ProvenanceError) as error:
            return None, str(error)

    def _keep(self, path: Path, reading: files.Reading) -> str | None:
        """Keep the bytes that were read; gives the reason when they are not kept."""
        facts = reading.facts
        if facts.size > self._settings.keep_limit_mib * MEBIBYTE:
            return f"not kept: larger than {self._settings.keep_limit_mib} MiB"
        if reading.data is not None:
            self._objects.put(reading.data, facts.media_type)
        else:
            self._objects.put_file(path, facts.media_type, expected=facts.sha256)
        return None

    def _read_end(self, job: ReadEnd) -> None:
        run = job.run
        parsed = None if job.frozen is None else report.parse(canonical.thaw(job.frozen))
        needed = run.graph.upstream_of(run.targets)
        cached = tuple(node for node in parsed.cached if node in needed) if parsed else ()
        objects: list[Prepared] = []
        outputs: tuple[Output, ...] = ()
        problem = None
        try:
            self._recheck_inputs(run)
            if parsed:
                outputs = self._outputs(run, parsed, frozenset(cached), objects)
        except StorageError:
            raise
        except (ProvenanceError, OSError, ValueError) as error:
            LOG.exception("outputs of %s could not be read", run.execution)
            problem = f"outputs could not be read: {type(error).__name__}: {error}"
        observations = None
        if run.observed:
            told = canonical.statement_bytes(body.plain({"nodes": run.observed}))
            seen = self._objects.prepare(told, "application/json")
            objects.append(seen)
            observations = seen.digest
        self._done(
            Ended(
                run=run,
                status=parsed.status if parsed else job.status,
                at=job.at,
                report=parsed,
                outputs=outputs,
                prompts=_prompts(run, _texts(run.observed)),
                executed=_executed(run, parsed, frozenset(cached)),
                cached=cached,
                objects=tuple(objects),
                observations=observations,
                problem=problem,
            )
        )

    def _recheck_inputs(self, run: Run) -> None:
        """Say so when a file that was loaded changed or went away while the run was going on."""
        if not run.assets:
            return
        paths = {(found.node, found.input, found.name): found.path for found in self._named_files(run)}
        checked = []
        for asset in run.assets:
            path = paths.get((asset.node, asset.input, asset.name))
            known = None if asset.facts is None else (asset.facts.size, asset.facts.mtime_ns)
            if known is not None and (path is None or _identity(Path(path)) != known):
                asset = replace(asset, problem="the file changed or went away while the run was going on")
            checked.append(asset)
        run.assets = tuple(checked)

    def _outputs(
        self, run: Run, parsed: report.Report, cached: frozenset[str], objects: list[Prepared]
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

    def _output(self, run: Run, item: report.Item, reused: bool, objects: list[Prepared]) -> Output:
        if item.file is None:
            data = run.redactor.text(item.text or "").encode("utf-8", "surrogatepass")
            text = self._objects.prepare(data, "text/plain")
            objects.append(text)
            facts = FileFacts(text.digest, text.size, 0, "text/plain")
            return Output(item.node, item.key, item.ordinal, None, facts, kept=text.digest, reused=reused)
        output = Output(item.node, item.key, item.ordinal, item.file, None, reused=reused)
        path, problem = inside(item.file, run.host.host.directories())
        if path is None:
            return replace(output, problem=problem)
        try:
            reading = files.look(path, thumbnail=self._settings.thumbnails)
            thumbnail = None
            if reading.thumbnail is not None:
                thumbnail = self._objects.prepare(reading.thumbnail, "image/webp")
                objects.append(thumbnail)
            keep = self._settings.keep_outputs or item.file.type == "temp"
            problem = self._keep(path, reading) if keep else None
        except StorageError:
            raise
        except (OSError, ProvenanceError) as error:
            return replace(output, problem=str(error))
        return replace(
            output,
            facts=reading.facts,
            thumbnail=None if thumbnail is None else thumbnail.digest,
            kept=reading.facts.sha256 if keep and problem is None else None,
            problem=problem or reading.problem,
        )


def job_bytes(job: Job) -> int:
    """Bytes of the tensors that a job holds on to."""
    return tensor_bytes(job.observation) if isinstance(job, ReadObservation) else 0


def _prompts(run: Run, observed: prompts.Observed | None = None) -> tuple[PromptVersion, ...]:
    view = run.host
    return prompts.find(run.graph, view.node_inputs, run.targets, observed, node_outputs=view.node_outputs)


def _texts(observed: list[dict[str, Json]]) -> dict[str, dict[str, str]]:
    """Texts by node and input. A node that ran over a list gives each item's text under `<input>#<place>`."""
    seen: dict[str, list[dict[str, str]]] = {}
    for item in observed:
        if isinstance(item.get("texts"), dict):
            seen.setdefault(item["node"], []).append(item["texts"])
    return {
        node: items[0]
        if len(items) == 1
        else {f"{name}#{place}": text for place, texts in enumerate(items) for name, text in texts.items()}
        for node, items in seen.items()
    }


def _observed(job: ReadObservation) -> dict[str, Json]:
    seen = job.observation
    values = job.run.redactor.value(dict(seen.values))
    digests = {name: asdict(tensors.tensor_digest(tensor)) for name, tensor in seen.tensors.items()}
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


def inside(file: FileRef, directories: Mapping[str, str]) -> tuple[Path | None, str | None]:
    """The path of a reported file, if it stays in its folder after links are followed."""
    folder = directories.get(file.type)
    if folder is None:
        return None, f"the host has no folder for type {file.type}"
    base = Path(folder)
    try:
        path = (base / file.subfolder / file.filename).resolve()
        contained = path.is_relative_to(base.resolve())
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; a link that leads to itself
        return None, f"file cannot be found: {error}"
    return (path, None) if contained else (None, "the file's name leads out of its folder")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
