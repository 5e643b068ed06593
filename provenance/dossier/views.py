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
from . import crate, instructions, prov
from .options import Progress
from .page import verifier_page
from .report import page
from .story import Story
from .telling import Shown, tell

ASSETS = Path(__file__).resolve().parent / "assets"


class Views:
    """All of them, for one dossier. Reads what is shown when a file is asked for."""

    def __init__(self, shown: Shown, public: PublicKey, description: Description) -> None:
        self._shown = shown
        self._public = public
        self._description = description

    @cached_property
    def story(self) -> Story:
        """What the shown entries tell."""
        return tell(self._shown, self._public, self._description)

    def payload(self, digests: Mapping[str, str], sizes: Mapping[str, int]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The views inside the payload, in their order. digests, sizes: of the payload files before them."""
        made = {layout.PROV: prov.prov_json(self.story), **self._chains()}
        files = {name: (digests[name], sizes[name]) for name in digests if layout.order(name)[0] == 0}
        kinds = {digest: self._kind(digest) for name in files if (digest := layout.object_in(name)) is not None}
        files.update((name, (sha256_hex(data), len(data))) for name, data in made.items())
        for name in sorted([*made, layout.CRATE]):
            yield name, crate.metadata(self.story, files, kinds) if name == layout.CRATE else [made[name]]

    def _chains(self) -> dict[str, bytes]:
        """The certificates that each time token brings along."""
        tokens = ((event, self._shown.object(event.said["token"])) for event in self.story.anchors)
        return {layout.chain(event.stamp.entry): timestamp.certificates(token) for event, token in tokens if token}

    def tags(self, sizes: Mapping[str, int], progress: Progress) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The files that describe the bag, in their order. sizes: of all payload files."""
        payload = [size for name, size in sizes.items() if layout.is_payload(name)]
        story, origin = self.story, checkpoint.origin_of(self._public)
        last = max((run.submitted.at for run in story.runs.values()), default="1970-01-01")
        info = layout.bag_info(last[:10], origin, len(payload), sum(payload), self._description.title)
        yield layout.BAG_INFO, [info]
        yield layout.BAGIT, [layout.BAGIT_TEXT]
        yield layout.REPORT, page.blocks(story, self._shown, progress)
        yield layout.PAGE, [verifier_page()]
        for language, name in layout.READMES.items():
            yield name, [instructions.text(story, language).encode()]
        yield layout.SIGNERS, [sshsig.allowed_signers(self._public, origin).encode()]

    def _kind(self, digest: str) -> str:
        head = self._shown.head(digest, HEAD)
        found = media_type(head, "")
        return "application/json" if found == "application/octet-stream" and head[:1] in (b"{", b"[") else found
