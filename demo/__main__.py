"""Plays the scripted session on the embedded host and shows what the pack recorded of it."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .client import Client
from .host.embedded import EmbeddedHost, HostOptions
from .serve import PACK_NAME, PACK_ROOT, default_base_directory
from .session import Run, run_session

LONGEST_WAIT_S = 120.0
API = "/provenance/v1"
STATUS = f"{API}/status"
IDEA = "A cat that wears a crystal: two moods of the same night in one picture, warm and cold, with no people in it."
CHOICES = {
    "golden hour": ("keep", "the light sits on the crystal, not beside it"),
    "another seed": ("reject", "the pendant is lost in front of the sun"),
    "branch: stronger": ("keep", "the cold mood, clearer than the first try"),
    "two become one": ("keep", "both moods at once, as meant"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the session, print lineage, verification and places. 0 when all is well, 1 when the ledger is not."""
    parser = argparse.ArgumentParser(prog="comfy-provenance demo", description=__doc__)
    parser.add_argument("--base-directory", type=Path, default=None, help="folder for models, pictures and the ledger")
    parser.add_argument("--front-end-root", type=Path, default=None, help="use this page instead of the installed one")
    given = parser.parse_args(arguments)
    base = (given.base_directory or default_base_directory()).absolute()
    logging.basicConfig(level=logging.CRITICAL)  # the session fails on purpose, once: no traceback for that
    print("Playing a session of eleven runs through the queue:", flush=True)
    options = HostOptions(base, packs={PACK_NAME: PACK_ROOT}, front_end_root=given.front_end_root)
    with EmbeddedHost(options) as host:
        client = Client(host.url)
        _recorded(client)  # what an author says is taken once the ledger is open
        client.post(f"{API}/intents", {"title": "Crystal cat", "text": IDEA})
        runs = run_session(host.url, on_run=_told)
        _recorded(client)
        _choose(client, runs)
        ledger = Path(_recorded(client)["ledger"])
    print("\nWhat the ledger says, newest first, with what changed on each step:\n", flush=True)
    code = _command(ledger, "log", "--graph", "--limit", str(len(runs)))
    print("\nIs it intact?\n", flush=True)
    code = _command(ledger, "verify") or code
    dossier = base / "dossier.zip"
    final = next(run for run in runs if run.name == "two become one")
    print("\nA dossier of the last picture, and its check by somebody who has nothing but the file:\n", flush=True)
    code = _command(ledger, "export", final.execution, "-o", str(dossier), "--title", "Crystal cat") or code
    code = _command(ledger, "verify", str(dossier)) or code
    print(f"\npictures: {base / 'output'}")
    print(f"ledger: {ledger}")
    print(f"dossier: {dossier} (unpack it and open report.html)")
    print("In the browser: make serve. More: comfy-provenance --ledger LEDGER lineage|diff|show|restore ...")
    return code


def _choose(client: Client, runs: list[Run]) -> None:
    """What the author says of some of the runs, and why."""
    for run in runs:
        if run.name in CHOICES:
            decision, reason = CHOICES[run.name]
            said = {"execution": run.execution, "output": None, "decision": decision, "reason": reason}
            client.post(f"{API}/decisions", said)


def _told(run: Run) -> None:
    """One line as each run ends."""
    made = ", ".join(item["filename"] for item in run.outputs) or "nothing"
    print(f"  {run.status:12} {run.name:16} {made}", flush=True)


def _recorded(client: Client) -> dict[str, Any]:
    """The pack's status once it has written everything down. TimeoutError when it does not get there."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(STATUS)
        if status["state"] == "recording" and not status["waiting"] and not status["background"]["models"]:
            return status
        time.sleep(0.05)
    raise TimeoutError(f"recording did not finish: {status.get('reason')}")


def _command(ledger: Path, *arguments: str) -> int:
    """The pack's own command line, on that ledger."""
    done = subprocess.run([sys.executable, str(PACK_ROOT), "--ledger", str(ledger), *arguments], check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
