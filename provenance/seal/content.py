"""Signs Content Credentials into a file, and reads them, with the c2pa library, which is an optional extra.

It is imported when it is first needed. Nothing goes over the network: no timestamp authority, no remote manifest, no
OCSP.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..model import Json
from .certificate import Credential

EXTRA = "Content Credentials need the optional package: pip install 'comfy-provenance[c2pa]'"
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    # `signed` reads what it made, so the library need not do it before that.
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
}
VALID = frozenset({"Valid", "Trusted"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reader says of a file's credential. state: `Valid`, `Trusted` or `Invalid`; codes: its failures.

    `Valid` means: intact, and signed by the key in its certificate. It says nothing about who that is.
    """

    state: str
    codes: tuple[str, ...]
    manifest: Mapping[str, Json]


def available() -> bool:
    """Whether the library can be used here."""
    try:
        _library()
    except InputError:
        return False
    return True


def signed(
    data: bytes,
    media_type: str,
    manifest: Mapping[str, Json],
    ingredients: Sequence[tuple[Mapping[str, Json], bytes]],
    credential: Credential,
) -> bytes:
    """The file with a signed manifest, which a reader then found valid. Raises InputError that says why not.

    ingredients: each definition with the bytes it speaks of. Pixels and other metadata stay as they are.
    """
    c2pa = _library()
    info = c2pa.C2paSignerInfo(credential.algorithm.encode(), credential.chain, credential.key, None)
    out = io.BytesIO()
    try:
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(dict(manifest), _context(c2pa)) as builder:
            for definition, source in ingredients:
                builder.add_ingredient(json.dumps(definition), definition["format"], io.BytesIO(source))
            builder.sign(signer, media_type, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise InputError(f"the credential could not be made: {error}") from error
    made = out.getvalue()
    found = read(made, media_type)
    if found is None or found.state not in VALID:
        codes = "no credential" if found is None else ", ".join(found.codes)
        raise InputError(f"the credential does not hold: {codes}")
    return made


def read(data: bytes, media_type: str) -> Finding | None:
    """What the file's credential is worth; None when it carries none. Raises InputError for an unreadable file."""
    c2pa = _library()
    try:
        reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=_context(c2pa))
        if reader is None:
            return None
        with reader:
            told = json.loads(reader.json())
            state = reader.get_validation_state()
    except c2pa.C2paError as error:
        raise InputError(f"the credential cannot be read: {error}") from error
    failures = told.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    manifest = told.get("manifests", {}).get(told.get("active_manifest"), {})
    return Finding(str(state), tuple(failure["code"] for failure in failures), manifest)


def _context(c2pa: Any) -> Any:
    return c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:  # OSError: its native library does not load here
        raise InputError(EXTRA) from error
    return c2pa
