"""A small part of ComfyUI's declarative ("V3") node interface: the content of `comfy_api.latest`.

A V3 node is never asked for an instance method. The host calls the class method named by `FUNCTION`, which is
`EXECUTE_NORMALIZED`, on a throw-away subclass that carries the hidden values. Covered: typed inputs with the options
the stock nodes use, outputs, hidden values, `validate_inputs`, `fingerprint_inputs`. Not covered: dynamic inputs,
match types, expansion, price badges.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

from .graph import ExecutionBlocker

# Values that the host hands to a node besides its inputs: `Hidden.prompt` and so on.
_HIDDEN = ("unique_id", "prompt", "extra_pnginfo", "dynprompt", "auth_token_comfy_org", "api_key_comfy_org")
Hidden = Enum("Hidden", {name: name.upper() for name in _HIDDEN}, type=str)  # type: ignore[misc]


@dataclass(frozen=True)
class Input:
    """One declared input; `options` go to the page as they are, without those that are None."""

    id: str
    io_type: str
    options: dict[str, Any]
    optional: bool = False

    def entry(self) -> tuple[str, dict[str, Any]]:
        """The (type, options) pair that V1 nodes write by hand."""
        return self.io_type, dict(self.options)


@dataclass(frozen=True)
class Output:
    """One declared output slot."""

    io_type: str
    display_name: str | None = None
    is_output_list: bool = False
    tooltip: str | None = None


class _Type:
    """`io.Image.Input("image")` and `io.Image.Output()` for one kind of value."""

    def __init__(self, io_type: str, **defaults: Any) -> None:
        self.io_type = io_type
        self._defaults = defaults

    def Input(self, id: str, *, optional: bool = False, **options: Any) -> Input:
        """Declare an input of this type. The capitals here and below are ComfyUI's spelling."""
        given = {_SPELLING.get(key, key): value for key, value in {**self._defaults, **options}.items()}
        return Input(id, self.io_type, {key: value for key, value in given.items() if value is not None}, optional)

    def Output(self, display_name: str | None = None, **options: Any) -> Output:
        """Declare an output of this type."""
        return Output(self.io_type, display_name, **options)


_SPELLING = {"dynamic_prompts": "dynamicPrompts", "raw_link": "rawLink", "force_input": "forceInput"}


@dataclass
class Schema:
    """What a V3 node says about itself."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    search_aliases: list[str] = field(default_factory=list)
    essentials_category: str | None = None
    is_output_node: bool = False
    is_input_list: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    not_idempotent: bool = False


class NodeOutput:
    """What a V3 node returns: values for its slots, and what to show."""

    def __init__(self, *args: Any, ui: Any = None, block_execution: str | None = None) -> None:
        self.args = args
        self.ui = ui
        self.expand = None
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        """The slot values, or None when there are none."""
        return self.args or None

    def __getitem__(self, index: int) -> Any:
        return self.args[index]


class _FromSchema:
    """A class attribute that is read from the node's schema each time."""

    def __init__(self, read: Callable[[Schema], Any]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: type[ComfyNode]) -> Any:
        return self._read(owner.define_schema())


class ComfyNode:
    """Base class of V3 nodes, with the V1 view that packs and the page still read."""

    RELATIVE_PYTHON_MODULE: str | None = None
    hidden: Any = None

    FUNCTION = "EXECUTE_NORMALIZED"
    CATEGORY = _FromSchema(lambda schema: schema.category)
    DESCRIPTION = _FromSchema(lambda schema: schema.description)
    OUTPUT_NODE = _FromSchema(lambda schema: schema.is_output_node)
    INPUT_IS_LIST = _FromSchema(lambda schema: schema.is_input_list)
    OUTPUT_IS_LIST = _FromSchema(lambda schema: [out.is_output_list for out in schema.outputs])
    RETURN_TYPES = _FromSchema(lambda schema: [out.io_type for out in schema.outputs])
    RETURN_NAMES = _FromSchema(lambda schema: [out.display_name or out.io_type for out in schema.outputs])
    OUTPUT_TOOLTIPS = _FromSchema(lambda schema: [out.tooltip for out in schema.outputs])
    NOT_IDEMPOTENT = _FromSchema(lambda schema: schema.not_idempotent)
    DEPRECATED = _FromSchema(lambda schema: schema.is_deprecated)
    EXPERIMENTAL = _FromSchema(lambda schema: schema.is_experimental)
    HAS_INTERMEDIATE_OUTPUT = False
    ACCEPT_ALL_INPUTS = False
    DEV_ONLY = False
    API_NODE = False

    @classmethod
    def define_schema(cls) -> Schema:
        """Each node says here what it is."""
        raise NotImplementedError

    @classmethod
    def execute(cls, *args: Any, **inputs: Any) -> NodeOutput:
        """Each node does its work here."""
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        """The node's schema."""
        return cls.define_schema()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:
        """The inputs in V1 form."""
        schema = cls.define_schema()
        out: dict[str, dict[str, Any]] = {}
        if schema.inputs:
            out["required"] = {i.id: i.entry() for i in schema.inputs if not i.optional}
        if any(i.optional for i in schema.inputs):
            out["optional"] = {i.id: i.entry() for i in schema.inputs if i.optional}
        if schema.hidden:
            out["hidden"] = {kind.name: (kind.value,) for kind in schema.hidden}
        return out

    @classmethod
    def EXECUTE_NORMALIZED(cls, *args: Any, **inputs: Any) -> NodeOutput:
        """Run the node; whatever form it returns, the answer is a NodeOutput."""
        made = cls.execute(*args, **inputs)
        if made is None:
            return NodeOutput()
        if isinstance(made, NodeOutput):
            return made
        if isinstance(made, tuple):
            return NodeOutput(*made)
        if isinstance(made, dict):
            return NodeOutput(*made.get("result", ()), ui=made.get("ui"))
        if isinstance(made, ExecutionBlocker):
            return NodeOutput(block_execution=made.message)
        raise TypeError(f"Invalid return type from node: {type(made)}")

    @classmethod
    def PREPARE_CLASS_CLONE(cls, v3_data: dict[str, Any] | None) -> type[ComfyNode]:
        """A subclass for one call, so that hidden values of two runs cannot meet."""
        values = (v3_data or {}).get("hidden_inputs", {})
        names = {kind.name: values.get(kind) for kind in Hidden}
        return type(cls.__name__ + "Clone", (cls,), {"hidden": SimpleNamespace(**names)})


def is_v3(cls: type[Any]) -> bool:
    """Whether a node class speaks this interface."""
    return inspect.isclass(cls) and issubclass(cls, ComfyNode)


class ComfyExtension:
    """A V3 pack's entry: lists its node classes."""

    async def on_load(self) -> None:
        """Called once before the nodes are read."""

    async def get_node_list(self) -> list[type[ComfyNode]]:
        """The pack's node classes."""
        raise NotImplementedError


io = SimpleNamespace(
    ComfyNode=ComfyNode,
    Schema=Schema,
    NodeOutput=NodeOutput,
    Hidden=Hidden,
    Int=_Type("INT"),
    Float=_Type("FLOAT"),
    String=_Type("STRING", multiline=False),
    Boolean=_Type("BOOLEAN"),
    Combo=_Type("COMBO", multiselect=False),
    Model=_Type("MODEL"),
    Clip=_Type("CLIP"),
    Vae=_Type("VAE"),
    Conditioning=_Type("CONDITIONING"),
    Latent=_Type("LATENT"),
    Image=_Type("IMAGE"),
    Mask=_Type("MASK"),
    Sampler=_Type("SAMPLER"),
    Sigmas=_Type("SIGMAS"),
    Guider=_Type("GUIDER"),
    Noise=_Type("NOISE"),
    AnyType=_Type("*"),
)
IO = io
