"""Exit codes of the command line."""

from __future__ import annotations

GOOD, FINDINGS, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
