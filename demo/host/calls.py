"""How a node is called: gathering its inputs, list semantics, and what its return value means."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from . import registry
from .context import CurrentNodeContext
from .graph import DynamicPrompt, ExecutionBlocker, get_input_info, is_link
from .v3 import Hidden, NodeOutput, is_v3

Lists = dict[str, list[Any]]


def gather_inputs(
    node_id: str,
    node: dict[str, Any],
    cls: type[Any],
    fetch: Callable[[str], list[Any] | None] | None = None,
    prompt: DynamicPrompt | None = None,
    extra_data: dict[str, Any] | None = None,
) -> tuple[Lists, dict[Hidden, Any]]:
    """Every input as a list of values, and a V3 node's hidden values apart.

    `fetch` gives the output slots of an upstream node; without it links become `(None,)`: only constants are known.
    """
    declared = cls.INPUT_TYPES()
    gathered: Lists = {}
    for name, value in node["inputs"].items():
        _, category, options = get_input_info(cls, name, declared)
        if is_link(value) and not (options or {}).get("rawLink"):
            slots = fetch(value[0]) if fetch else None
            known = slots is not None and value[1] < len(slots)
            gathered[name] = slots[value[1]] if slots is not None and known else [None]
        elif category is not None:
            gathered[name] = [value]
    extra = extra_data or {}
    values = {
        "PROMPT": prompt.get_original_prompt() if prompt else {},
        "DYNPROMPT": prompt,
        "EXTRA_PNGINFO": extra.get("extra_pnginfo"),
        "UNIQUE_ID": node_id,
        "AUTH_TOKEN_COMFY_ORG": extra.get("auth_token_comfy_org"),
        "API_KEY_COMFY_ORG": extra.get("api_key_comfy_org"),
    }
    hidden: dict[Hidden, Any] = {}
    for name, kind in declared.get("hidden", {}).items():
        if is_v3(cls):
            hidden[Hidden[name]] = values[kind[0]]
        elif isinstance(kind, str) and kind in values:
            gathered[name] = [values[kind]]
    return gathered, hidden


async def map_over_lists(
    prompt_id: str,
    node_id: str,
    target: Any,
    inputs: Lists,
    function: str,
    hidden: dict[Hidden, Any] | None = None,
    *,
    interruptible: bool = False,
    on_block: Callable[[ExecutionBlocker], ExecutionBlocker] | None = None,
) -> list[Any]:
    """Call `function` once per list position (the last value of a short list repeats), or once with the lists whole
    when the class says INPUT_IS_LIST. A blocked input replaces the call by the blocker. `target` is an instance or a
    class. Async functions are awaited one after the other."""
    whole = getattr(target, "INPUT_IS_LIST", False)
    length = max((len(values) for values in inputs.values()), default=0)
    results: list[Any] = []
    positions: list[int | None] = [0] if whole else list(range(length)) or [None]
    for index in positions:
        if whole or index is None:
            arguments: dict[str, Any] = dict(inputs)
        else:
            arguments = {name: v[index] if index < len(v) else v[-1] for name, v in inputs.items()}
        if interruptible:
            registry.before_node_execution()
        blocker = _find_blocker(arguments, whole)
        if blocker is not None:
            results.append(on_block(blocker) if on_block else blocker)
            continue
        with CurrentNodeContext(prompt_id, node_id, index):
            answer = _callable(target, function, hidden)(**arguments)
            results.append(await answer if inspect.isawaitable(answer) else answer)
    return results


def _callable(target: Any, function: str, hidden: dict[Hidden, Any] | None) -> Callable[..., Any]:
    cls = target if inspect.isclass(target) else type(target)
    if is_v3(cls):
        return getattr(cls.PREPARE_CLASS_CLONE({"hidden_inputs": hidden or {}}), function)
    return getattr(target, function)


def _find_blocker(arguments: dict[str, Any], whole: bool) -> ExecutionBlocker | None:
    for value in arguments.values():
        for item in value if whole else (value,):
            if isinstance(item, ExecutionBlocker):
                return item
    return None


def unpack_returns(returned: list[Any], cls: type[Any]) -> tuple[list[Any], dict[str, Any]]:
    """(output slots, each a list over the calls; what to show, merged over the calls).

    A node may return a tuple, a V3 NodeOutput, a blocker, or a dict with `result` and `ui`. A dict with `expand` is
    refused: this host runs the graph that was queued and no other.
    """
    results: list[Any] = []
    shown: list[dict[str, Any]] = []
    for value in returned:
        if isinstance(value, NodeOutput):
            ui = value.ui if value.ui is None or isinstance(value.ui, dict) else value.ui.as_dict()
            blocked = None if value.block_execution is None else ExecutionBlocker(value.block_execution)
            value = {"ui": ui, "result": blocked or value.result}
        if isinstance(value, dict):
            if value.get("expand") is not None:
                raise NotImplementedError("The embedded host does not expand nodes into subgraphs.")
            if value.get("ui") is not None:
                shown.append(value["ui"])
            if value.get("result") is None:
                continue
            value = value["result"]
        if isinstance(value, ExecutionBlocker):
            value = (value,) * len(cls.RETURN_TYPES)
        results.append(value)
    ui = {key: [item for one in shown for item in one[key]] for key in shown[0]} if shown else {}
    return _merge(results, cls), ui


def _merge(results: list[Any], cls: type[Any]) -> list[Any]:
    if not results:
        return []
    width = len(results[0])
    is_list = list(getattr(cls, "OUTPUT_IS_LIST", ())) or [False] * width
    slots: list[Any] = []
    for slot, flag in zip(range(width), is_list, strict=False):
        values: list[Any] = []
        for result in results:
            if flag and not isinstance(result[slot], ExecutionBlocker):
                values.extend(result[slot])
            else:
                values.append(result[slot])
        slots.append(values)
    return slots
