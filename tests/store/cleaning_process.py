"""The command line in a process that is killed when it has removed so many files of objects, and is about to go on:
`python cleaning_process.py REMOVALS ARGUMENTS...`."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
runpy.run_path(str(TESTS / "conftest.py"))

from comfy_provenance.provenance.present import cli  # noqa: E402


def main(removals: int, *arguments: str) -> int:
    unlink, done = Path.unlink, 0

    def counted(path: Path, missing_ok: bool = False) -> None:
        nonlocal done
        is_object = path.parent.parent.name == "objects"
        if is_object and done == removals:
            os._exit(9)
        unlink(path, missing_ok)
        done += is_object
        if is_object and done == removals == 3:  # the last one: the database does not know it yet
            os._exit(9)

    Path.unlink = counted  # type: ignore[method-assign]
    return cli.main(list(arguments))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), *sys.argv[2:]))
