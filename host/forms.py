"""Files that come with a request, as multipart/form-data, streamed to a folder that is gone afterwards."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from aiohttp import BodyPartReader, web

from ..provenance import errors
from ..provenance.model import Json
from .answers import LARGEST_BODY, NO_FORM, OtherMediaType, in_thread

BLOCK = 1 << 20
MOST_PARTS = 64
STATEMENT = "statement"
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,12}$", re.ASCII)


@dataclass(slots=True)
class Form:
    """The JSON object in the part `statement`, and the files by the name of their part: (path, name) each."""

    statement: dict[str, Json] = field(default_factory=dict)
    files: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)

    def only(self, name: str) -> tuple[Path, str] | None:
        """The one file of a part, if there is one. Raises InputError for several."""
        found = self.files.get(name, [])
        if len(found) > 1:
            raise errors.InputError(f"send one {name}")
        return found[0] if found else None


@asynccontextmanager
async def form_of(request: web.Request, names: tuple[str, ...], largest: int) -> AsyncIterator[Form]:
    """Read a form with files in parts of these names, each of at most `largest` bytes. Raises InputError, of which
    OtherMediaType for a body that is no form, whatever it calls itself."""
    if request.content_type != "multipart/form-data":
        raise OtherMediaType(NO_FORM)
    with tempfile.TemporaryDirectory(prefix="comfy-provenance-") as folder:
        form, count = Form(), 0
        try:
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                count += 1
                if not isinstance(part, BodyPartReader) or count > MOST_PARTS:
                    raise errors.InputError("the form has parts that cannot be read, or too many")
                if part.name == STATEMENT:
                    form.statement = _statement(await _read(part))
                elif part.name in names:
                    name = _name(part.filename)
                    path = Path(folder) / f"{count}{_ending(name)}"
                    await _save(part, path, largest)
                    form.files.setdefault(part.name, []).append((path, name))
                else:
                    raise errors.InputError(f"unknown part of the form: {str(part.name)[:80]!r}")
        except ValueError as error:
            if not count:
                raise OtherMediaType(NO_FORM) from error
            raise errors.InputError(f"the form cannot be read: {error}") from error
        yield form


async def _read(part: BodyPartReader) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(BLOCK):
        data += chunk
        if len(data) > LARGEST_BODY:
            raise errors.InputError(f"the statement is larger than {LARGEST_BODY >> 10} KiB")
    return bytes(data)


async def _save(part: BodyPartReader, path: Path, largest: int) -> None:
    size = 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(BLOCK):
            size += len(chunk)
            if size > largest:
                raise errors.InputError(f"the file is larger than {largest >> 20} MiB")
            await in_thread(lambda chunk=chunk: file.write(chunk))


def _statement(data: bytes) -> dict[str, Json]:
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise errors.InputError("the statement is not JSON") from error
    if not isinstance(found, dict):
        raise errors.InputError("the statement must be a JSON object")
    return found


def _ending(name: str) -> str:
    """What tells the kind of a file whose content does not."""
    found = _ENDING.search(name)
    return found[0].lower() if found else ""


def _name(given: str | None) -> str:
    """The last part of a file name, whichever system wrote it."""
    name = PureWindowsPath(PurePosixPath(given or "").name).name
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name) or "file"
