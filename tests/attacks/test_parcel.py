"""What can be done to a snapshot file on its way, without the writer's key and with it, and what the check says."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.dossier.archive import Archive
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.present import parcels
from comfy_provenance.provenance.record import schema
from comfy_provenance.provenance.seal import merkle, tlog_proof
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import parcel
from comfy_provenance.provenance.verify.policy import CODES, Rejected
from comfy_provenance.tests.store.recording import SEED, Recorder, genesis_of
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

POSITIONS = 600


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    signer = Signer.from_seed(SEED)
    made = Ledger.create(tmp_path_factory.mktemp("parcel") / "ledger", signer, genesis_of(signer))
    Recorder(made).everything()
    yield made
    made.close()


@pytest.fixture(scope="module")
def packed(ledger: Ledger) -> bytes:
    run = ledger.index.execution("run-2")
    assert run is not None
    return parcels.pack(ledger, run)


def check(data: bytes) -> parcel.Said:
    return parcel.Parcel(io.BytesIO(data)).check()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    archive = Archive(out)
    for name, data in files.items():
        archive.add(name, [data])
    archive.close()
    return out.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(Rejected) as error:
        check(data)
    assert error.value.code in CODES
    return error.value.code


def test_a_sound_file_holds_and_is_what_any_zip_program_reads(packed: bytes) -> None:
    said = check(packed)
    assert said.submission["execution"] == "run-2"
    assert said.completion is not None
    assert len(said.models) == 1
    assert zipped(members(packed)) == packed


def test_any_changed_byte_is_found(packed: bytes) -> None:
    positions = sorted(random.Random(5).sample(range(len(packed)), min(POSITIONS, len(packed))))
    for at in positions:
        changed = bytearray(packed)
        changed[at] ^= 1 << (at % 8)
        refused(bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 21, 400, -1, -30])
def test_a_file_that_is_cut_short(packed: bytes, length: int) -> None:
    refused(packed[:length])


def test_every_file_is_needed(packed: bytes) -> None:
    files = members(packed)
    for name in files:
        if not name.startswith("objects/"):
            refused(zipped({key: data for key, data in files.items() if key != name}))


def test_nothing_can_be_added(packed: bytes) -> None:
    files = members(packed)
    for name in ("readme.txt", "entries/00000099.dsse.json", f"objects/{'1' * 64}"):
        assert refused(zipped(dict(sorted({**files, name: b"more"}.items())))) == "parcel-form"


def test_an_object_that_no_entry_names_cannot_travel_along(packed: bytes) -> None:
    data = b"a better picture"
    files = {**members(packed), f"objects/{sha256_hex(data)}": data}
    assert refused(zipped(dict(sorted(files.items())))) == "parcel-form"


def test_files_in_another_order(packed: bytes) -> None:
    assert refused(zipped(dict(reversed(members(packed).items())))) == "parcel-form"


def test_another_runs_completion_cannot_take_the_place_of_the_own(ledger: Ledger, packed: bytes) -> None:
    """Both are signed and in the log: each only speaks of its own run."""
    other = ledger.index.execution("run-1")
    assert other is not None
    own = ledger.index.execution("run-2")
    assert own is not None
    strange = members(parcels.pack(ledger, other))
    files = members(packed)
    for name in (parcel.entry_name, parcel.proof_name):
        files.pop(name(own.completion or 0))
        files[name(other.completion or 0)] = strange[name(other.completion or 0)]
    assert refused(zipped(dict(sorted(files.items())))) == "parcel-form"


def test_a_file_that_names_another_run_than_it_holds(packed: bytes) -> None:
    files = {**members(packed), parcel.ABOUT: parcel.about("run-1")}
    assert refused(zipped(files)) == "parcel-form"


def test_everything_signed_again_with_another_key(packed: bytes) -> None:
    """Whoever re-signs everything has another key: that is what the fingerprint is for."""
    other = Signer.from_seed(b"somebody else's key, never used."[:32])
    files = {**members(packed), parcel.KEY: other.public.pem.encode()}
    assert refused(zipped(files)) == "checkpoint-invalid"
    with pytest.raises(Rejected) as error:
        parcel.Parcel(io.BytesIO(packed)).check(other.public)
    assert error.value.code == "foreign-key"


NO_SNAPSHOT_FILE = {
    "no JSON": (parcel.ABOUT, b"run-2"),
    "a list": (parcel.ABOUT, b"[]"),
    "no run": (parcel.ABOUT, b"{}"),
    "half a character": (parcel.ABOUT, parcel.about("?").replace(b"?", rb"\ud800")),
    "another spelling": (parcel.ABOUT, parcel.about("run-2") + b"\n"),
    "another version": (parcel.ABOUT, parcel.about("run-2").replace(b'"version":1', b'"version":2')),
    "no key": (parcel.KEY, b"run-2"),
    "no text for a key": (parcel.KEY, b"\xff"),
    "another spelling of the key": (parcel.KEY, Signer.from_seed(SEED).public.pem.encode() + b"\n"),
}


@pytest.mark.parametrize("what", NO_SNAPSHOT_FILE)
def test_what_it_says_of_itself_has_one_spelling(packed: bytes, what: str) -> None:
    name, data = NO_SNAPSHOT_FILE[what]
    assert refused(zipped({**members(packed), name: data})) == "parcel-form"


# What somebody can do who holds the key: every entry is well signed.


class Writer:
    """A log of one run, and snapshot files of it with whatever is wrong with them."""

    def __init__(self) -> None:
        self.log = SimulatedLog()
        self.log.genesis()
        self.log.event("start")

    def run(self, **changes: object) -> Writer:
        self.log.complete("e1", self.log.submit("e1", **changes))
        return self

    def pack(self, *leave_out: str, **changed: bytes) -> bytes:
        """All entries and objects. leave_out: digests and entries that are not to be in it; changed: files by what
        they are: `entry_2`, `proof_2`, or an object's digest after `object_`."""
        log = self.log
        leaves = [merkle.leaf_hash(entry) for entry in log.entries]
        files = {parcel.ABOUT: parcel.about("e1"), parcel.KEY: log.public.pem.encode(), parcel.HEAD: log.note}
        for index, entry in enumerate(log.entries):
            if f"entry_{index}" not in leave_out:
                proof = tlog_proof.write(index, merkle.inclusion_proof(index, len(leaves), leaves), log.note)
                files[parcel.entry_name(index)] = changed.get(f"entry_{index}", entry)
                files[parcel.proof_name(index)] = changed.get(f"proof_{index}", proof)
        for digest, data in log.objects.items():
            if digest not in leave_out:
                files[parcel.object_name(digest)] = changed.get(f"object_{digest}", data)
        return zipped(dict(sorted(files.items())))


def test_a_file_of_a_whole_small_log_holds() -> None:
    found = parcel.Parcel(io.BytesIO(Writer().run().pack()))
    assert found.check().entries == (0, 1, 2, 3)
    digest = found.check().submission["snapshot"]["prompt"]
    assert found.has(digest)
    assert b"".join(found.iterate(digest) or ()) == found.object(digest) == b'{"prompt":"e1"}'
    elsewhere = "0" * 64
    assert (found.has(elsewhere), found.object(elsewhere), found.iterate(elsewhere)) == (False, None, None)


def test_a_file_without_the_beginning_of_its_log() -> None:
    assert refused(Writer().run().pack("entry_0")) == "genesis-missing"


def test_an_entry_in_the_place_of_another() -> None:
    writer = Writer().run()
    assert refused(writer.pack(entry_3=writer.log.entries[2])) == "log-index"


def test_an_object_under_the_name_of_another() -> None:
    writer = Writer().run()
    digest = sha256_hex(b'{"prompt":"e1"}')
    assert refused(writer.pack(**{f"object_{digest}": b'{"prompt":"e2"}'})) == "object-altered"


@pytest.mark.parametrize("document", ["prompt", "workflow"])
def test_a_run_without_its_graph(document: str) -> None:
    assert refused(Writer().run().pack(sha256_hex(f'{{"{document}":"e1"}}'.encode()))) == "object-missing"


def test_an_entry_that_does_not_fit_its_schema() -> None:
    assert refused(Writer().run(number="first").pack()) == "schema-invalid"


def test_an_entry_of_a_later_format() -> None:
    writer = Writer()
    later = schema.predicate_type(Kind.SUBMISSION).replace("/v1", "/v99")
    writer.log.append(later, writer.log.submission_body("e1"))
    assert refused(writer.pack()) == "format-newer"


def test_two_runs_in_one_file() -> None:
    writer = Writer().run()
    writer.log.complete("e2", writer.log.submit("e2"))
    assert refused(writer.pack()) == "parcel-form"


def test_a_proof_that_is_not_of_this_entry_or_not_in_its_one_form() -> None:
    writer = Writer().run()
    log = writer.log
    leaves = [merkle.leaf_hash(entry) for entry in log.entries]
    hashes = merkle.inclusion_proof(3, 4, leaves)
    older = SimulatedLog(seed=1).session(runs=0).note
    for what, proof in {
        "another place": tlog_proof.write(2, merkle.inclusion_proof(2, 4, leaves), log.note),
        "another checkpoint": tlog_proof.write(3, hashes, older),
        "other hashes": tlog_proof.write(3, merkle.inclusion_proof(2, 4, leaves), log.note),
        "another spelling": tlog_proof.write(3, hashes, log.note).replace(b"\nindex 3\n", b"\nextra x\nindex 3\n"),
        "no proof": b"index 3\n",
    }.items():
        assert refused(writer.pack(proof_3=proof)) == "proof-other", what


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a\\b", "objects/../../x", "CON", "entries/./x", "x" * 300], ids=repr
)
def test_names_that_lead_elsewhere(packed: bytes, name: str) -> None:
    out = io.BytesIO(packed)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, b"x")
    assert refused(out.getvalue()).startswith("zip-")


@pytest.mark.parametrize("repack", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_file_that_was_packed_again_by_another_program(packed: bytes, repack: int) -> None:
    """Not wrong in what it says, but no longer in the one form in which every byte is accounted for."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", repack) as archive:
        for name, data in members(packed).items():
            archive.writestr(name, data)
    assert refused(out.getvalue()) == "zip-form"


def test_inputs_are_written_under_plain_names_only(tmp_path: Path) -> None:
    names = ["../../x.png", "C:\\x.png", "sub/x.png [input]", "con.png", "x\u202egnp.exe"]
    plain: Callable[[str], str] = parcels.plain_name
    for name in names:
        made = plain(name)
        assert "/" not in made
        assert "\\" not in made
        assert (tmp_path / made).resolve().parent == tmp_path.resolve()
