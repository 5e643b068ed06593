"""Drop-in wrappers around stock node classes: same inputs and outputs, same result, and an eye on the call.

A wrapper is a V1 class whatever its stock class is. It asks the stock class for its inputs each time, so that lists
of samplers and files stay fresh, and appends its own as optional inputs after all of the stock ones: swapping the
type of a node in a saved graph keeps every widget value and every link.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from .border import guarded
from .plain import Copies, results, scalars
from .port import Context, Port, StockNode
from .stock import change_detection, declared_inputs, own_method, receiver, validation

# What the executor and the page read from a class; copied where the stock class has it.
_SAME = (
    "RETURN_TYPES",
    "RETURN_NAMES",
    "OUTPUT_IS_LIST",
    "OUTPUT_TOOLTIPS",
    "INPUT_IS_LIST",
    "OUTPUT_NODE",
    "HAS_INTERMEDIATE_OUTPUT",
    "NOT_IDEMPOTENT",
    "ACCEPT_ALL_INPUTS",
    "DESCRIPTION",
    "DEPRECATED",
    "EXPERIMENTAL",
    "DEV_ONLY",
    "API_NODE",
    "SEARCH_ALIASES",
)
_SECTIONS = ("required", "optional", "hidden")


class Call:
    """One call of a wrapped node: what is seen before, during and after it.

    Subclasses fill in `begin`, `attach`, `detach` and `end`. Each runs inside the border, so a mistake there costs
    the observation and never the run. `values` and `copies` are handed over in one piece when the call is done.
    """

    kind: ClassVar[str] = "node"
    extras: ClassVar[Mapping[str, tuple[str, Mapping[str, Any]]]] = {}

    def __init__(self, port: Port, class_type: str, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self.port = port
        self.class_type = class_type
        self.inputs = inputs
        self.options = options
        self.context: Context | None = None
        self.copies = Copies()
        self.values: dict[str, Any] = {"kind": self.kind, "failed": None}
        self._begun_ns = 0

    def begin(self) -> None:
        """Note the inputs as they are before the stock node sees them."""

    def attach(self) -> None:
        """Start to listen inside the call."""

    def detach(self) -> None:
        """Stop listening; called exactly once after `attach`, also when either of the two failed."""

    def end(self, outputs: tuple[Any, ...]) -> Mapping[str, Any]:
        """Note the outputs. What is returned is shown by the page as this node's ui; usually nothing."""
        return {}

    def start(self) -> None:
        with guarded(self.port, f"{self.class_type} could not note its inputs"):
            self.context = self.port.context()
            if self.context is not None:
                self.values["list_index"] = self.context.list_index
                self.values["inputs"] = scalars(self.inputs)
                self.begin()
        with guarded(self.port, f"{self.class_type} could not listen"):
            self.attach()
        self._begun_ns = time.perf_counter_ns()

    def stop(self, error: BaseException | None, result: Any) -> Any:
        """Finish the observation and give back the result, which is the stock node's own unless a ui is added."""
        elapsed_ns = time.perf_counter_ns() - self._begun_ns
        with guarded(self.port, f"{self.class_type} could not stop listening"):
            self.detach()
        self.values["elapsed_ms"] = round(elapsed_ns / 1e6, 3)
        self.values["failed"] = None if error is None else type(error).__name__
        answer = result
        with guarded(self.port, f"{self.class_type} could not note its outputs"):
            outputs = results(result) if error is None else ()
            ui = self.end(outputs)
            if ui and outputs and not _has_more_than_outputs(result):
                answer = {"ui": dict(ui), "result": outputs}
        with guarded(self.port, f"{self.class_type} could not hand over what it saw"):
            self._hand_over()
        return answer

    def _hand_over(self) -> None:
        if self.context is not None:
            if self.copies.omitted:
                self.values["omitted"] = self.copies.omitted
            self.port.observe(self.context, self.class_type, self.values, self.copies.tensors)


def _has_more_than_outputs(result: Any) -> bool:
    """Whether a result carries a ui, a subgraph or a block of its own, which we must not repack."""
    if isinstance(result, tuple | list):
        return False
    if isinstance(result, Mapping):
        return set(result) != {"result"}
    return any(getattr(result, name, None) is not None for name in ("ui", "expand", "block_execution"))


def can_wrap(stock: type) -> bool:
    """Whether a plain V1 class can stand in for this one: it has no hidden, dynamic or lazy inputs.

    No core sampler or text encoder has any in the versions this was written against.
    """
    declared = declared_inputs(stock)
    if declared.get("hidden"):
        return False
    kinds = [spec[0] for section in _SECTIONS[:2] for spec in declared.get(section, {}).values()]
    dynamic = any(isinstance(kind, str) and kind.startswith("COMFY_") and kind.endswith("_V3") for kind in kinds)
    return not dynamic and own_method(stock, "check_lazy_status") is None


def wrap(port: Port, stock_id: str, stock: StockNode, call: type[Call], category: str) -> type:
    """Make the wrapper class `Provenance<stock_id>`. Raises what the stock class raises when asked about itself."""
    cls = stock.cls
    class_type = f"Provenance{stock_id}"
    members: dict[str, Any] = {name: getattr(cls, name) for name in _SAME if getattr(cls, name, None) is not None}
    members |= {"CATEGORY": category, "FUNCTION": "run", "__doc__": f"{stock.display_name}, observed as it runs."}

    def input_types(_: type) -> dict[str, dict[str, Any]]:
        declared = declared_inputs(cls)
        sections = {name: dict(declared[name]) for name in _SECTIONS if declared.get(name)}
        taken = {name for section in sections.values() for name in section}
        ours = {name: spec for name, spec in call.extras.items() if name not in taken}
        if ours:
            sections["optional"] = {**sections.get("optional", {}), **ours}
        return {name: sections[name] for name in _SECTIONS if name in sections}

    members["INPUT_TYPES"] = classmethod(input_types)
    members |= _delegates(cls, call)
    members |= _runners(port, class_type, cls, call)
    return type(class_type, (), members)


def _without_extras(call: type[Call], inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    options = {name: spec[1].get("default") for name, spec in call.extras.items()}
    options.update((name, inputs[name]) for name in call.extras if name in inputs)
    return {name: value for name, value in inputs.items() if name not in call.extras}, options


def _delegates(cls: type, call: type[Call]) -> dict[str, Any]:
    """Change detection and validation of the stock class, under the names of a V1 class."""
    members: dict[str, Any] = {}
    changed = change_detection(cls)
    if changed is not None:

        def is_changed(_: type, /, **inputs: Any) -> Any:
            return changed(**_without_extras(call, inputs)[0])

        members["IS_CHANGED"] = classmethod(is_changed)
    valid = validation(cls)
    if valid is not None:
        members["VALIDATE_INPUTS"] = staticmethod(valid)  # bound already: the executor reads its argument names
    return members


def _runners(port: Port, class_type: str, cls: type, call: type[Call]) -> dict[str, Any]:
    name: str = cls.FUNCTION  # type: ignore[attr-defined]

    def init(self: Any) -> None:
        self.stock = receiver(cls)

    def begin(inputs: dict[str, Any]) -> tuple[Call, dict[str, Any]]:
        stock_inputs, options = _without_extras(call, inputs)
        seen = call(port, class_type, stock_inputs, options)
        seen.start()
        return seen, stock_inputs

    def run(self: Any, **inputs: Any) -> Any:
        seen, stock_inputs = begin(inputs)
        try:
            result = getattr(self.stock, name)(**stock_inputs)
        except BaseException as error:
            seen.stop(error, None)
            raise
        return seen.stop(None, result)

    async def run_async(self: Any, **inputs: Any) -> Any:
        seen, stock_inputs = begin(inputs)
        try:
            result = await getattr(self.stock, name)(**stock_inputs)
        except BaseException as error:
            seen.stop(error, None)
            raise
        return seen.stop(None, result)

    asynchronous = inspect.iscoroutinefunction(getattr(cls, name))
    return {"__init__": init, "run": run_async if asynchronous else run}
