"""Tries each door with atheris for so many seconds, from sound bytes; ends with code 1 and the bytes where one breaks.

    python -m tests.fuzz SECONDS [DOOR ...]

Each door has a process of its own: the fuzzer ends the one it runs in.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 2_048  # of memory that a door may take
HANG_S = 20  # that one input may take


def main(arguments: list[str]) -> int:
    if not arguments or not arguments[0].isdigit():
        print(__doc__)
        return 2
    if importlib.util.find_spec("atheris") is None:
        print("SKIPPED fuzzing: atheris is not installed; it has no package for this Python or this system")
        return 0
    _load_root_package()
    if arguments[2:] == ["--here"]:
        return _fuzz(arguments[1], arguments[0])  # before anything is imported: imports are instrumented
    from comfy_provenance.tests.fuzz import doors

    seconds, chosen = arguments[0], arguments[1:] or list(doors.DOORS)
    broken = []
    for name in chosen:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", seconds, name, "--here"], cwd=ROOT, check=False)
        broken += [name] if done.returncode else []
    print("broken: " + ", ".join(broken) if broken else f"nothing broke in {len(chosen)} doors")
    return bool(broken)


def _fuzz(name: str, seconds: str) -> int:
    import atheris

    with atheris.instrument_imports(include=["comfy_provenance"], enable_loader_override=False):
        from comfy_provenance.tests.fuzz import doors

    corpus = Path(tempfile.mkdtemp(prefix="provenance-corpus-"))
    for place, seed in enumerate(doors.DOORS[name].seeds()):
        (corpus / str(place)).write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEGABYTES}", f"-timeout={HANG_S}", "-max_len=65536"]
    prefix = f"-artifact_prefix={corpus}/broken-"
    quiet = ["-print_final_stats=1", "-verbosity=0"]
    atheris.Setup([sys.argv[0], str(corpus), prefix, *limits, *quiet], lambda data: doors.try_door(name, data))
    atheris.Fuzz()
    return 0


def _load_root_package() -> None:
    """The repository root as the package `comfy_provenance`, as `tests/conftest.py` makes it."""
    spec = importlib.util.spec_from_file_location(
        "comfy_provenance", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfy_provenance"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
