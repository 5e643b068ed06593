"""What every bench ends with: a table, the goals with what was found, and both as JSON for a program.

A goal that is missed is said, not failed: figures depend on the machine, and on what else it does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Goal:
    """One thing to reach: in words, the figure that was found, and the one that bounds it."""

    goal: str
    found: float
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure lies within its bounds."""
        above = self.least is None or self.found >= self.least
        return above and (self.most is None or self.found <= self.most)

    def __str__(self) -> str:
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"{'met   ' if self.met else 'MISSED'}  {self.goal}: {self.found:g} ({bound})"


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with what all benches take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write the JSON to DIR/<bench>.json")
    return parser


def machine() -> str:
    """How busy the machine was, where it can tell."""
    load = f"load {os.getloadavg()[0]:.1f} on " if hasattr(os, "getloadavg") else ""
    return (
        f"{load}{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned text, columns named by the first row."""
    columns = list(rows[0])
    cells = [columns, *([str(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    first, *rest = widths
    return "\n".join(
        "  ".join((line[0].ljust(first), *(cell.rjust(width) for cell, width in zip(line[1:], rest, strict=True))))
        for line in cells
    )


def finish(name: str, rows: list[dict[str, Any]], goals: list[Goal], options: argparse.Namespace) -> int:
    """Print and write what a bench found; gives its exit code."""
    said = [{**asdict(goal), "met": goal.met} for goal in goals]
    found = json.dumps({"bench": name, "machine": machine(), "rows": rows, "goals": said}, indent=1)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{name}.json").write_text(found + "\n", encoding="utf-8")
    if options.json:
        print(found)
    else:
        print("\n".join((table(rows), "", *map(str, goals), machine())))
    return 0
