"""How a stranger checks a dossier by hand: `verify/README.md`, with exact commands and what they print. Pure.

The texts are in `assets/`; what stands between two at signs is filled in. A test runs every command and compares.
"""

from __future__ import annotations

from calendar import timegm
from datetime import datetime
from pathlib import Path

from ..seal import checkpoint, cosign
from ..seal.keys import public_from_pem
from ..verify import layout
from .story import Event, Story

_ASSETS = Path(__file__).resolve().parent / "assets"
_NO_TOKENS = {"en": "## 6. Time tokens\n\nThere are none.\n", "zh": "## 6. 时间戳\n\n无。\n"}
_COSIGNATURES = {
    "en": ("## 7. Cosignatures", "Checkpoints that others cosigned (C2SP tlog-cosignature), with their verifier keys:"),
    "zh": ("## 7. 见证签名", "由他人见证签名的检查点（C2SP tlog-cosignature）及其验证密钥："),
}


def text(story: Story, language: str) -> str:
    """The instructions in one language."""
    public = public_from_pem(story.pem)
    told = {
        "fingerprint": story.fingerprint,
        "origin": checkpoint.origin_of(public),
        "shown7": f"{story.shown:7}",
        "size": str(story.size),
        "vkey": checkpoint.vkey(public),
        "time": _time(story, language),
    }
    return _filled(f"README.{language}.md", told)


def token_command(event: Event) -> str:
    """The command that checks an anchor's token, at the token's own time."""
    said = event.said
    note, token = layout.object_of(said["checkpoint"]["object"]), layout.object_of(said["token"])
    return (
        f"openssl ts -verify -in {token} -token_in \\\n"
        f"  -data {note} \\\n"
        f"  -CAfile roots.pem -untrusted {layout.chain(event.stamp.entry)} \\\n"
        f"  -attime {_seconds(said['gen_time'])}"
    )


def _seconds(at: str) -> int:
    """Seconds since the Unix epoch: what openssl takes on every system."""
    return timegm(datetime.strptime(at[:19], "%Y-%m-%dT%H:%M:%S").timetuple())


def _time(story: Story, language: str) -> str:
    if not story.anchors:
        return _NO_TOKENS[language]
    commands = _filled(f"time.{language}.md", {"commands": "\n".join(map(token_command, story.anchors))})
    return commands + _cosignatures(story, *_COSIGNATURES[language])


def _cosignatures(story: Story, title: str, lead: str) -> str:
    if not story.witnesses:
        return ""
    lines = []
    for event in story.witnesses:
        said = event.said
        key = cosign.vkey(public_from_pem(said["witness"]["public_key"]), said["witness"]["name"])
        lines.append(f"{key}  {layout.object_of(said['checkpoint']['object'])}")
    return f"\n{title}\n\n{lead}\n\n```\n" + "\n".join(lines) + "\n```\n"


def _filled(name: str, told: dict[str, str]) -> str:
    text = (_ASSETS / name).read_text(encoding="utf-8")
    for key, value in told.items():
        text = text.replace(f"@{key}@", value)
    return text
