"""A quick yes for documents that fit their schema.

`jsonschema` needs about 0.5 ms for a completion, more than signing and storing it take together. The published schemas
use few keywords; `compiled` turns those into closures that need a twentieth of that. A yes here means that `jsonschema`
says yes too (a property test holds the two together). A no means nothing yet: ask `jsonschema`, which also words the
error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..model import Json

Accepts = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "type"})


def compiled(schema: Mapping[str, Json], defs: Mapping[str, Json] | None = None) -> Accepts:
    """A predicate that accepts only values valid under the schema (JSON Schema 2020-12, the part used here).

    It may refuse valid values, e.g. 1.0 where an integer is asked for. Raises ValueError for a schema it does not fully
    understand, so that no constraint is ever passed over.
    """
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return compiled(defs[schema["$ref"].removeprefix("#/$defs/")], defs)
    names = schema.get("type", ())
    wanted = [names] if isinstance(names, str) else list(names)
    tests: list[Accepts] = []
    understood: set[str] = set(_ANNOTATIONS)
    for keywords, allowed, make in _KEYWORDS:
        if keywords & schema.keys():
            if wanted not in allowed:
                raise ValueError(f"schema uses one of {sorted(keywords)} with the type {names}")
            understood |= keywords
            tests.append(make(schema, defs))
    if not wanted or schema.keys() - understood:
        raise ValueError(f"schema not supported: {sorted(schema.keys() - understood) or 'no type'}")
    return _typed(frozenset(kind for name in wanted for kind in _TYPES[name]), tests)


def _typed(types: frozenset[type], tests: list[Accepts]) -> Accepts:
    kinds = types - {type(None)}
    may_be_null = kinds != types
    if len(kinds) == 1 and len(tests) <= 1:  # nearly all: said in as few steps as possible
        (kind,) = kinds
        if not tests:
            return (lambda value: value is None or type(value) is kind) if may_be_null else lambda v: type(v) is kind
        (test,) = tests
        if may_be_null:
            return lambda value: value is None or (type(value) is kind and test(value))
        return lambda value: type(value) is kind and test(value)
    return lambda value: type(value) in types and (value is None or all(test(value) for test in tests))


def _members(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    known = {name: compiled(part, defs) for name, part in schema.get("properties", {}).items()}
    rest = schema.get("additionalProperties", True)
    other: Accepts = compiled(rest, defs) if isinstance(rest, dict) else (lambda value: bool(rest))
    required = frozenset(schema.get("required", ()))

    def accepts(value: dict[str, Json]) -> bool:
        if not required <= value.keys():
            return False
        for name, item in value.items():
            test = known.get(name, other)  # a generator takes twice as long as this loop
            if not test(item):
                return False
        return True

    return accepts


def _items(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    item = compiled(schema["items"], defs)
    least = schema.get("minItems", 0)
    return lambda value: len(value) >= least and all(map(item, value))


def _length(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    return lambda value: least <= len(value) <= most


def _pattern(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    search = re.compile(schema["pattern"]).search
    return lambda value: search(value) is not None


def _range(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    return lambda value: least <= value <= most


def _choice(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Accepts:
    choices = frozenset(schema["enum"] if "enum" in schema else [schema["const"]])
    return lambda value: value in choices


def _or_null(*kinds: str) -> tuple[list[str], ...]:
    return tuple(wanted for kind in kinds for wanted in ([kind], [kind, "null"]))


# Keywords that one test covers, the types they may stand beside (elsewhere JSON Schema ignores them), and its maker.
_KEYWORDS: tuple[
    tuple[frozenset[str], tuple[list[str], ...], Callable[[Mapping[str, Json], Mapping[str, Json]], Accepts]], ...
] = (
    (frozenset({"properties", "required", "additionalProperties"}), _or_null("object"), _members),
    (frozenset({"items", "minItems"}), _or_null("array"), _items),
    (frozenset({"minLength", "maxLength"}), _or_null("string"), _length),
    (frozenset({"pattern"}), _or_null("string"), _pattern),
    (frozenset({"minimum", "maximum"}), _or_null("integer", "number"), _range),
    (frozenset({"enum", "const"}), (["string"], ["integer"]), _choice),
)
