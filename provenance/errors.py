"""One error tree, split by whose fault it is.

Every error a caller may show to a person has a message that is one clear line. The command line turns
`InputError`, `StorageError` and `NetworkError` into exit code 2 and `IntegrityError` into exit code 1.
"""

from __future__ import annotations


class ProvenanceError(Exception):
    """Base of everything this package raises on purpose."""


class InputError(ProvenanceError):
    """What we were given cannot be used; nothing is wrong with the ledger."""


class NotFound(InputError):
    """A reference matches nothing in this ledger."""


class Ambiguous(InputError):
    """A reference matches several things; the message names some of them."""


class NotALedger(InputError):
    """The folder holds no ledger."""


class NewerFormat(InputError):
    """The ledger or document was written by a later release than this one."""


class IntegrityError(ProvenanceError):
    """Bytes, digests, signatures or order do not agree: evidence does not hold."""


class SchemaError(IntegrityError):
    """A document does not validate against its published schema."""


class StorageError(ProvenanceError):
    """Disk or database refused: full, read-only, locked, damaged, missing key."""


class NetworkError(ProvenanceError):
    """A remote service did not answer as it should."""
