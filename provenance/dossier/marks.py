"""Which entries of a log are meant, and of which kind each is: one byte for each entry of the log. Pure."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from ..model import Kind

_KINDS = ("", *(kind.value for kind in Kind), "other")
_CODES = {kind: code for code, kind in enumerate(_KINDS)}


class Marks(MutableMapping[int, str]):
    """Kinds by the places of entries, in the order of the log; a kind that is none of `model.Kind` is `other`."""

    def __init__(self, size: int) -> None:
        """size: entries of the log."""
        self._codes = bytearray(size)

    def __getitem__(self, index: int) -> str:
        if index not in self:
            raise KeyError(index)
        return _KINDS[self._codes[index]]

    def __setitem__(self, index: int, kind: str) -> None:
        self._codes[index] = _CODES.get(kind, _CODES["other"])

    def __delitem__(self, index: int) -> None:
        self._codes[index] = 0

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and 0 <= index < len(self._codes) and self._codes[index] != 0

    def __iter__(self) -> Iterator[int]:
        return (index for index, code in enumerate(self._codes) if code)

    def __len__(self) -> int:
        return len(self._codes) - self._codes.count(0)
