"""What somebody can do to a snapshot file on its way, and what the check says. The writer's key is not in his hands."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from comfy_provenance.provenance.dossier.archive import Archive
from comfy_provenance.provenance.present import parcels
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import parcel
from comfy_provenance.provenance.verify.policy import CODES, Rejected
from comfy_provenance.tests.store.recording import SEED, Recorder, genesis_of

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
    from comfy_provenance.provenance.canonical import sha256_hex

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
