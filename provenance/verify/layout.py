"""Names of the files in a dossier, and their order: a BagIt bag (RFC 8493) in one folder; `data/` is an RO-Crate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

BASE = "dossier/"
DESCRIPTION = "data/dossier.json"
CHECKPOINT = "data/log/checkpoint"
LEAVES = "data/log/leaves"
PUBLIC_KEY = "data/log/public.pem"
OPENSSH_KEY = "data/log/public.ssh"
VERIFIER_KEY = "data/log/vkey"
PROV = "data/provenance.json"
CRATE = "data/ro-crate-metadata.json"
REPORT = "report.html"
PAGE = "verify.html"
READMES = {"en": "verify/README.md", "zh": "verify/README.zh.md"}
SIGNERS = "verify/allowed_signers"
BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
SIGNATURE = "tagmanifest-sha256.txt.sig"
SIGNATURE_NAMESPACE = "dossier@comfy-provenance"

# Made from the other files of the payload; checked by making them again.
VIEWS = (PROV, CRATE)
TAGS = (BAG_INFO, BAGIT, REPORT, PAGE, SIGNERS, *READMES.values())
ALWAYS = (DESCRIPTION, CHECKPOINT, LEAVES, PUBLIC_KEY, OPENSSH_KEY, VERIFIER_KEY, *VIEWS, *TAGS, MANIFEST, TAG_MANIFEST)

_ENTRY = re.compile(r"data/entries/(\d{8,18})\.dsse\.json", re.ASCII)
_OBJECT = re.compile(r"data/objects/([0-9a-f]{64})", re.ASCII)
_LAST = (MANIFEST, TAG_MANIFEST, SIGNATURE)


class Listed(NamedTuple):
    """A file as a list of files names it. size: bytes."""

    name: str
    sha256: str
    size: int


def entry(index: int) -> str:
    """The file of an entry."""
    return f"data/entries/{index:08d}.dsse.json"


def proof(index: int) -> str:
    """The file with the proof of an entry's place."""
    return f"data/proofs/{index:08d}.tlog-proof"


def object_of(digest: str) -> str:
    """The file of an object."""
    return f"data/objects/{digest}"


def chain(index: int) -> str:
    """The file with the certificates that the token of an anchor carries."""
    return f"data/time/{index:08d}.pem"


def entry_in(name: str) -> int | None:
    """The entry that a file holds."""
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found and entry(int(found[1])) == name else None


def object_in(name: str) -> str | None:
    """The object that a file holds, by digest."""
    found = _OBJECT.fullmatch(name)
    return found[1] if found else None


def order(name: str) -> tuple[int, str]:
    """The place of a file: what was recorded, what is made from it, what describes it, the manifests."""
    if name in _LAST:
        return 3 + _LAST.index(name), name
    if not name.startswith("data/"):
        return 2, name
    return (1 if name in VIEWS or name.startswith("data/time/") else 0), name


def is_payload(name: str) -> bool:
    """Whether a file belongs to the bag's payload."""
    return name.startswith("data/")


def manifest(digests: Mapping[str, str], names: Iterable[str]) -> bytes:
    """A BagIt manifest over these files."""
    return b"".join(manifest_line(digests[name], name) for name in sorted(names))


def manifest_line(digest: str, name: str) -> bytes:
    """A manifest's line about one file; the lines are in the order of the names."""
    return f"{digest}  {name}\n".encode()


def bag_info(date: str, origin: str, count: int, size: int, title: str | None) -> bytes:
    """bag-info.txt, RFC 8493 section 2.2.2."""
    lines = {
        "Bagging-Date": date,
        "External-Identifier": origin,
        "External-Description": one_line(title or "How a work came to be, as recorded by comfy-provenance"),
        "Payload-Oxum": f"{size}.{count}",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()


def one_line(text: str) -> str:
    """A title on one line."""
    return " ".join(text.split())


BAGIT_TEXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
