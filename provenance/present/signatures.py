"""The entries that speak of one run, and whether the writer's key signed them. Reads the ledger only.

Checked here: each entry's signature, and that its bytes are those that the index names. Not checked: its place in the
tree and the objects it names; `verify` checks all.
"""

from __future__ import annotations

from ..model import Entry, Json
from ..seal import checkpoint
from ..seal.keys import PublicKey
from ..seal.merkle import leaf_hash
from ..store.ledger import Ledger
from ..verify import statements
from ..verify.policy import Rejected
from .checking import checkpoint_json
from .times import Times


def of_run(ledger: Ledger, times: Times, execution: str) -> dict[str, Json]:
    """{"entries": [{"index", "kind", "leaf", "signed", "times"}],
    "signature": {"state", "key", "checkpoint", "covered"}}.

    state: `good`, or `bad` when any of the entries is not as it was signed. covered: the newest checkpoint, whose own
    signature is checked too, reaches beyond all of them. Raises IntegrityError for a checkpoint that is not the key's.
    """
    public = ledger.public
    head = checkpoint.open(ledger.index.latest_checkpoint(), public)
    entries: list[dict[str, Json]] = [
        {
            "index": entry.index,
            "kind": entry.kind,
            "leaf": entry.leaf,
            "signed": _is_signed(entry, public),
            "times": times.of(entry.index),
        }
        for entry in ledger.index.entries_of(execution)
    ]
    return {
        "entries": entries,
        "signature": {
            "state": "good" if all(entry["signed"] for entry in entries) else "bad",
            "key": public.fingerprint,
            "checkpoint": checkpoint_json(head),
            "covered": all(entry["index"] < head.size for entry in entries),
        },
    }


def _is_signed(entry: Entry, public: PublicKey) -> bool:
    try:
        said = statements.read(entry.envelope, public)
    except Rejected:
        return False
    return said.index == entry.index and leaf_hash(entry.envelope).hex() == entry.leaf
