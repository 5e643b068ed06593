"""Word-level differences between two prompt texts, for every script.

The unit is what an author thinks of as one word: a run of letters, a number (`1.2` is one), a run of white space,
one character of a script that is written without spaces (Chinese, Japanese, Korean), or one sign of punctuation,
so that `(cat:1.2)` against `(cat:1.3)` differs in the weight only. Pure; time and memory are bounded for any input.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Hunk = dict[str, str]
"""`{"op": "equal" | "delete" | "insert", "text": str}`; no text is empty."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_MARKS = "\u0300-\u036f\ufe0e\ufe0f\U0001f3fb-\U0001f3ff"
_TOKEN = re.compile(
    rf"\d+(?:\.\d+)+|[{_UNSPACED}]|[^\W{_UNSPACED}](?:[^\W{_UNSPACED}]|[{_MARKS}]|['\u2019](?=\w))*"
    rf"|\s+|[^\w\s](?:[{_MARKS}]|\u200d[^\w\s])*",
    re.DOTALL,
)
_PHRASE = re.compile(r"[^,，、。;；.\n]*(?:[,，、。;；.\n]|\Z)")
_SETS_APART = re.compile(r"[,，、。;；.:：()（）\n]")
_MOST_EDITS = 600  # the search costs the square of this
_MOST_WORK = 2_000_000

_Op = tuple[str, int, int]  # op, start in before or after (before for "equal"), end


def hunks(before: str, after: str) -> list[Hunk]:
    """Give the changes from one text to the other.

    The texts of all hunks that are not `insert` join to `before`, those that are not `delete` join to `after`, exactly.
    Between two `equal` hunks stands at most one `delete` and one `insert`, in this order. Words are compared
    exactly; case and Unicode normal forms are not folded. Texts that differ in more than about 600 words are
    compared phrase by phrase, and where that is not enough the differing middle is one `delete` and one `insert`.
    """
    for split in (_words, _phrases):
        old, new = split(before), split(after)
        ops = _edits(old, new)
        if ops is not None:
            return _tidy(_texts(old, new, ops))
    head, tail = _common(before, after)
    middle = [("equal", before[:head]), ("delete", before[head : len(before) - tail])]
    middle += [("insert", after[head : len(after) - tail]), ("equal", before[len(before) - tail :])]
    return _tidy(middle)


def parts(text: str) -> list[str]:
    """What can be left out of a text, in its order and each once: its phrases between commas and stops, or, where it
    has one phrase only, its words. Signs of punctuation alone are no parts."""
    phrases = [phrase.strip(" \t\r\n,，、。;；.") for phrase in _phrases(text)]
    found = [phrase for phrase in phrases if phrase]
    if len(found) < 2:
        found = [word for word in _words(text) if any(map(str.isalnum, word))]
    return list(dict.fromkeys(found))


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _phrases(text: str) -> list[str]:
    return [phrase for phrase in _PHRASE.findall(text) if phrase]


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Lengths of the common head and of the common tail, which never overlap."""
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _edits(old: Sequence[str], new: Sequence[str]) -> list[_Op] | None:
    """Shortest edit script in single steps (Myers 1986, greedy), or None where the search would cost too much."""
    head, tail = _common(old, new)
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    trace = _search(a, b)
    if trace is None:
        return None
    steps: list[_Op] = [("equal", len(old) - tail, len(old))]
    x, y = len(a), len(b)
    for depth in range(len(trace) - 1, -1, -1):
        reach, k = trace[depth], x - y
        down = k == -depth or (k != depth and reach.get(k - 1, -1) < reach.get(k + 1, -1))
        from_k = k + 1 if down else k - 1
        from_x = reach.get(from_k, 0) if depth else 0
        from_y = from_x - from_k if depth else 0
        start_x = (from_x if down else from_x + 1) if depth else 0
        if x > start_x:
            steps.append(("equal", head + start_x, head + x))
        if depth:
            at = head + (from_y if down else from_x)
            steps.append(("insert" if down else "delete", at, at + 1))
        x, y = from_x, from_y
    steps.append(("equal", 0, head))
    return steps[::-1]


def _search(a: Sequence[str], b: Sequence[str]) -> list[dict[int, int]] | None:
    """Furthest reach per diagonal before each depth, up to the depth that ends both sequences."""
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    work = 0
    for depth in range(min(len(a) + len(b), _MOST_EDITS) + 1):
        trace.append(dict(reach))
        for k in range(-depth, depth + 1, 2):
            down = k == -depth or (k != depth and reach.get(k - 1, -1) < reach.get(k + 1, -1))
            x = reach.get(k + 1, 0) if down else reach[k - 1] + 1
            start = x
            while x < len(a) and 0 <= x - k < len(b) and a[x] == b[x - k]:
                x += 1
            work += 1 + x - start
            reach[k] = x
            if x >= len(a) and x - k >= len(b):
                return trace
        if work > _MOST_WORK:
            return None
    return None


def _texts(old: Sequence[str], new: Sequence[str], ops: Sequence[_Op]) -> list[tuple[str, str]]:
    return [(op, "".join((new if op == "insert" else old)[start:end])) for op, start, end in ops]


def _tidy(steps: Sequence[tuple[str, str]]) -> list[Hunk]:
    """Join steps into hunks; a few words that merely stand between two larger changes join them."""
    changes = [("", "")]  # deleted and inserted text before, between and after the equal texts
    equals: list[str] = []
    for op, text in steps:
        if not text:
            continue
        if op == "equal":
            if equals and changes[-1] == ("", ""):
                equals[-1] += text
            else:
                equals.append(text)
                changes.append(("", ""))
        else:
            deleted, inserted = changes[-1]
            changes[-1] = (deleted, inserted + text) if op == "insert" else (deleted + text, inserted)
    for most in (0, _MOST_EDITS):  # white space first, so that words count together
        changes, equals = _joined(changes, equals, most)
    result = _change(*changes[0])
    for text, change in zip(equals, changes[1:], strict=True):
        result += [{"op": "equal", "text": text}, *_change(*change)]
    return result


def _joined(
    changes: Sequence[tuple[str, str]], equals: Sequence[str], most: int
) -> tuple[list[tuple[str, str]], list[str]]:
    """Join changes across equal texts of at most `most` words, where `_joins` says so."""
    kept_changes, kept_equals = [changes[0]], []
    for text, following in zip(equals, changes[1:], strict=True):
        deleted, inserted = kept_changes[-1]
        if _count(text) <= most and _joins((deleted, inserted), text, following):
            kept_changes[-1] = (deleted + text + following[0], inserted + text + following[1])
        else:
            kept_equals.append(text)
            kept_changes.append(following)
    return kept_changes, kept_equals


def _joins(change: tuple[str, str], between: str, following: tuple[str, str]) -> bool:
    """Whether a text between two changes has fewer words than either and no punctuation that sets phrases apart."""
    if not any(change) or not any(following) or _SETS_APART.search(between):
        return False
    replaces = (change[0] + following[0]).strip() and (change[1] + following[1]).strip()
    return bool(replaces) and _count(between) < min(max(map(_count, change)), max(map(_count, following)))


def _count(text: str) -> int:
    return sum(not token.isspace() for token in _words(text))


def _change(deleted: str, inserted: str) -> list[Hunk]:
    pairs = (("delete", deleted), ("insert", inserted))
    return [{"op": op, "text": text} for op, text in pairs if text]
