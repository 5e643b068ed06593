"""Writing and checking a dossier take no more memory for more runs. Measured in allocations, not in time."""

from __future__ import annotations

import tracemalloc
from functools import partial

from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.dossier import archive, bag, choose
from comfy_provenance.provenance.dossier.report import making, selecting
from comfy_provenance.provenance.model import FileFacts, FileRef, Output, PromptVersion, Status
from comfy_provenance.provenance.present import dossiers
from comfy_provenance.provenance.store import index, objects, reading
from comfy_provenance.provenance.verify import container, verifier
from comfy_provenance.tests.dossier import works
from comfy_provenance.tests.dossier.conftest import export
from comfy_provenance.tests.unit.present.conftest import graph, run_id

FEW, MANY = 80, 160
BYTES = 1024  # for each run more; 5 to 6 KB when runs, names and digests were held
AT_ONCE = (  # how much is read, kept or asked about at once: made small, so that few runs fill it
    (container, "BLOCK", 1 << 12),
    (container, "PIECE", 1 << 12),
    (archive, "BLOCK", 1 << 12),
    (bag, "_IN_MEMORY", 1 << 12),
    (verifier, "_MOST_SOUND", 16),
    (choose, "_AT_ONCE", 16),
    (reading, "_AHEAD", 8),
    (reading, "_PAGE", 16),
    (objects, "AHEAD", 8),
    (index, "_PAGE", 16),
    (making, "MOST_VALUES", 8),
    (selecting, "MOST_OPEN", 8),
    (selecting, "MOST_DRAWN", 8),
)


def _ledger(root, count):
    """A ledger of so many runs, each from the canvas of the one before: all of them lead to the last."""
    story = works.begin(root)
    for number in range(10, 10 + count):
        parent = run_id(number - 1) if number > 10 else None
        submitted = story.submit(number, graph(seed=number), parent)
        facts = FileFacts(canonical.sha256_hex(b"%d" % number), 40_000, None, "image/png", 64, 64)
        output = Output("9", "images", 0, FileRef("output", "", f"a_{number}.png"), facts, None)
        text = PromptVersion("2", "text", "CLIPTextEncode", "positive", "literal", f"a castle in fog {number // 7}")
        story.finish(number, submitted, Status.SUCCESS, outputs=[output], prompts=[text])
    story.ledger.close()
    return root / "user" / "__provenance"


def _peak(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_runs(tmp_path, monkeypatch):
    for module, name, value in AT_ONCE:
        monkeypatch.setattr(module, name, value)
    zipped, peaks = tmp_path / "dossier.zip", {}
    for count in (FEW, MANY):
        ledger = _ledger(tmp_path / str(count), count)
        writing = partial(export, ledger, zipped, [run_id(9 + count)], signed=False, scope="ledger")
        checking = partial(dossiers.verify, zipped)
        if count == FEW:
            writing(), checking()  # what is loaded or compiled once is not counted
        peaks[count] = _peak(writing), _peak(checking)
        assert checking()["ok"]
    grown = [(more - less) / (MANY - FEW) for less, more in zip(peaks[FEW], peaks[MANY], strict=True)]
    assert all(each < BYTES for each in grown), (grown, peaks)
