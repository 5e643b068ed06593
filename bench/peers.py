"""What other tools take to record the same run: MLflow, AiiDA, W&B offline, git commit.

Each is asked for what comes nearest to one recorded run, the graph of 16.5 KB and its parameters kept so that they can
be found again, and is installed by this bench into a virtual environment of its own. None of them signs or chains
anything; what each does is said beside its figure. A tool that cannot be installed here is left out, with the reason.

usage: python bench/peers.py [--runs N] [--only NAME] [--folder DIR] [--json] [--out DIR]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from record import SEED, record, timed

INSTALL_S, RUN_S = 900, 600
BEGIN = """
import json, os, sys, time
documents = json.load(open(sys.argv[1]))
spent = []
"""
END = """
print("SPENT " + json.dumps(spent))
"""


@dataclass(frozen=True)
class Peer:
    """A tool: what to install, what it does for one run, and the program that times it run by run."""

    name: str
    packages: tuple[str, ...]
    does: str
    program: str


PEERS = (
    Peer(
        "MLflow",
        ("mlflow",),
        "a run in SQLite, seed as parameter, graph as artifact",
        """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("bench")
for number, document in enumerate(documents):
    start = time.perf_counter()
    with mlflow.start_run(run_name=f"run-{number}"):
        mlflow.log_param("seed", number)
        mlflow.log_text(document["workflow"], "workflow.json")
        mlflow.log_text(document["prompt"], "prompt.json")
    spent.append(time.perf_counter() - start)
""",
    ),
    Peer(
        "AiiDA",
        ("aiida-core",),
        "a process node with two stored inputs and an output, SQLite profile",
        """
from aiida import load_profile, orm
from aiida.storage.sqlite_temp import SqliteTempBackend
try:
    from aiida.manage.configuration import create_profile, get_config
    config = get_config(create=True)
    profile = create_profile(config, name="bench", email="bench@localhost", storage_backend="core.sqlite_dos",
                             storage_config={"filepath": os.path.abspath("aiida")})
    load_profile("bench", allow_switch=True)
except Exception as error:
    print("profile on disk not possible, in memory instead:", error)
    load_profile(SqliteTempBackend.create_profile("bench"), allow_switch=True)
from aiida.engine import calcfunction
@calcfunction
def generate(workflow, prompt):
    return orm.Str("output.png")
for document in documents:
    start = time.perf_counter()
    generate(orm.Dict(json.loads(document["workflow"])), orm.Dict(json.loads(document["prompt"])))
    spent.append(time.perf_counter() - start)
""",
    ),
    Peer(
        "W&B offline",
        ("wandb",),
        "a run of its own, offline, graph as configuration",
        """
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_CONSOLE="off")
import wandb
for number, document in enumerate(documents[:20]):
    start = time.perf_counter()
    run = wandb.init(project="bench", config={"seed": number, "workflow": json.loads(document["workflow"])})
    run.log({"done": 1})
    run.finish()
    spent.append(time.perf_counter() - start)
""",
    ),
)


def documents(runs: int) -> list[dict[str, str]]:
    """The graphs of these runs as text."""
    return [{name: data.decode() for name, data in run.documents.items()} for run in series.Author().runs(runs)]


def ask(peer: Peer, folder: Path, runs: int) -> list[float]:
    """Milliseconds per run. Raises RuntimeError with one line when the tool cannot be had or fails."""
    place = folder / peer.packages[0]
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *peer.packages]
    _called(pip, place, INSTALL_S, {})
    (place / "documents.json").write_text(json.dumps(documents(runs)), encoding="utf-8")
    (place / "program.py").write_text(BEGIN + peer.program + END, encoding="utf-8")
    apart = {"HOME": str(place), "AIIDA_PATH": str(place)}  # away from what its user may have of the same tool
    out = _called([python, "program.py", "documents.json"], place, RUN_S, apart)
    (line,) = (line for line in out.splitlines() if line.startswith("SPENT "))
    return [seconds * 1000 for seconds in json.loads(line.removeprefix("SPENT "))]


def _called(command: list[Any], folder: Path, limit: int, more: dict[str, str]) -> str:
    environment = {**os.environ, **more}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"took longer than {limit} s") from error
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:160] or "failed")
    return done.stdout


def with_git(folder: Path, runs: int) -> list[float]:
    tree = folder / "git"
    tree.mkdir()
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)

    def commit(run: dict[str, str]) -> None:
        for name, text in run.items():
            (tree / f"{name}.json").write_text(text, encoding="utf-8")
        git("add", "-A")
        git("commit", "-q", "-m", "run")

    git("init", "-q")
    return [timed(commit, run) for run in documents(runs)]


def ours(folder: Path, runs: int) -> list[float]:
    signer = Signer.from_seed(SEED)
    ledger = Ledger.create(folder / "ledger", signer, lambda _: series.genesis(signer))
    ledger.append(Kind.SESSION, lambda _: series.session())
    spent = [timed(record, ledger, run) for run in series.Author().runs(runs)]
    ledger.close()
    return spent


def row(name: str, spent: list[float], does: str) -> dict[str, Any]:
    settled = spent[len(spent) // 10 :]  # without the first runs
    ordered = sorted(settled)
    figures = {"p50 ms": round(statistics.median(ordered), 2), "max ms": round(ordered[-1], 1)}
    return {"what": name, "runs": len(settled), **figures, "one run is": does}


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--only", help="one tool, by its name")
    parser.add_argument("--folder", type=Path, help="where to install and write")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        place = Path(folder)
        rows.append(row("this pack", ours(place, options.runs), "two signed entries, graph, index; durable"))
        rows.append(row("git commit", with_git(place, options.runs), "a commit of the two documents"))
        for peer in PEERS:
            if options.only in (None, peer.name):
                start = time.perf_counter()
                try:
                    rows.append(row(peer.name, ask(peer, place, options.runs), peer.does))
                except RuntimeError as reason:
                    rows.append({"what": peer.name, "one run is": f"left out: {reason}"})
                print(f"{peer.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return results.finish("peers", rows, [], options)


if __name__ == "__main__":
    raise SystemExit(main())
