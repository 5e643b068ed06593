"""The files that are made from what a dossier shows: indexes, certificates, pages, instructions.

They are no evidence. The same shown bytes give the same files, so whoever checks a dossier makes them again from it and
compares; a page that says what no entry says is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from ..canonical import sha256_hex
from ..record.media import HEAD, media_type
from ..seal import checkpoint, sshsig, timestamp
from ..seal.keys import PublicKey
from ..verify import layout
from ..verify.description import Description
from ..verify.layout import Listed
from ..verify.verifier import Report
from . import crate, instructions, prov
from .options import Progress
from .page import verifier_page
from .report import page
from .story import Story
from .telling import Shown, tell

ASSETS = Path(__file__).resolve().parent / "assets"


class Views:
    """All of them, for one dossier. Reads what is shown when a file is asked for."""

    def __init__(self, shown: Shown, public: PublicKey, description: Description, report: Report | None = None) -> None:
        """report: see `telling.tell`."""
        self._shown = shown
        self._public = public
        self._description = description
        self._report = report

    @cached_property
    def story(self) -> Story:
        """What the shown entries tell."""
        return tell(self._shown, self._public, self._description, self._report)

    def payload(self, written: Iterable[Listed]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The views inside the payload, in their order, to be read one after the other. written: the payload files
        before the one that is being read, in their order; it is read again for each that needs it."""
        chains = self._chains()
        yield layout.PROV, prov.blocks(self.story)
        yield layout.CRATE, crate.blocks(self.story, _Described(written, chains), self._kind)
        for name, data in chains.items():
            yield name, [data]

    def _chains(self) -> dict[str, bytes]:
        """The certificates that each time token brings along."""
        tokens = ((event, self._shown.object(event.said["token"])) for event in self.story.anchors)
        return {layout.chain(event.stamp.entry): timestamp.certificates(token) for event, token in tokens if token}

    def _by_hand(self) -> dict[int, timestamp.ByHand]:
        """The tokens whose signature is left to other programs."""
        unproved = (event for event in self.story.anchors if event.stamp.entry in self.story.unproved)
        tokens = ((event.stamp.entry, self._shown.object(event.said["token"])) for event in unproved)
        return {entry: timestamp.by_hand(token) for entry, token in tokens if token}

    def tags(self, count: int, size: int, progress: Progress) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The files that describe the bag, in their order. count, size: of the payload's files and their bytes."""
        story, origin = self.story, checkpoint.origin_of(self._public)
        info = layout.bag_info((story.last or "1970-01-01")[:10], origin, count, size, self._description.title)
        yield layout.BAG_INFO, [info]
        yield layout.BAGIT, [layout.BAGIT_TEXT]
        yield layout.REPORT, page.blocks(story, self._shown, progress)
        yield layout.PAGE, [verifier_page()]
        for language, name in layout.READMES.items():
            yield name, [instructions.text(story, language, self._by_hand()).encode()]
        yield layout.SIGNERS, [sshsig.allowed_signers(self._public, origin).encode()]

    def _kind(self, digest: str) -> str:
        head = self._shown.head(digest, HEAD)
        found = media_type(head, "")
        return "application/json" if found == "application/octet-stream" and head[:1] in (b"{", b"[") else found


class _Described:
    """The files that the crate describes, again and again: what was recorded, PROV, the certificates of tokens."""

    def __init__(self, written: Iterable[Listed], chains: Mapping[str, bytes]) -> None:
        self._written = written
        self._chains = [Listed(name, sha256_hex(data), len(data)) for name, data in chains.items()]

    def __iter__(self) -> Iterator[Listed]:
        for each in self._written:
            if layout.order(each.name)[0] == 0 or each.name == layout.PROV:
                yield each
        yield from self._chains
