"""A comparison as short lines for people. English with symbols; pure, and the same for the same comparison."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping

from ..model import Json
from .changes import Diff, InputChange, ModelChange, NodeChange, PromptChange
from .words import Hunk

_MOST_LINES = 24
_MOST_OF_ONE_PROMPT = 4
_ROLES = ("positive", "negative")
_MOST_CHARACTERS = 48
_FILE_NAME = re.compile(r"[^\s].*\.[A-Za-z0-9]{2,12}(?: \[(?:output|input|temp)\])?")
_MINUS = "\N{MINUS SIGN}"
_EDGE_PUNCTUATION = " \t\r\n,，、.。;；:：|"


def summary(diff: Diff) -> list[str]:
    """Say what changed: parameters, prompts, models, nodes, wiring, environment, in this order.

    Lines look like `seed 1 → 2`, `+ "golden hour"`, the same with a minus sign for words that are gone,
    `"fog" → "mist"`, `+ LoraLoader detail.safetensors 0.6`, `image x.png → y.png`,
    `model CheckpointLoaderSimple → LoraLoader`. A line ends in the node's title or `#id`, in brackets, where two
    nodes of its class changed or another node's input of that name did; a prompt is told by its role where that is
    enough, and a negative one always is. A prompt with more than four changes is shown whole.
    Wiring that only follows from added or removed nodes is not repeated. Long values are shortened, control
    characters and direction marks are made visible; after 24 lines the rest is counted.
    """
    tags = _tags(diff)
    lines = [*_params(diff, tags), *_prompts(diff, tags), *_models(diff), *_nodes(diff), *_wiring(diff, tags)]
    lines += [_change(change.path, change.before, change.after) for change in diff.environment]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [f"… {len(lines) - _MOST_LINES + 1} more changes"]
    return lines


def one_line(text: str, most: int = _MOST_CHARACTERS) -> str:
    """The text on one line of at most `most` characters, with nothing in it that could steer a terminal or a reader.

    White space runs become one space. Control, format and unassigned characters are written as `\\u....`, except
    those that join emoji or letters. What is too long loses its middle.
    """
    text = "".join(_visible(character) for character in " ".join(text[: most * 64].split()))
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def _visible(character: str) -> str:
    if character in "\u200c\u200d" or not unicodedata.category(character).startswith("C"):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: Json) -> str:
    """A widget's value on one line."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return one_line(value) if value.strip() else f'"{value[:8]}"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (bool, dict, list)):
        try:
            return one_line(json.dumps(value, ensure_ascii=False))
        except RecursionError:
            return "…"
    return one_line(str(value))


def _change(name: str, before: Json, after: Json) -> str:
    was, now = shown(before), shown(after)
    if was == now:  # the difference was in what was cut away
        now = f"{now} (changed)"
    return f"{one_line(name)} {was} → {now}"


def _tags(diff: Diff) -> Mapping[tuple[str, str], str]:
    """What to put behind a line about (node, input), where its node needs to be told from another."""
    places = {(change.node, change.class_type, change.input) for change in (*diff.params, *_own_wiring(diff))}
    places |= {(change.node, change.class_type, change.input) for change in diff.prompts}
    classes = {node: class_type for node, class_type, _ in places}
    of_class = Counter(classes.values())
    of_input = Counter(name for _, _, name in places)
    titles = Counter(diff.titles.get(node) for node in classes)
    tags = {}
    for node, class_type, name in places:
        if of_class[class_type] > 1 or of_input[name] > 1:
            title = diff.titles.get(node)
            tags[node, name] = one_line(title) if title and titles[title] == 1 else f"#{one_line(node)}"
    return tags


def _tagged(line: str, tag: str | None) -> str:
    return f"{line} ({tag})" if tag else line


def _params(diff: Diff, tags: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for change in diff.params:
        line = _change(change.input, change.before, change.after)
        yield _tagged(line, tags.get((change.node, change.input)))


def _prompts(diff: Diff, tags: Mapping[tuple[str, str], str]) -> Iterator[str]:
    roles = Counter(change.role for change in diff.prompts)
    for change in diff.prompts:
        tag = tags.get((change.node, change.input))
        if tag is not None and change.role in _ROLES and roles[change.role] == 1:
            tag = change.role  # says more than a number
        elif change.role == "negative" and (tag or "").casefold() != "negative":
            tag = "negative" if tag is None else f"negative, {tag}"
        for line in _prompt_lines(change):
            yield _tagged(line, tag)


def _prompt_lines(change: PromptChange) -> list[str]:
    hunks = change.hunks
    lines = []
    for at, hunk in enumerate(hunks):
        if hunk["op"] == "equal" or (hunk["op"] == "insert" and at and hunks[at - 1]["op"] == "delete"):
            continue
        inserted = hunk["text"] if hunk["op"] == "insert" else ""
        deleted = hunk["text"] if hunk["op"] == "delete" else ""
        if deleted and at + 1 < len(hunks) and hunks[at + 1]["op"] == "insert":
            inserted = hunks[at + 1]["text"]
            before, after = _in_context(hunks, at)
            deleted, inserted = before + deleted + after, before + inserted + after
        lines.append(_words(deleted, inserted))
    said = [line for line in lines if line]
    if len(said) > _MOST_OF_ONE_PROMPT:  # written anew: fragments would not tell
        return [_words(change.before or "", change.after or "")]
    return said or ([f"{one_line(change.input)} punctuation"] if lines else [])


def _words(deleted: str, inserted: str) -> str:
    was, now = _bare(deleted), _bare(inserted)
    if was and now:
        return f'"{was}" → "{now}"' if was != now else ""
    return f'+ "{now}"' if now else f'{_MINUS} "{was}"' if was else ""


def _bare(text: str) -> str:
    return one_line(text.strip(_EDGE_PUNCTUATION))


def _in_context(hunks: tuple[Hunk, ...], at: int) -> tuple[str, str]:
    """The rest of a short bracket around a changed number, so that a weight is shown with what it weighs."""
    if not re.fullmatch(r"[\d.]+", hunks[at]["text"]) or at == 0 or at + 2 >= len(hunks):
        return "", ""
    before, after = hunks[at - 1]["text"], hunks[at + 2]["text"]
    opened = re.search(r"\([^()]{1,40}:\s*\Z", before)
    return (opened.group(), ")") if opened and after.startswith(")") else ("", "")


def _models(diff: Diff) -> Iterator[str]:
    """Only what no widget says: the same name with other bytes, and models that prompts name."""
    said = {(change.node, change.input) for change in diff.params}
    said |= {(change.node, change.input) for change in diff.prompts}
    said |= {(change.node, name) for change in (*diff.added, *diff.removed) for name in change.literals}
    seen = set()
    for change in diff.models:
        if (change.node, change.input) in said and _name(change, "before") != _name(change, "after"):
            continue
        line = _model(change)
        if line not in seen:
            seen.add(line)
            yield line


def _name(change: ModelChange, side: str) -> str | None:
    model = change.before if side == "before" else change.after
    return None if model is None else model.name


def _model(change: ModelChange) -> str:
    before, after = change.before, change.after
    if before is None or after is None:
        return f"+ {one_line(after.name)}" if after else f"{_MINUS} {one_line(before.name) if before else ''}"
    if before.name != after.name:
        return _change(change.input, before.name, after.name)
    line = f"{one_line(after.name)} has other bytes"
    if before.sha256 and after.sha256:
        line += f" (sha256 {before.sha256[:8]} → {after.sha256[:8]})"
    return line


def _nodes(diff: Diff) -> Iterator[str]:
    for sign, changes in (("+", diff.added), (_MINUS, diff.removed)):
        lines = Counter(f"{sign} {_node(change)}" for change in changes)
        yield from (f"{line} \u00d7 {times}" if times > 1 else line for line, times in lines.items())


def _node(change: NodeChange) -> str:
    """The class, the file the node names and the first number beside it."""
    words = [one_line(change.class_type) or "node"]
    values = list(change.literals.values())
    at = next((at for at, value in enumerate(values) if _is_file_name(value)), None)
    if at is not None:
        words.append(one_line(values[at]))
        words += [shown(value) for value in values[at + 1 : at + 2] if type(value) in (int, float)]
    return " ".join(words)


def _is_file_name(value: Json) -> bool:
    return isinstance(value, str) and len(value) < 300 and _FILE_NAME.fullmatch(value) is not None


def _wiring(diff: Diff, tags: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for change in _own_wiring(diff):
        was, now = _end(change.before, diff), _end(change.after, diff)
        if was == now and isinstance(change.before, list) and isinstance(change.after, list):
            was, now = (f"{was} #{one_line(str(node))}:{slot}" for node, slot in (change.before, change.after))
        yield _tagged(f"{one_line(change.input)} {was} → {now}", tags.get((change.node, change.input)))


def _own_wiring(diff: Diff) -> list[InputChange]:
    """Changed links that are not explained by an added or removed node at either end."""
    new = {change.node for change in (*diff.added, *diff.removed)}
    return [
        change
        for change in diff.rewired
        if change.node not in new
        and not any(isinstance(end, list) and end and end[0] in new for end in (change.before, change.after))
    ]


def _end(value: Json, diff: Diff) -> str:
    """What a link comes from, by class; a value as it is."""
    if isinstance(value, list) and value and value[0] in diff.classes:
        return one_line(diff.classes[value[0]])
    return shown(value)
