"""How a stranger checks a dossier by hand: `verify/README.md`, with exact commands and what they print. Pure.

The texts are in `assets/`; what stands between two at signs is filled in. A test runs every command and compares.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ..seal import checkpoint, cosign
from ..seal.keys import public_from_pem
from ..seal.timestamp import ByHand
from ..verify import layout
from .story import Event, Story

_ASSETS = Path(__file__).resolve().parent / "assets"
_TITLE = {"en": "## 6. Time tokens\n", "zh": "## 6. 时间戳\n"}
_NO_TOKENS = {"en": "\nThere are none.\n", "zh": "\n无。\n"}
_SM2_IDENTITY = "distid:1234567812345678"  # of signers that have none of their own, GB/T 35275
_COSIGNATURES = {
    "en": ("## 7. Cosignatures", "Checkpoints that others cosigned (C2SP tlog-cosignature), with their verifier keys:"),
    "zh": ("## 7. 见证签名", "由他人见证签名的检查点（C2SP tlog-cosignature）及其验证密钥："),
}


def text(story: Story, language: str, unproved: Mapping[int, ByHand]) -> str:
    """The instructions in one language. unproved: tokens whose signature is not checked here, by their entries."""
    public = public_from_pem(story.pem)
    told = {
        "fingerprint": story.fingerprint,
        "origin": checkpoint.origin_of(public),
        "shown7": f"{story.shown:7}",
        "size": str(story.size),
        "vkey": checkpoint.vkey(public),
        "time": _time(story, language, unproved),
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


def _time(story: Story, language: str, unproved: Mapping[int, ByHand]) -> str:
    told = _TITLE[language] if story.anchors else _TITLE[language] + _NO_TOKENS[language]
    if story.tokens:
        told += _filled(f"time.{language}.md", {"commands": "\n".join(map(token_command, story.tokens))})
    if unproved:
        by_entry = {event.stamp.entry: event for event in story.anchors}
        steps = "\n\n".join(_steps(by_entry[entry], how) for entry, how in unproved.items())
        told += _filled(f"unproved.{language}.md", {"commands": steps})
    return told + _cosignatures(story, *_COSIGNATURES[language])


def _steps(event: Event, how: ByHand) -> str:
    """The commands that check the signature of a token piece by piece."""
    said = event.said
    note, token = layout.object_of(said["checkpoint"]["object"]), layout.object_of(said["token"])
    cut = {name: f"tail -c +{start + 1} {token} | head -c {size}" for name, (start, size) in how.places.items()}
    start, size = how.places["attributes"]
    inside = f"tail -c +{start + 2} {token} | head -c {size - 1}"
    identity = f" -pkeyopt {_SM2_IDENTITY}" if how.is_sm2 else ""
    lines = (
        f"openssl dgst -{said['imprint']['algorithm']} {note}",
        f"openssl ts -reply -token_in -in {token} -text",
        f"{cut['content']} | openssl dgst -{how.digest}",
        f"{{ printf '\\061'; {inside}; }} > attributes",
        "openssl asn1parse -inform DER -in attributes",
        f"{cut['signature']} > signature",
        f"{cut['signer']} | openssl x509 -inform DER -out signer.pem",
        f"openssl pkeyutl -verify -rawin -digest sm3{identity} -certin -inkey signer.pem \\",
        "  -in attributes -sigfile signature",
        f"openssl verify -attime {_seconds(said['gen_time'])} -purpose timestampsign -CAfile roots.pem \\",
        f"  -untrusted {layout.chain(event.stamp.entry)} signer.pem",
    )
    return "\n".join(lines)


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
