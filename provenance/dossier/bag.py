"""Writes the files of a dossier in their order: what was recorded, what is made from it, what describes it.

The same selection and key give the same bytes. I/O: reads the ledger, writes one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO

from ..seal import checkpoint, sshsig, tlog_proof
from ..seal.keys import PublicKey, Signer
from ..seal.merkle import HASH_SIZE, Tree
from ..verify import layout
from ..verify.layout import Listed
from .archive import Archive
from .choose import Selection
from .disclosed import Disclosed
from .options import Progress
from .views import Views

_IN_MEMORY = 1 << 20  # bytes of a list before it goes to disk

File = tuple[str, Iterable[bytes], "int | None"]


def write(
    file: BinaryIO, selection: Selection, shown: Disclosed, public: PublicKey, signer: Signer | None, progress: Progress
) -> str:
    """Write the whole dossier to a seekable file; returns what names it, the SHA-256 of its tag manifest.

    signer: the ledger's key, for a signature over the tag manifest; without it there is none. Raises what reading the
    ledger raises, and OSError as the file, or the folder for temporary files, does.
    """
    with SpooledTemporaryFile(_IN_MEMORY) as directory, SpooledTemporaryFile(_IN_MEMORY) as lines:
        archive, payload = Archive(file, directory), _Payload(lines)
        for name, blocks, size in _evidence(selection, shown, public, progress):
            payload.add(_added(archive, name, blocks, size))
        views = Views(shown, public, selection.description)
        for name, data in views.payload(payload):
            payload.add(_added(archive, name, data))
        made = [_added(archive, name, blocks) for name, blocks in views.tags(payload.count, payload.bytes, progress)]
        made.append(_added(archive, layout.MANIFEST, (layout.manifest_line(sha, name) for name, sha, _ in payload)))
        tags = layout.manifest({each.name: each.sha256 for each in made}, [each.name for each in made])
        identity = _added(archive, layout.TAG_MANIFEST, [tags]).sha256
        if signer is not None:
            _added(archive, layout.SIGNATURE, [sshsig.sign(tags, layout.SIGNATURE_NAMESPACE, signer)])
        archive.close()
    return identity


def _added(archive: Archive, name: str, blocks: Iterable[bytes], size: int | None = None) -> Listed:
    return archive.add(layout.BASE + name, blocks, size)._replace(name=name)


class _Payload:
    """The payload's files as they were written, in their order, which is that of their names. Kept in a file: there may
    be more of them than memory should hold."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._last = ""
        self.count = 0
        self.bytes = 0

    def add(self, listed: Listed) -> None:
        """Take note of the next file. Raises ValueError for one that is out of order, or there already."""
        if listed.name <= self._last:
            raise ValueError(f"{listed.name} comes after {self._last}")
        self._last = listed.name
        self._lines.seek(0, SEEK_END)
        self._lines.write(f"{listed.sha256} {listed.size} {listed.name}\n".encode())
        self.count += 1
        self.bytes += listed.size

    def __iter__(self) -> Iterator[Listed]:
        """All of them so far. None may be added meanwhile."""
        self._lines.seek(0)
        for line in self._lines:
            digest, size, name = line.decode().split()
            yield Listed(name, digest, int(size))


def _evidence(selection: Selection, shown: Disclosed, public: PublicKey, progress: Progress) -> Iterator[File]:
    """What was recorded, with the proofs of places."""
    places = range(0, len(selection.leaves), HASH_SIZE)
    tree = Tree(selection.leaves[at : at + HASH_SIZE] for at in places)
    origin = checkpoint.origin_of(public)
    yield layout.DESCRIPTION, [selection.description.to_bytes()], None
    for done, index in enumerate(selection.entries):
        progress("entries", done, len(selection.entries))
        yield layout.entry(index), [shown.entry(index)], None
    yield layout.CHECKPOINT, [selection.checkpoint], None
    yield layout.LEAVES, (f"{selection.leaves[at : at + HASH_SIZE].hex()}\n".encode() for at in places), None
    yield layout.PUBLIC_KEY, [public.pem.encode()], None
    yield layout.OPENSSH_KEY, [f"{public.openssh(origin)}\n".encode()], None
    yield layout.VERIFIER_KEY, [f"{checkpoint.vkey(public)}\n".encode()], None
    count = len(selection.objects)
    for done, (digest, _) in enumerate(selection.objects.by_key()):
        tell = partial(progress, "objects", done, count)
        tell()
        yield layout.object_of(digest), _told(shown.blocks(digest), tell), shown.size(digest)
    for index in selection.entries:
        yield layout.proof(index), [tlog_proof.write(index, tree.inclusion_proof(index), selection.checkpoint)], None


def _told(blocks: Iterable[bytes], tell: Callable[[], None]) -> Iterator[bytes]:
    """The blocks, with word before each: a long file can be stopped in the midst of it."""
    for block in blocks:
        tell()
        yield block
