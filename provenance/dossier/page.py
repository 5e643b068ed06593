"""Puts the verifier page together: `verify.html`, one file without anything from elsewhere. Reads its sources only.

The scripts in `assets/page/` are modules that import one another; here they become one script, in an order in which
each follows what it needs. The page may run that script, by its digest, and do nothing over a network.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "assets" / "page"
_ORDER = (
    *("bytes", "sha256", "ed25519", "merkle", "zip", "witness"),
    *("der", "certificate", "token", "check", "texts", "view"),
)
_IMPORT = re.compile(r"^import [^\n]*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)


@cache
def verifier_page() -> bytes:
    """The page."""
    script = "\n".join([*(_closed(_text(f"{name}.js")) for name in _ORDER), "start(document)"])
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    page = _text("page.html").replace("@policy@", policy).replace("@style@", _text("page.css"))
    return page.replace("@script@", script).encode()


def _closed(module: str) -> str:
    """A module as one statement: what it exports becomes constants of the page, the rest stays inside."""
    names = ", ".join(_EXPORT.findall(module))
    inner = _EXPORT.sub(lambda found: found[0].removeprefix("export "), _IMPORT.sub("", module))
    return f"const {{ {names} }} = (() => {{\n{inner}return {{ {names} }}\n}})()"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
