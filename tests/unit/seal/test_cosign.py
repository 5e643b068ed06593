"""A witness cosigns what extends what it saw before, and nothing else."""

from __future__ import annotations

import base64
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import checkpoint, cosign, merkle
from comfy_provenance.provenance.seal.keys import Signer

LOG, WITNESS = Signer.from_seed(b"\x01" * 32), Signer.from_seed(b"\x02" * 32)
ORIGIN = checkpoint.origin_of(LOG.public)
NAME = checkpoint.origin_of(WITNESS.public)
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(20)]
AT = 1_795_000_000


def note(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return checkpoint.sign(ORIGIN, size, merkle.root_of(leaves[:size]), LOG)


def offer(size: int, old: int = 0, leaves: list[bytes] = LEAVES) -> cosign.Offer:
    return cosign.Offer(note(size, leaves), old, merkle.consistency_proof(old, size, leaves) if old else ())


def seen(size: int) -> checkpoint.Checkpoint:
    return checkpoint.open(note(size), LOG.public)


def test_a_cosignature_is_found_and_the_log_signature_still_holds() -> None:
    signed = cosign.add(note(7), LOG.public, NAME, WITNESS, AT)
    assert cosign.open(signed, NAME, WITNESS.public) == AT
    assert cosign.names_of(signed, WITNESS.public) == [NAME]
    assert checkpoint.open(signed, LOG.public) == seen(7)
    assert signed.startswith(note(7))


def test_the_latest_of_two_cosignatures_counts() -> None:
    once = cosign.add(note(7), LOG.public, NAME, WITNESS, AT + 5)
    assert cosign.open(cosign.add(once, LOG.public, NAME, WITNESS, AT), NAME, WITNESS.public) == AT + 5


def test_another_name_key_or_tree_has_no_cosignature() -> None:
    signed = cosign.add(note(7), LOG.public, NAME, WITNESS, AT)
    moved = note(8) + signed[len(note(7)) :]
    for data, name, public in (
        (signed, "someone/else", WITNESS.public),
        (signed, NAME, LOG.public),
        (note(7), NAME, WITNESS.public),
        (moved, NAME, WITNESS.public),
    ):
        with pytest.raises(IntegrityError):
            cosign.open(data, name, public)


def test_every_changed_character_of_a_cosignature_is_refused() -> None:
    signed = cosign.add(note(7), LOG.public, NAME, WITNESS, AT)
    for place in range(len(note(7)), len(signed)):
        changed = bytearray(signed)
        changed[place] ^= 0x01
        with pytest.raises(IntegrityError):
            cosign.open(bytes(changed), NAME, WITNESS.public)


def test_a_checkpoint_that_the_log_did_not_sign_is_not_cosigned() -> None:
    other = checkpoint.sign(ORIGIN, 7, merkle.root_of(LEAVES[:7]), WITNESS)
    with pytest.raises(IntegrityError):
        cosign.add(other, LOG.public, NAME, WITNESS, AT)


@pytest.mark.parametrize("at_s", [0, -1, cosign.MAX_TIME + 1])
def test_a_cosignature_is_of_a_time_that_a_calendar_has(at_s: int) -> None:
    with pytest.raises(InputError, match="from 1970 to 9999"):
        cosign.add(note(7), LOG.public, NAME, WITNESS, at_s)


@pytest.mark.parametrize("at_s", [0, cosign.MAX_TIME + 1, 2**63 - 1])
def test_a_cosignature_that_was_signed_for_no_such_time_is_refused(at_s: int) -> None:
    """By whoever holds the witness's key: the signature itself is good."""
    text, _ = checkpoint.take_apart(note(7))
    signature = WITNESS.sign(f"cosignature/v1\ntime {at_s}\n{text}".encode())
    line = base64.b64encode(cosign.key_hash(NAME, WITNESS.public) + at_s.to_bytes(8, "big") + signature).decode()
    signed = note(7) + f"\N{EM DASH} {NAME} {line}\n".encode()
    assert cosign.names_of(signed, WITNESS.public) == [NAME]
    with pytest.raises(IntegrityError, match="no time from 1970 to 9999"):
        cosign.open(signed, NAME, WITNESS.public)


def test_a_verifier_key_is_read_as_it_was_written_and_not_otherwise() -> None:
    text = cosign.vkey(WITNESS.public, NAME)
    assert cosign.read_vkey(f" {text}\n") == (NAME, WITNESS.public)
    name, stated, encoded = text.split("+", 2)
    cases = {
        "no verifier key": ("nothing of the kind", "type 0x04"),
        "no base64": (f"{name}+{stated}+x", r"name\+hash\+key"),
        "another base64": (text + "=", r"name\+hash\+key"),
        "a log's key": (checkpoint.vkey(WITNESS.public), "type 0x04"),
        "another name": (f"{name}x+{stated}+{encoded}", "hash is not that of"),
        "another hash": (f"{name}+00000000+{encoded}", "hash is not that of"),
        "no name": (f"+{stated}+{encoded}", "cannot be a key name"),
        "a key that is cut": (f"{name}+{stated}+{encoded[:-4]}", "not an Ed25519 public key"),
    }
    for what, (bad, why) in cases.items():
        with pytest.raises(InputError, match=why):
            cosign.read_vkey(bad)
        assert bad != text, what


def test_an_offer_without_a_proof_is_the_note() -> None:
    assert cosign.write_offer(offer(7)) == note(7)
    assert cosign.read_offer(note(7)) == offer(7)


@pytest.mark.parametrize("old", range(1, 13))
def test_growth_is_proved_from_every_size(old: int) -> None:
    assert cosign.check_growth(cosign.read_offer(cosign.write_offer(offer(13, old))), LOG.public, seen(old)).size == 13


def test_the_first_checkpoint_seen_needs_no_proof() -> None:
    assert cosign.check_growth(offer(13), LOG.public, None).size == 13
    assert cosign.check_growth(offer(13), LOG.public, seen(13)).size == 13


def test_a_fork_and_a_rollback_are_refused() -> None:
    forked = [*LEAVES[:3], merkle.leaf_hash(b"another idea"), *LEAVES[4:]]
    with pytest.raises(IntegrityError, match="not consistent"):
        cosign.check_growth(offer(13, 7, forked), LOG.public, seen(7))
    with pytest.raises(IntegrityError, match="forked"):
        cosign.check_growth(offer(7, 0, forked), LOG.public, seen(7))
    with pytest.raises(IntegrityError, match="rolled back"):
        cosign.check_growth(offer(6), LOG.public, seen(7))


def test_a_proof_from_another_size_asks_for_a_new_one() -> None:
    with pytest.raises(InputError, match="a proof from 7 entries is needed"):
        cosign.check_growth(offer(13, 5), LOG.public, seen(7))


def test_another_log_is_refused() -> None:
    other = dataclasses.replace(seen(7), origin="comfy-provenance/0000000000000000")
    with pytest.raises(IntegrityError, match="not of"):
        cosign.check_growth(offer(13), LOG.public, other)


@pytest.mark.parametrize(
    "data", [b"old 5", b"old x\n\n" + note(7), b"old 5\nAAAA\n\n" + note(7), b"old 05\n\n", b"old 5\n\xff\n\n"]
)
def test_malformed_offers_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        cosign.read_offer(data)


def test_a_fingerprint_is_short_and_binds_log_size_and_root() -> None:
    text = checkpoint.fingerprint(seen(7))
    assert re.fullmatch(r"7(-[A-Z2-7]{4}){8}", text)
    read = checkpoint.open_fingerprint(f" {text.lower().replace('-', '- ')} ")
    assert checkpoint.agree(read, seen(7))
    assert not checkpoint.agree(read, dataclasses.replace(seen(7), origin="x"))
    assert not checkpoint.agree(read, dataclasses.replace(seen(7), root=b"\0" * 32))
    for bad in ("", "7", "x-" + text, text[:-1], "07" + text[1:]):
        with pytest.raises(InputError):
            checkpoint.open_fingerprint(bad)


GO = """package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	data, _ := io.ReadAll(os.Stdin)
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		panic(err)
	}
	fmt.Print(len(opened.Sigs), " ", len(opened.UnverifiedSigs))
}
"""


@pytest.mark.skipif(shutil.which("go") is None or not Path("/usr/share/gocode/src/golang.org/x/mod").is_dir(),
                    reason="no Go with golang.org/x/mod")  # fmt: skip
def test_go_reads_a_cosigned_checkpoint(tmp_path: Path) -> None:
    """Its `note` package knows the log's signature and passes over the cosignature, as C2SP demands."""
    source = tmp_path / "src" / "opens" / "main.go"
    source.parent.mkdir(parents=True)
    source.write_text(GO)
    signed = cosign.add(note(7), LOG.public, NAME, WITNESS, AT)
    environment = {"GO111MODULE": "off", "GOPATH": f"{tmp_path}:/usr/share/gocode", "GOCACHE": str(tmp_path / "cache"),
                   "PATH": "/usr/bin:/bin:/usr/local/go/bin"}  # fmt: skip
    done = subprocess.run(
        ["go", "run", str(source), checkpoint.vkey(LOG.public)], input=signed, env=environment, capture_output=True
    )
    assert done.stdout == b"1 1", done.stderr.decode()
