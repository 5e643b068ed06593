"""Reads a dossier strictly and checks it: container, bag, log, proofs, objects. Needs no ledger and nobody's word.

What a clean report says: the files are those that the manifests list, byte for byte; the entries shown were signed by
this key and stand in its log where they say, among others that are known by their hash alone; the objects are those
that the entries name. Not checked here: that the pages say what the entries say (they are made again from those,
which `present.dossiers` does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import IO, BinaryIO

from ..canonical import is_sha256_hex, sha256_hex
from ..errors import InputError, IntegrityError, NotFound
from ..model import Finding
from ..seal import checkpoint, sshsig, tlog_proof
from ..seal.checkpoint import Checkpoint, Fingerprint
from ..seal.keys import PublicKey, public_from_pem
from ..seal.merkle import HASH_SIZE, Tree, leaf_hash
from ..seal.timestamp import Roots
from ..shelf import Numbers, Shelf
from . import description, layout, verifier
from .container import Container, Member
from .description import Description
from .layout import Listed
from .policy import Rejected, finding, shown

Progress = Callable[[int, "int | None"], None]


class Dossier:
    """An open dossier. It is a `verify.Reader` for the log that it shows. Opening checks the container's form.

    Raises Rejected for a file that is no dossier, or whose description or key cannot be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.container = Container(file)
        for name in self.container.members:
            if not name.startswith(layout.BASE):
                raise Rejected("bag-extra", f"{name} is not inside {layout.BASE}")
        missing = next((name for name in layout.ALWAYS if not self.has_file(name)), None)
        if missing is not None:
            raise Rejected("bag-missing", f"{missing} is not there")
        self.description: Description = description.read(self.read(layout.DESCRIPTION))
        try:
            self.public: PublicKey = public_from_pem(self.read(layout.PUBLIC_KEY).decode("ascii", "replace"))
        except InputError as error:
            raise Rejected("bag-form", f"{layout.PUBLIC_KEY}: {error}") from error
        self._entries = Numbers(i for name in self.names() if (i := layout.entry_in(name)) is not None)
        self._leaves = self._read_leaves()

    def names(self) -> Iterator[str]:
        """The files in their order."""
        return (name[len(layout.BASE) :] for name in self.container.members)

    def files(self) -> Iterator[tuple[str, Member]]:
        """The files with their places in the zip, in their order."""
        return ((member.name[len(layout.BASE) :], member) for member in self.container.members.values())

    def _read_leaves(self) -> bytes:
        found, lines = bytearray(), self.open(layout.LEAVES)
        while line := lines.read(2 * HASH_SIZE + 1):
            leaf = line[:-1].decode("ascii", "replace")
            if line[-1:] != b"\n" or not is_sha256_hex(leaf):
                break
            found += bytes.fromhex(leaf)
        if line or not found:
            raise Rejected("bag-form", f"{layout.LEAVES} is not one hash per line")
        return bytes(found)

    def read(self, name: str) -> bytes:
        """A file, whole. Raises KeyError, and Rejected for one that is too large for memory."""
        return self.container.read(layout.BASE + name)

    def open(self, name: str) -> IO[bytes]:
        """A file, to be read from its beginning on; see `Container.open`."""
        return self.container.open(layout.BASE + name)

    def has_file(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return layout.BASE + name in self.container.members

    # what `telling` and the verifier read

    def checkpoint(self) -> bytes:
        """The signed note that the dossier was made under."""
        return self.read(layout.CHECKPOINT)

    def entry(self, index: int) -> bytes:
        """A shown entry. Raises NotFound."""
        if index not in self._entries:
            raise NotFound(f"entry {index} is not shown")
        return self.read(layout.entry(index))

    def entries(self) -> Numbers:
        """The places of the shown entries, in order."""
        return self._entries

    def leaf(self, index: int) -> bytes | None:
        """The hash of an entry that is not shown."""
        return self.listed_leaf(index) if 0 <= index < self.log_size and index not in self._entries else None

    @property
    def log_size(self) -> int:
        """How many hashes of entries are listed."""
        return len(self._leaves) // HASH_SIZE

    def listed_leaf(self, index: int) -> bytes:
        """The listed hash of any entry below `log_size`."""
        return self._leaves[index * HASH_SIZE : (index + 1) * HASH_SIZE]

    def has(self, digest: str) -> bool:
        """Whether an object is shown."""
        return self.has_file(layout.object_of(digest))

    def head(self, digest: str, size: int) -> bytes:
        """The first bytes of a shown object. Raises KeyError."""
        return self.container.head(layout.BASE + layout.object_of(digest), size)

    def object(self, digest: str) -> bytes | None:
        """A shown object, whole."""
        return self.read(layout.object_of(digest)) if self.has(digest) else None


class Check:
    """One pass over one dossier. The SHA-256 of every file is known once `files` has run."""

    def __init__(
        self,
        dossier: Dossier,
        key: PublicKey | None = None,
        roots: Roots | None = None,
        seen: Sequence[Checkpoint | Fingerprint] = (),
    ) -> None:
        """key: the one that must have signed; without it, the one that the dossier states. roots: certificates of
        time authorities that the reader trusts. seen: checkpoints of this log that somebody kept."""
        self._dossier = dossier
        self._roots = roots
        self._seen = tuple(seen)
        self.public = key or dossier.public
        self._files = Shelf[tuple[str, int]]()  # SHA-256 and size of all files, in their order
        self.report: verifier.Report | None = None
        self.is_signed = False

    def run(self, progress: Progress | None = None) -> Iterator[Finding]:
        """Everything. Findings that concern one file name it first."""
        yield from self.files(progress)
        yield from self.log()
        yield from self.leaves_and_proofs()

    def files(self, progress: Progress | None = None) -> Iterator[Finding]:
        """Whether the bag holds exactly the files that its manifests list, in their order, byte for byte."""
        total = sum(member.size for _, member in self._dossier.files())
        done = 0
        for name, member in self._dossier.files():
            digest = sha256()
            try:
                for block in self._dossier.container.content(member):
                    digest.update(block)
                    done += len(block)
                    if progress is not None:
                        progress(done, total)
            except Rejected as error:
                yield finding(error.code, str(error).removeprefix(layout.BASE))
            self._files[name] = digest.hexdigest(), member.size
        misplaced = self._misplaced()
        if misplaced is not None:
            yield finding("bag-order", f"{misplaced} is not in its place among the files")
        last = (layout.TAG_MANIFEST, layout.SIGNATURE)
        yield from self._manifest(layout.MANIFEST, layout.is_payload)
        yield from self._manifest(layout.TAG_MANIFEST, lambda name: not layout.is_payload(name) and name not in last)
        yield from self._forms()

    def digest(self, name: str) -> str:
        """The SHA-256 of a file. Raises KeyError."""
        return self._files[name][0]

    @property
    def plain_report(self) -> verifier.Report | None:
        """The report on the log, where nothing that the reader chose had a part in it."""
        plain = self._roots is None and not self._seen and self.public == self._dossier.public
        return self.report if plain else None

    def payload(self) -> Payload:
        """The payload's files in their order."""
        return Payload(self._files)

    def _misplaced(self) -> str | None:
        """The first file that is not where it belongs."""
        if all(before < after for before, after in pairwise(map(layout.order, self._dossier.names()))):
            return None
        right = sorted(self._dossier.names(), key=layout.order)
        return next(name for name, other in zip(self._dossier.names(), right, strict=True) if name != other)

    def _manifest(self, manifest: str, lists: Callable[[str], bool]) -> Iterator[Finding]:
        if self._is_manifest(self._dossier.open(manifest), lists):
            return
        data = self._dossier.read(manifest)
        names = list(filter(lists, self._dossier.names()))
        listed = {}
        for line in data.decode("utf-8", "replace").splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
        different = False
        for name in names:
            if name not in listed:
                different = True
                yield finding("bag-extra", f"{name} is not listed in {manifest}")
            elif listed[name] != self.digest(name):
                different = True
                found, said = self.digest(name), shown(listed[name])
                yield finding("bag-altered", f"{name}: its SHA-256 is {found}, {manifest} says {said}")
        for name in sorted(listed.keys() - set(names)):
            different = True
            yield finding("bag-missing", f"{shown(name)} is listed in {manifest} and is not there")
        if not different:
            yield finding("bag-form", f"{manifest} is not written in its one form")

    def _is_manifest(self, file: IO[bytes], lists: Callable[[str], bool]) -> bool:
        """Whether these are the lines about those files, one after the other."""
        for name, (digest, _) in self._files.by_key():
            if lists(name):
                line = layout.manifest_line(digest, name)
                if file.read(len(line)) != line:
                    return False
        return not file.read(1)

    def _forms(self) -> Iterator[Finding]:
        """The small files whose every byte follows from others."""
        read, public = self._dossier.read, self._dossier.public
        origin = checkpoint.origin_of(public)
        expected = {
            layout.BAGIT: layout.BAGIT_TEXT,
            layout.PUBLIC_KEY: public.pem.encode(),
            layout.OPENSSH_KEY: f"{public.openssh(origin)}\n".encode(),
            layout.VERIFIER_KEY: f"{checkpoint.vkey(public)}\n".encode(),
            layout.SIGNERS: sshsig.allowed_signers(public, origin).encode(),
        }
        for name, data in expected.items():
            if read(name) != data:
                yield finding("bag-form", f"{name} is not what the other files make of it")
        for name in self._dossier.names():
            if not self._belongs(name):
                yield finding("bag-extra", f"{name} is no file of a dossier")
        for name, (found, _) in self._files.items():
            digest = layout.object_in(name)
            if digest is not None and digest != found:
                yield finding("object-altered", f"{name}: its SHA-256 is {found}")
        if self._dossier.has_file(layout.SIGNATURE):
            try:
                data, note = read(layout.TAG_MANIFEST), read(layout.SIGNATURE)
                sshsig.verify(note, data, layout.SIGNATURE_NAMESPACE, self.public)
                self.is_signed = True
            except IntegrityError as error:
                yield finding("bag-altered", f"{layout.SIGNATURE}: {error}")

    def _belongs(self, name: str) -> bool:
        if name in layout.ALWAYS or name == layout.SIGNATURE or layout.object_in(name) is not None:
            return True
        number = name.rpartition("/")[2].partition(".")[0]
        index = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
        named = {layout.entry(index), layout.proof(index), layout.chain(index)} if index >= 0 else ()
        return name in named and index in self._dossier.entries()

    def log(self, progress: Progress | None = None) -> Iterator[Finding]:
        """Whether the entries shown are sound and stand in the log where they say."""
        left_out = {digest for digests in self._dossier.description.left_out.values() for digest in digests}
        excerpt = verifier.Excerpt(self._dossier.leaf, left_out)
        self.report = verifier.verify(
            self._dossier, self.public, seen=self._seen, roots=self._roots, excerpt=excerpt, progress=progress
        )
        yield from self.report.findings

    def leaves_and_proofs(self) -> Iterator[Finding]:
        """Whether the list of hashes has the entries' own, and each proof file is the proof of its entry."""
        dossier, note = self._dossier, self._dossier.checkpoint()
        tree = Tree(map(dossier.listed_leaf, range(dossier.log_size)))
        head = None if self.report is None else self.report.checkpoint
        if head is not None and (head.size, head.root) != (tree.size, tree.root):
            yield finding("leaf-other", f"{layout.LEAVES}: the hashes do not make the tree that the checkpoint signs")
        for index in dossier.entries():
            entry, proof = dossier.entry(index), layout.proof(index)
            if index >= tree.size or leaf_hash(entry) != dossier.listed_leaf(index):
                yield finding("leaf-other", f"{layout.entry(index)} does not have the hash that is listed", index)
            elif not dossier.has_file(proof):
                yield finding("bag-missing", f"{proof} is not there", index)
            elif dossier.read(proof) != tlog_proof.write(index, tree.inclusion_proof(index), note):
                yield finding("proof-other", f"{proof} is not the proof of entry {index}", index)

    @property
    def identity(self) -> str:
        """What names this dossier: the SHA-256 of its tag manifest, which names every file but itself."""
        return sha256_hex(self._dossier.read(layout.TAG_MANIFEST))


class Payload:
    """The payload's files, with what `Check.files` found of them; to be read as often as one likes."""

    def __init__(self, files: Shelf[tuple[str, int]]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[Listed]:
        return (Listed(name, *found) for name, found in self._files.items() if layout.is_payload(name))
