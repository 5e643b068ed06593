"""The only place that turns values into bytes, and bytes into digests.

Two forms of JSON leave here, and they are never mixed:

* `statement_bytes`: our own documents. Keys sorted, no NaN, UTF-8.
* `snapshot_bytes`: what ComfyUI was given. Key order, number kinds and 64-bit integers kept as received.

What is signed is stored and hashed as these bytes; nothing is ever serialized a second time.
`freeze`/`thaw` make a private copy of a JSON value in one pass of C code; frozen bytes are never kept, signed or
sent: they lie in memory, or in a temporary file of this process (`shelf`).
"""

from __future__ import annotations

import hashlib
import json
import marshal
import re
from datetime import datetime, timedelta
from typing import Any

from .errors import InputError

_SHA256_HEX = re.compile("[0-9a-f]{64}").fullmatch
_MARSHAL_VERSION = 4  # writes a key that many dictionaries share once: half the time of version 2
_WITHOUT_REFERENCES = 2
_EPOCH = datetime(1970, 1, 1)  # UTC


def statement_bytes(value: Any) -> bytes:
    """Serialize one of our own documents: sorted keys, no insignificant space, UTF-8.

    Raises InputError for NaN, infinities, lone surrogates and values that JSON does not know.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise InputError(f"value cannot be written as JSON: {error}") from error


def is_writable(value: Any) -> bool:
    """Whether a value is JSON that UTF-8 can carry: no lone surrogate is in it, and nothing that is no JSON."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def snapshot_bytes(value: Any) -> bytes:
    """Serialize a graph as it was received: same key order, same number kinds.

    NaN and infinities are written as Python's JSON writes them, since ComfyUI accepts them. A lone surrogate,
    which UTF-8 cannot carry, makes the whole document fall back to ASCII escapes. Raises InputError for values
    that JSON does not know and for nesting deeper than the interpreter's limit.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        try:
            return text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"graph cannot be written as JSON: {error}") from error


def parse_json(data: bytes) -> Any:
    """Parse JSON bytes. Raises InputError for anything that is not UTF-8 JSON. Does not check any schema."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error


def freeze(value: Any) -> bytes:
    """Copy a JSON value so that later changes by others cannot reach it. For `thaw` and `thaw_own` only.

    Raises InputError when the value holds anything but dict, list, tuple, str, int, float, bool, None or bytes,
    or nests deeper than 2,000 levels.
    """
    try:
        return marshal.dumps(value, _MARSHAL_VERSION)
    except (ValueError, TypeError) as error:
        raise InputError(f"value cannot be copied: {error}") from error


def thaw(frozen: bytes) -> Any:
    """Give back a fresh copy of what `freeze` copied in this process. Never call it on bytes from outside.

    A value that holds itself, which no JSON can, comes back as `plain` writes it.
    """
    value = marshal.loads(frozen)
    try:
        marshal.dumps(value, _WITHOUT_REFERENCES)
    except ValueError:
        return plain(value)
    return value


def thaw_own(frozen: bytes) -> Any:
    """The same for a value that is known not to hold itself, in half the time."""
    return marshal.loads(frozen)


def plain(value: Any, depth: int = 200) -> Any:
    """Copy a value keeping what JSON knows; anything else becomes {"$unrecorded": its type's name}.

    Tuples become lists and keys strings, as JSON would have them. Nesting beyond `depth` is cut the same way.
    """
    if value is None or isinstance(value, bool):
        return value
    for scalar in (str, int, float):
        if isinstance(value, scalar):
            return scalar(value)
    if depth and isinstance(value, dict):
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    return {"$unrecorded": type(value).__name__}


def sha256_hex(data: bytes) -> str:
    """SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def is_sha256_hex(text: object) -> bool:
    """Whether the value is a string of exactly 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _SHA256_HEX(text) is not None


def timestamp(wall_ns: int) -> str:
    """Format nanoseconds since the Unix epoch as RFC 3339 UTC with microseconds, e.g. 2026-11-23T02:40:00.123456Z.

    Raises OverflowError outside the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(microseconds=wall_ns // 1_000)  # Windows' `fromtimestamp` ends in 3000
    return f"{moment.isoformat(timespec='microseconds')}Z"
