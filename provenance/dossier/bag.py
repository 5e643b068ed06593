"""Writes the files of a dossier in their order: what was recorded, what is made from it, what describes it.

The same selection and key give the same bytes. I/O: reads the ledger, writes one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..seal import checkpoint, sshsig, tlog_proof
from ..seal.keys import PublicKey, Signer
from ..seal.merkle import HASH_SIZE, Tree
from ..verify import layout
from .archive import Archive
from .choose import Selection
from .disclosed import Disclosed
from .options import Progress
from .views import Views

File = tuple[str, Iterable[bytes], "int | None"]


def write(
    file: BinaryIO, selection: Selection, shown: Disclosed, public: PublicKey, signer: Signer | None, progress: Progress
) -> str:
    """Write the whole dossier to a seekable file; returns what names it, the SHA-256 of its tag manifest.

    signer: the ledger's key, for a signature over the tag manifest; without it there is none. Raises what reading the
    ledger raises, and OSError as the file does.
    """
    archive = Archive(file)
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def add(name: str, blocks: Iterable[bytes], size: int | None = None) -> None:
        digests[name] = archive.add(layout.BASE + name, blocks, size)
        sizes[name] = archive.sizes[layout.BASE + name]

    for name, blocks, size in _evidence(selection, shown, public, progress):
        add(name, blocks, size)
    views = Views(shown, public, selection.description)
    for name, data in views.payload(digests, sizes):
        add(name, data)
    for name, blocks in views.tags(sizes, progress):
        add(name, blocks)
    add(layout.MANIFEST, [layout.manifest(digests, filter(layout.is_payload, digests))])
    tags = layout.manifest(digests, [name for name in digests if not layout.is_payload(name)])
    add(layout.TAG_MANIFEST, [tags])
    if signer is not None:
        add(layout.SIGNATURE, [sshsig.sign(tags, layout.SIGNATURE_NAMESPACE, signer)])
    archive.close()
    return digests[layout.TAG_MANIFEST]


def _evidence(selection: Selection, shown: Disclosed, public: PublicKey, progress: Progress) -> Iterator[File]:
    """What was recorded, with the proofs of places."""
    leaves = [selection.leaves[at : at + HASH_SIZE] for at in range(0, len(selection.leaves), HASH_SIZE)]
    tree = Tree(leaves)
    origin = checkpoint.origin_of(public)
    yield layout.DESCRIPTION, [selection.description.to_bytes()], None
    for done, index in enumerate(selection.entries):
        progress("entries", done, len(selection.entries))
        yield layout.entry(index), [shown.entry(index)], None
    yield layout.CHECKPOINT, [selection.checkpoint], None
    yield layout.LEAVES, (f"{leaf.hex()}\n".encode() for leaf in leaves), None
    yield layout.PUBLIC_KEY, [public.pem.encode()], None
    yield layout.OPENSSH_KEY, [f"{public.openssh(origin)}\n".encode()], None
    yield layout.VERIFIER_KEY, [f"{checkpoint.vkey(public)}\n".encode()], None
    for done, digest in enumerate(selection.objects):
        progress("objects", done, len(selection.objects))
        yield layout.object_of(digest), shown.blocks(digest), shown.size(digest)
    for index in selection.entries:
        yield layout.proof(index), [tlog_proof.write(index, tree.inclusion_proof(index), selection.checkpoint)], None
