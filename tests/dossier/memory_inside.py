"""Writes and checks dossiers of few and of many runs, and prints how much memory each took at most, as JSON.

A process of its own, and a collector that looks often: when it looks is chance, and it must not decide a test.

usage: python memory_inside.py DIR
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance import canonical, shelf
from comfy_provenance.provenance.dossier import archive, bag, choose
from comfy_provenance.provenance.dossier.report import making, selecting
from comfy_provenance.provenance.model import FileFacts, FileRef, Output, PromptVersion, Status
from comfy_provenance.provenance.present import dossiers
from comfy_provenance.provenance.store import index, objects, reading
from comfy_provenance.provenance.verify import container, verifier
from comfy_provenance.tests.dossier import works
from comfy_provenance.tests.dossier.conftest import export
from comfy_provenance.tests.unit.present.conftest import graph, run_id

FEW, MANY = 80, 320
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
    (shelf, "AT_HAND", 1 << 10),
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


def main(folder: Path) -> None:
    gc.set_threshold(50, 2, 2)
    for module, name, value in AT_ONCE:
        assert hasattr(module, name), name
        setattr(module, name, value)
    zipped, peaks = folder / "dossier.zip", []
    for count in (FEW, MANY):
        ledger = _ledger(folder / str(count), count)
        writing = partial(export, ledger, zipped, [run_id(9 + count)], signed=False, scope="ledger")
        checking = partial(dossiers.verify, zipped)
        if count == FEW:
            writing(), checking()  # what is loaded or compiled once is not counted
        peaks.append({"runs": count, "writing": _peak(writing), "checking": _peak(checking), "ok": checking()["ok"]})
    print(json.dumps(peaks))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
