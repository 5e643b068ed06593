"""A quick yes for documents that fit their schema.

`jsonschema` needs about 0.5 ms for a completion, more than signing and storing it take together. The published schemas
use few keywords; `compiled` writes a function of plain comparisons for them, which needs a fiftieth of that. A yes here
means that `jsonschema` says yes too (a property test holds the two together). A no means nothing yet: ask `jsonschema`,
which also words the error.
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
# Keywords, and the type beside which this module understands them; elsewhere JSON Schema ignores them.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("properties", "required", "additionalProperties"), ("object",)),
    **dict.fromkeys(("items", "minItems"), ("array",)),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), ("string",)),
    **dict.fromkeys(("minimum", "maximum"), ("integer", "number")),
    **dict.fromkeys(("enum", "const"), ("string", "integer")),
}


def compiled(schema: Mapping[str, Json]) -> Accepts:
    """A predicate that accepts only values valid under the schema (JSON Schema 2020-12, the part used here).

    It may refuse valid values, e.g. 1.0 where an integer is asked for. Raises ValueError for a schema it does not fully
    understand, so that no constraint is ever passed over. The schema must be our own: it is turned into code.
    """
    writer = _Writer(schema.get("$defs", {}))
    writer.function("accepts", schema)
    exec("\n".join(writer.functions), writer.names)  # noqa: S102  made here, of a schema that is part of this program
    accepts: Accepts = writer.names["accepts"]
    return accepts


class _Writer:
    """Lines of functions, and the values that they name."""

    def __init__(self, defs: Mapping[str, Json]) -> None:
        self.functions: list[str] = []
        self._lines: list[str] = []  # of the function that is being written
        self.names: dict[str, Any] = {"absent": object()}
        self._defs = defs
        self._defined: dict[str, str] = {}  # definition -> function
        self._count = 0

    def function(self, name: str, schema: Mapping[str, Json]) -> None:
        """Write one function, and those of the definitions that it refers to."""
        outer, self._lines = self._lines, []
        self._value(schema, "value", "  ")
        body, self._lines = self._lines, outer
        end = ["  return True", " except KeyError:", "  return False"]  # a required member is not there
        self.functions += [f"def {name}(value):", " try:", *body, *end]

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _constant(self, value: Any) -> str:
        name = self._new("constant")
        self.names[name] = value
        return name

    def _refuse(self, condition: str, indent: str) -> None:
        self._lines.append(f"{indent}if {condition}: return False")

    def _value(self, schema: Mapping[str, Json], name: str, indent: str) -> None:
        if "$ref" in schema:
            self._refuse(f"not {self._definition(schema['$ref'])}({name})", indent)
            return
        kinds = self._kinds(schema)
        may_be_null = "null" in kinds
        types = [each for kind in kinds if kind != "null" for each in _TYPES[kind]]
        if may_be_null and types:
            self._lines.append(f"{indent}if {name} is not None:")
            indent += " "
        if not types:
            self._refuse(f"{name} is not None", indent)
        elif len(types) == 1:
            self._refuse(f"type({name}) is not {types[0].__name__}", indent)
        else:
            self._refuse(f"type({name}) not in {self._constant(frozenset(types))}", indent)
        self._object(schema, name, indent)
        self._array(schema, name, indent)
        self._limits(schema, name, indent)

    @staticmethod
    def _kinds(schema: Mapping[str, Json]) -> list[str]:
        """The types that a schema allows, once all that it says is understood."""
        named = schema.get("type", ())
        kinds = [named] if isinstance(named, str) else list(named)
        others = [kind for kind in kinds if kind != "null"]
        for keyword in schema.keys() - _ANNOTATIONS:
            choosing = keyword in ("enum", "const")  # where null would have to be among the choices
            if len(kinds if choosing else others) != 1 or others[0] not in _BESIDE.get(keyword, ()):
                raise ValueError(f"schema not supported: {keyword} beside the type {named!r}")
        if not kinds:
            raise ValueError("schema not supported: no type")
        return kinds

    def _definition(self, reference: str) -> str:
        if reference not in self._defined:
            self._defined[reference] = self._new("definition")
            self.function(self._defined[reference], self._defs[reference.removeprefix("#/$defs/")])
        return self._defined[reference]

    def _object(self, schema: Mapping[str, Json], name: str, indent: str) -> None:
        known, required = schema.get("properties", {}), schema.get("required", ())
        rest = schema.get("additionalProperties", True)
        for member in required:
            if member not in known:
                self._refuse(f"{member!r} not in {name}", indent)
        met = self._new("met")
        if rest is False:
            self._lines.append(f"{indent}{met} = {sum(member in known for member in required)}")
        for member, part in known.items():
            item = self._new("item")
            if member in required:
                self._lines.append(f"{indent}{item} = {name}[{member!r}]")
                self._value(part, item, indent)
                continue
            self._lines.append(f"{indent}{item} = {name}.get({member!r}, absent)")
            self._lines.append(f"{indent}if {item} is not absent:")
            if rest is False:
                self._lines.append(f"{indent} {met} += 1")
            self._value(part, item, indent + " ")
        if rest is False:
            self._refuse(f"len({name}) != {met}", indent)
        elif isinstance(rest, Mapping):
            key, item = self._new("key"), self._new("item")
            self._lines.append(f"{indent}for {key}, {item} in {name}.items():")
            self._lines.append(f"{indent} if {key} not in {self._constant(frozenset(known))}:")
            self._value(rest, item, indent + "  ")

    def _array(self, schema: Mapping[str, Json], name: str, indent: str) -> None:
        if "minItems" in schema:
            self._refuse(f"len({name}) < {int(schema['minItems'])}", indent)
        if "items" in schema:
            item = self._new("item")
            self._lines.append(f"{indent}for {item} in {name}:")
            self._value(schema["items"], item, indent + " ")

    def _limits(self, schema: Mapping[str, Json], name: str, indent: str) -> None:
        for keyword, condition in (
            ("minLength", "len({}) < {}"), ("maxLength", "len({}) > {}"), ("minimum", "{} < {}"), ("maximum", "{} > {}")
        ):  # fmt: skip
            if keyword in schema:
                self._refuse(condition.format(name, self._constant(schema[keyword])), indent)
        if "pattern" in schema:
            self._refuse(f"{self._constant(re.compile(schema['pattern']).search)}({name}) is None", indent)
        for keyword in ("enum", "const"):
            if keyword in schema:
                choices = schema[keyword] if keyword == "enum" else [schema[keyword]]
                self._refuse(f"{name} not in {self._constant(frozenset(choices))}", indent)
