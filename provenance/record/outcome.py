"""What came out when a recorded run was queued again: frozen values, their verdict, and the body of the entry. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from ..model import Basis, Instant
from .body import Body, body, subject


class Verdict(str, Enum):
    """How one output of a replay compares with the original's."""

    SAME_BYTES = "same-bytes"
    SAME_PIXELS = "same-pixels"
    SAME_TENSORS = "same-tensors"
    DIFFERENT = "different"
    MISSING = "missing"
    ADDED = "added"
    NOT_COMPARED = "not-compared"


class Outcome(str, Enum):
    """The least of what holds for all outputs."""

    SAME_BYTES = "same-bytes"
    SAME_CONTENT = "same-content"
    DIFFERENT = "different"
    INCOMPLETE = "incomplete"
    NOT_COMPARED = "not-compared"


@dataclass(frozen=True, slots=True)
class OutputPair:
    """Two outputs at the same place. psnr_db is None where the pixels are the same (it is infinite) or not measured;
    `problem` says why they were not."""

    node: str
    key: str
    ordinal: int
    original: str | None
    replay: str | None
    verdict: Verdict
    psnr_db: float | None = None
    ssim: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TensorPair:
    """Two digests of a tensor that a provenance node saw in both runs."""

    node: str
    name: str
    original: str
    replay: str


@dataclass(frozen=True, slots=True)
class Changed:
    """An input that differs between the two graphs; `input` is None for a node that only one of them has."""

    node: str
    input: str | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Something around the runs that differs. what: `environment`, `model` or `input`."""

    what: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a replay's entry says about its outcome. not_compared: sorts of drift that one run is silent on."""

    changed: Sequence[Changed] = ()
    cached: Sequence[str] = ()
    outputs: Sequence[OutputPair] = ()
    tensors: Sequence[TensorPair] = ()
    drift: Sequence[Drift] = ()
    not_compared: Sequence[str] = ()

    @property
    def outcome(self) -> Outcome:
        """The least of what holds for all outputs."""
        return outcome(pair.verdict for pair in self.outputs)


def outcome(verdicts: Iterable[Verdict]) -> Outcome:
    """The least of what holds for all outputs: something missing or added weighs more than something different, and
    outputs that could not be read leave the rest without a verdict."""
    found = set(verdicts)
    if found & {Verdict.MISSING, Verdict.ADDED}:
        return Outcome.INCOMPLETE
    if Verdict.DIFFERENT in found:
        return Outcome.DIFFERENT
    if not found or Verdict.NOT_COMPARED in found:
        return Outcome.NOT_COMPARED
    return Outcome.SAME_BYTES if found == {Verdict.SAME_BYTES} else Outcome.SAME_CONTENT


def replay(
    *,
    session: str,
    at: Instant,
    execution: str,
    original: str,
    completion: int,
    prompt_document: str,
    comparison: Comparison,
) -> Body:
    """A recorded run was queued again. execution: the replay; completion: the entry of its completion.

    The subjects are the replay's outputs by digest; where there are none, its prompt document.
    """
    digests = dict.fromkeys(pair.replay for pair in comparison.outputs if pair.replay is not None)
    subjects = [subject(f"output:{digest}", digest) for digest in digests]
    members = {
        "execution": execution,
        "original": original,
        "completion": completion,
        "graph": {"same": not comparison.changed, "changed": [asdict(each) for each in comparison.changed]},
        "cached": list(comparison.cached),
        "outcome": comparison.outcome.value,
        "outputs": [{**asdict(pair), "verdict": pair.verdict.value} for pair in comparison.outputs],
        "tensors": [{**asdict(pair), "equal": pair.original == pair.replay} for pair in comparison.tensors],
        "drift": [asdict(each) for each in comparison.drift],
        "not_compared": list(comparison.not_compared),
        "basis": Basis.OBSERVED.value,
    }
    return body(subjects or [subject("prompt", prompt_document)], session, at, members)
