"""What changed from run to run: prompt versions with their differences, and parameters. Pure over what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...canonical import parse_json
from ...errors import ProvenanceError
from ...lineage import diff, words
from ...lineage.changes import Side
from ...lineage.summary import summary
from ...model import Json, ModelRef, PromptVersion
from ..story import Run, Story, Text
from ..telling import Shown

MOST_COMPARED = 400  # runs beyond the path whose parameters are compared


@dataclass(frozen=True, slots=True)
class Version:
    """A prompt text that is new in a run. before: the same input's text in the run before; None where there is none."""

    run: Run
    text: Text
    before: str | None

    @property
    def hunks(self) -> list[dict[str, str]]:
        """The difference in words."""
        return words.hunks(self.before or "", self.text.text or "")


def versions(story: Story, runs: Iterable[Run]) -> Iterator[Version]:
    """The texts that these runs changed or began with, in their order. An empty text that was empty before is none."""
    for run in runs:
        yield from changed(run, None if run.parent is None else story.runs.get(run.parent))


def changed(run: Run, parent: Run | None) -> Iterator[Version]:
    """The texts that one run changed from the run before, or began with."""
    before = {} if parent is None else {(text.node, text.input): text.text for text in parent.texts}
    roles = {} if parent is None else {text.role: text.text for text in parent.texts}
    for text in run.texts:
        was = before.get((text.node, text.input), roles.get(text.role))
        if text.text is not None and text.text != (was or ""):
            yield Version(run, text, was)


class Graphs:
    """The parsed graphs of runs, read when they are asked for."""

    def __init__(self, story: Story, shown: Shown) -> None:
        self._story = story
        self._shown = shown

    def prompt(self, run: Run) -> Mapping[str, Json] | None:
        """The API prompt as queued; None when it is not shown or cannot be read."""
        data = None if run.prompt is None else self._shown.object(run.prompt)
        try:
            value = None if data is None else parse_json(data)
        except ProvenanceError:
            return None
        return value if isinstance(value, Mapping) else None

    def notes(self, run: Run) -> list[str]:
        """What changed against the run before, as short lines."""
        parent = self._story.runs.get(run.parent or "")
        graphs = (None, None) if parent is None else (self.prompt(parent), self.prompt(run))
        if parent is None or graphs[0] is None or graphs[1] is None:
            return []
        return summary(diff.compare(_side(graphs[0], parent), _side(graphs[1], run)))

    def values(self, run: Run) -> list[tuple[str, str, str, Json]]:
        """The widget values of a run's graph that are no prompt texts: node, class, input, value."""
        texts = {(text.node, text.input) for text in run.texts}
        found = []
        for node, body in (self.prompt(run) or {}).items():
            inputs = body.get("inputs") if isinstance(body, Mapping) else None
            for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
                if (node, name) not in texts and isinstance(value, str | int | float | bool):
                    found.append((str(node), str(body.get("class_type")), str(name), value))
        return found


def _side(prompt: Mapping[str, Json], run: Run) -> Side:
    return Side(
        prompt=prompt,
        versions=[PromptVersion(t.node, t.input, "", t.role, t.source, t.text) for t in run.texts],
        models=[ModelRef("", "", model.folder, model.name, model.size, None, model.sha256) for model in run.models],
    )
