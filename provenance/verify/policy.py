"""What a check may find: one stable code per kind of damage, its severity and its meaning.

An `error` means that evidence does not hold: bytes, signatures, places or links disagree. A `warning` means that the
record is intact but something about it deserves a look: a clock was set back, a thumbnail is gone, a run has no end.
Codes are part of the published output of `verify`: they are added, never renamed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import IntegrityError
from ..model import Finding

ERROR = "error"
WARNING = "warning"

LOG_FORMAT = 1
MAX_FINDINGS = 10_000  # listed; what is beyond is counted
MAX_MISSING_RUN = 1_000  # places without an entry in a row, after which the rest of the log is taken as missing too


@dataclass(frozen=True, slots=True)
class Code:
    """Severity and meaning of one finding code."""

    severity: str
    meaning: str


CODES: dict[str, Code] = {
    # the checkpoint
    "checkpoint-missing": Code(ERROR, "The log has no checkpoint; nothing says where it ends."),
    "checkpoint-invalid": Code(ERROR, "The checkpoint is malformed, or the key did not sign it for this log."),
    "checkpoint-root": Code(ERROR, "The entries found do not make the tree that the checkpoint signs."),
    "rolled-back": Code(ERROR, "A checkpoint seen earlier has more entries than the log has now."),
    "forked": Code(ERROR, "A checkpoint seen earlier signs another history than the log holds now."),
    # one entry by itself
    "entry-missing": Code(ERROR, "An entry that the checkpoint covers is not there."),
    "entry-uncovered": Code(ERROR, "There are entries after the last one that the checkpoint covers."),
    "envelope-malformed": Code(ERROR, "The entry is not a DSSE envelope as this log writes it."),
    "foreign-key": Code(ERROR, "The entry names another key as its signer."),
    "envelope-signature": Code(ERROR, "The signature does not match the entry's bytes."),
    "statement-malformed": Code(ERROR, "The signed payload is not an in-toto Statement v1 with digests."),
    "kind-unknown": Code(ERROR, "The predicate type is not one of this software's."),
    "format-newer": Code(ERROR, "Written by a later release, in a form that this release cannot check."),
    "predicate-malformed": Code(ERROR, "A member that every check needs is missing or has the wrong type."),
    "schema-invalid": Code(ERROR, "The predicate does not validate against its published schema."),
    # its place in the log
    "log-origin": Code(ERROR, "The entry was signed for another log."),
    "log-index": Code(ERROR, "The entry was signed for another place in the log."),
    "log-root": Code(ERROR, "The entries before this one are not those it was appended to."),
    "genesis-missing": Code(ERROR, "The log does not begin with a genesis entry."),
    "genesis-repeated": Code(ERROR, "There is a genesis entry that is not the first entry."),
    "genesis-key": Code(ERROR, "The genesis entry declares another public key than the one that signs."),
    # executions
    "execution-duplicate": Code(ERROR, "Two submissions carry the same execution id."),
    "completion-orphan": Code(ERROR, "A completion without a submission before it."),
    "completion-duplicate": Code(ERROR, "A second completion of the same execution."),
    "completion-submission": Code(ERROR, "A completion names another entry than its execution's submission."),
    "execution-open": Code(WARNING, "An execution of an ended session has no completion."),
    "replay-orphan": Code(ERROR, "An outcome without a replay before it that was submitted as one and completed."),
    "replay-duplicate": Code(ERROR, "A second outcome of the same replay."),
    "replay-mismatch": Code(ERROR, "A replay's outcome names another original or another completion than its run has."),
    "replay-original": Code(ERROR, "A replay says this log held the run that it repeats, and the log did not."),
    "decision-orphan": Code(WARNING, "A decision about an execution that this log did not submit before."),
    # sessions and clocks
    "submission-paused": Code(WARNING, "An execution was accepted while its session had recording paused."),
    "session-order": Code(WARNING, "An entry before its session's start, after its stop, or a second start."),
    "monotonic-back": Code(WARNING, "The monotonic clock ran backwards within a session."),
    "clock-back": Code(WARNING, "The wall clock is earlier than in the entry before."),
    # what the author says and brings in
    "intent-orphan": Code(WARNING, "A new version of an idea names an entry that is no idea of this log before it."),
    "import-orphan": Code(WARNING, "A file is said to come from an output that this log did not record before."),
    "import-observed": Code(ERROR, "What was brought in from outside is stated as observed."),
    "after-the-fact-original": Code(ERROR, "Something from before is treated as an original of this log."),
    "after-the-fact-again": Code(WARNING, "A run's output has the very bytes or pixels of something from before."),
    "recording-orphan": Code(ERROR, "A step of a screen recording that did not start before, or a second start."),
    "recording-broken": Code(ERROR, "A step of a screen recording does not follow the one that it names."),
    "recording-open": Code(WARNING, "A screen recording of an ended session has no end."),
    "chunk-missing": Code(ERROR, "A chunk of a screen recording is not there."),
    # what others attest
    "anchor-checkpoint": Code(ERROR, "An anchored checkpoint is not one of this log, or not of entries before it."),
    "anchor-imprint": Code(ERROR, "A time-stamp token was made for other bytes than the checkpoint beside it."),
    "anchor-token": Code(ERROR, "A token is malformed, its signature does not hold, or its signer was not fit for it."),
    "anchor-stated": Code(ERROR, "An entry says something else of its token than the token says."),
    "anchor-order": Code(ERROR, "A token is older than another one that its checkpoint covers."),
    "anchor-untrusted": Code(WARNING, "A token's authority leads to none of the roots given; it bounds nothing."),
    "anchor-unchecked": Code(WARNING, "Tokens are sound in themselves; without roots nothing says who made them."),
    "anchor-signature-unchecked": Code(
        WARNING, "A token's signature is by SM2 or over SM3: not checked, bounds nothing."
    ),
    "clock-anchor": Code(WARNING, "The writer's clock contradicts a time-stamp."),
    "witness-checkpoint": Code(ERROR, "A cosigned checkpoint is not one of this log, or not of entries before it."),
    "witness-signature": Code(ERROR, "The cosignature that an entry tells of is not there or does not hold."),
    # objects
    "object-missing": Code(ERROR, "A document that an entry names is not there: the record is not whole."),
    "object-altered": Code(ERROR, "An object does not have the digest under which it is kept."),
    "picture-missing": Code(WARNING, "A thumbnail or a kept file that an entry names is not there."),
    "release-required": Code(ERROR, "A release names an object that an entry before it requires."),
    # a snapshot file
    "parcel-form": Code(ERROR, "The file is not a snapshot file as this software writes it."),
    # the dossier's container and its files
    "zip-form": Code(ERROR, "The zip is not written in the one form that dossiers have: changed, cut or repacked."),
    "zip-name": Code(ERROR, "A file in the zip has a name that is not safe to unpack."),
    "zip-link": Code(ERROR, "The zip holds a symbolic link."),
    "zip-duplicate": Code(ERROR, "Two files in the zip have the same name, or names that differ in case only."),
    "zip-crc": Code(ERROR, "The bytes of a file in the zip have changed."),
    "bag-altered": Code(ERROR, "A file does not have the digest that the dossier's manifest states."),
    "bag-missing": Code(ERROR, "A file that the dossier's manifest lists, or that every dossier has, is not there."),
    "bag-extra": Code(ERROR, "There is a file that the dossier's manifest does not list."),
    "bag-order": Code(ERROR, "The files of the dossier are not in their order."),
    "bag-form": Code(ERROR, "A file of the dossier is not written in its one form."),
    "dossier-malformed": Code(ERROR, "The description of the dossier cannot be used."),
    "dossier-newer": Code(ERROR, "The dossier was made by a later release, in a form that this one cannot check."),
    "leaf-other": Code(ERROR, "An entry does not have the hash that the list of leaves states."),
    "proof-other": Code(ERROR, "A proof file does not prove its entry's place in this log."),
    "view-differs": Code(ERROR, "A page or index does not say what the entries say."),
    "view-unchecked": Code(WARNING, "A page or index was made by another release and was not compared."),
    # the report itself
    "findings-unlisted": Code(ERROR, "There are more findings than are listed."),
}


class Rejected(IntegrityError):
    """One entry fails one check. `code` is a key of CODES; the message is one line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def finding(code: str, message: str, entry: int | None = None) -> Finding:
    """A finding with the severity that its code has."""
    return Finding(CODES[code].severity, code, message, entry)


def shown(value: object) -> str:
    """A value from an entry as it may stand in a message: ASCII, one line, at most 80 characters."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
