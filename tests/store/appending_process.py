"""A process of its own that appends to a ledger: `python appending_process.py LEDGER NAME COUNT`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
runpy.run_path(str(TESTS / "conftest.py"))

from comfy_provenance.provenance.model import Instant, Kind  # noqa: E402
from comfy_provenance.provenance.record import predicate  # noqa: E402
from comfy_provenance.provenance.seal.keys import Signer  # noqa: E402
from comfy_provenance.provenance.store import engine  # noqa: E402
from comfy_provenance.provenance.store.ledger import Ledger  # noqa: E402
from comfy_provenance.tests.store.recording import SEED  # noqa: E402


def main(folder: str, name: str, count: str) -> None:
    engine.BUSY_SECONDS = 120.0  # how long the others take says more of the disk than of us
    signer = Signer.from_seed(SEED)
    ledger = Ledger.open(Path(folder), signer)
    for number in range(int(count)):
        body = predicate.intent(session=name, at=Instant(1_700_000_000_000_000_000, number), text=f"{name} {number}")
        ledger.append(Kind.INTENT, lambda binding, body=body: body)
        print(number, flush=True)  # acknowledged: from here on it must not be lost
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
