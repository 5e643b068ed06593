"""Whether a prompt may be queued, and the answer in ComfyUI's words.

The error types, their fields and their order are what the page shows and what clients parse.
"""

from __future__ import annotations

import inspect
import logging
import sys
import traceback
from collections.abc import Collection
from typing import Any

from . import registry
from .calls import gather_inputs, map_over_lists
from .graph import get_input_info
from .v3 import ComfyNode, is_v3

Error = dict[str, Any]
Verdict = tuple[bool, list[Error], str]
_CASTS: dict[Any, Any] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


async def validate_prompt(
    prompt_id: str, prompt: dict[str, Any], partial_execution_list: Collection[str] | None = None
) -> tuple[bool, Error | None, list[str], dict[str, Any]]:
    """(accepted, error, outputs to execute, errors by node).

    Accepted as soon as one output is sound; unsound ones are left out and named. Literal inputs are converted in place
    to their declared type, so that `"20"` and `20` are the same run.
    """
    outputs: list[str] = []
    for node_id, node in prompt.items():
        class_type = node.get("class_type")
        cls = registry.NODE_CLASS_MAPPINGS.get(class_type) if class_type is not None else None
        if cls is None:
            return False, _missing_class(node_id, node), [], {}
        wanted = partial_execution_list is None or node_id in partial_execution_list
        if wanted and getattr(cls, "OUTPUT_NODE", False) is True:
            outputs.append(node_id)
    if not outputs:
        return False, _error("prompt_no_outputs", "Prompt has no outputs", "", {}), [], {}

    check = _Check(prompt_id, prompt)
    good: list[str] = []
    bad: list[tuple[str, list[Error]]] = []
    node_errors: dict[str, Any] = {}
    for output in outputs:
        try:
            sound, reasons, _ = await check.node(output)
        except Exception as error:  # a node's own INPUT_TYPES or VALIDATE_INPUTS may raise anything
            sound, reasons = False, [_raised("exception_during_validation", "Exception when validating node", error)]
            check.verdicts[output] = (False, reasons, output)
        if sound:
            good.append(output)
            continue
        bad.append((output, reasons))
        logging.error("Failed to validate prompt for output %s:", output)
        check.collect(output, node_errors)
        logging.error("Output will be ignored")
    if not good:
        details = "\n".join(f"{e['message']}: {e['details']}" for _, reasons in bad for e in reasons)
        error = _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details, {})
        return False, error, [], node_errors
    return True, None, good, node_errors


class _Check:
    """One pass over a prompt; a node reached twice is judged once."""

    def __init__(self, prompt_id: str, prompt: dict[str, Any]) -> None:
        self.prompt_id = prompt_id
        self.prompt = prompt
        self.verdicts: dict[str, Verdict] = {}
        self._path: list[str] = []

    async def node(self, node_id: str) -> Verdict:
        """Judge a node and everything upstream of it."""
        if node_id in self.verdicts:
            return self.verdicts[node_id]
        if node_id in self._path:
            return self._cycle(node_id)
        self._path.append(node_id)
        try:
            upstream_sound, errors = await self._inputs(node_id)
        finally:
            self._path.pop()
        before = self.verdicts.get(node_id, (True, [], node_id))  # a cycle through this node may have judged it
        errors = before[1] + [error for error in errors if error not in before[1]]
        self.verdicts[node_id] = (before[0] and upstream_sound and not errors, errors, node_id)
        return self.verdicts[node_id]

    def collect(self, output: str, node_errors: dict[str, Any]) -> None:
        """Add every faulty node met so far to the answer, naming the output that needs it."""
        for node_id, (sound, reasons, _) in self.verdicts.items():
            if sound or not reasons:
                continue
            class_type = self.prompt[node_id]["class_type"]
            if node_id not in node_errors:
                node_errors[node_id] = {"errors": reasons, "dependent_outputs": [], "class_type": class_type}
                logging.error("* %s %s:", class_type, node_id)
                for reason in reasons:
                    logging.error("  - %s: %s", reason["message"], reason["details"])
            node_errors[node_id]["dependent_outputs"].append(output)

    def _cycle(self, node_id: str) -> Verdict:
        loop = [*self._path[self._path.index(node_id) :], node_id]
        members = list(dict.fromkeys(loop))
        details = " -> ".join(f"{n} ({self.prompt[n]['class_type']})" for n in loop)
        for member in members:
            info = {"node_id": member, "cycle_nodes": members}
            self.verdicts[member] = (
                False,
                [_error("dependency_cycle", "Dependency cycle detected", details, info)],
                member,
            )
        return self.verdicts[node_id]

    async def _inputs(self, node_id: str) -> tuple[bool, list[Error]]:
        node = self.prompt[node_id]
        cls = registry.NODE_CLASS_MAPPINGS[node["class_type"]]
        declared = cls.INPUT_TYPES()
        own_check, own_names, takes_all = _own_check(cls)
        errors: list[Error] = []
        received: dict[str, Any] = {}
        sound = True
        for name in [*declared.get("required", {}), *declared.get("optional", {})]:
            kind, category, options = get_input_info(cls, name, declared)
            options = options or {}
            config = (kind, options)
            if name not in node["inputs"]:
                if category == "required":
                    errors.append(
                        _error("required_input_missing", "Required input is missing", name, {"input_name": name})
                    )
                continue
            value = node["inputs"][name]
            if isinstance(value, list):
                upstream, error = await self._link(name, value, config, received, "input_types" in own_names)
                sound = sound and upstream
                if error:
                    errors.append(error)
                continue
            error = _literal(node["inputs"], name, config, checked_by_node=takes_all or name in own_names)
            if error:
                errors.append(error)
        if own_names or takes_all:
            errors += await self._ask_node(node_id, node, cls, own_check, own_names, takes_all, received)
        return sound, errors

    async def _link(
        self, name: str, link: list[Any], config: tuple[Any, Any], received: dict[str, Any], node_checks_types: bool
    ) -> tuple[bool, Error | None]:
        about = {"input_name": name, "input_config": config}
        if len(link) != 2:
            text = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return True, _error("bad_linked_input", text, name, {**about, "received_value": link})
        source = self.prompt[link[0]]["class_type"]
        received[name] = registry.NODE_CLASS_MAPPINGS[source].RETURN_TYPES[link[1]]
        if not node_checks_types and not _types_fit(received[name], config[0]):
            details = f"{name}, received_type({received[name]}) mismatch input_type({config[0]})"
            info = {**about, "received_type": received[name], "linked_node": link}
            return True, _error("return_type_mismatch", "Return type mismatch between linked nodes", details, info)
        try:
            return (await self.node(link[0]))[0], None
        except Exception as error:  # as above: the upstream node's own code
            reason = _raised("exception_during_inner_validation", "Exception when validating inner node", error)
            reason["extra_info"].update(about, exception_message=str(error), linked_node=link)
            self.verdicts[link[0]] = (False, [reason], link[0])
            return False, None

    async def _ask_node(
        self,
        node_id: str,
        node: dict[str, Any],
        cls: type[Any],
        function: str,
        names: list[str],
        takes_all: bool,
        received: dict[str, Any],
    ) -> list[Error]:
        inputs, hidden = gather_inputs(node_id, node, cls)
        asked = {name: value for name, value in inputs.items() if takes_all or name in names}
        if "input_types" in names:
            asked["input_types"] = [received]
        answers = await map_over_lists(self.prompt_id, node_id, cls, asked, function, hidden)
        errors = []
        for name in asked:
            for answer in answers:
                if answer is True:
                    continue
                details = name if answer is False else f"{name} - {answer}"
                text = "Custom validation failed for node"
                errors.append(_error("custom_validation_failed", text, details, {"input_name": name}))
        return errors


def _own_check(cls: type[Any]) -> tuple[str, list[str], bool]:
    name = "validate_inputs" if is_v3(cls) else "VALIDATE_INPUTS"
    function = getattr(cls, name, None)
    if function is None or (is_v3(cls) and not hasattr(cls, name)) or function is getattr(ComfyNode, name, None):
        return name, [], False
    spec = inspect.getfullargspec(function)
    return name, spec.args, spec.varkw is not None


def _literal(inputs: dict[str, Any], name: str, config: tuple[Any, Any], *, checked_by_node: bool) -> Error | None:
    kind, options = config
    value = inputs[name]
    about = {"input_name": name, "input_config": config}
    if isinstance(value, dict) and "__value__" in value:
        inputs[name] = value = value["__value__"]
    cast = _CASTS.get(kind) if isinstance(kind, str) else None
    if cast is not None:
        try:
            inputs[name] = value = cast(value)
        except (TypeError, ValueError, OverflowError) as error:
            return _error(
                "invalid_input_type",
                f"Failed to convert an input value to a {kind} value",
                f"{name}, {value}, {error}",
                {**about, "received_value": value, "exception_message": str(error)},
            )
    if checked_by_node:
        return None
    about["received_value"] = value
    if "min" in options and value < options["min"]:
        text = f"Value {value} smaller than min of {options['min']}"
        return _error("value_smaller_than_min", text, name, about)
    if "max" in options and value > options["max"]:
        text = f"Value {value} bigger than max of {options['max']}"
        return _error("value_bigger_than_max", text, name, about)
    choices = kind if isinstance(kind, list) else options.get("options", []) if kind == "COMBO" else None
    if choices is not None and value not in choices:
        shown = str(choices)
        if len(choices) > 20:  # long lists of model files would drown the message
            shown, about["input_config"] = f"(list of length {len(choices)})", None
        return _error("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {shown}", about)
    return None


def _types_fit(received: Any, wanted: Any) -> bool:
    # Asked with `!=` and not `==`, because packs make wildcard types by overriding __ne__.
    differ = received != wanted
    if not differ:
        return True
    if received == "*" or wanted == "*" or (isinstance(received, list) and wanted == "COMBO"):
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    left, right = ({part.strip() for part in text.split(",")} for text in (received, wanted))
    return "*" in left or "*" in right or bool(left & right)


def _missing_class(node_id: str, node: dict[str, Any]) -> Error:
    class_type = node.get("class_type")
    title = node.get("_meta", {}).get("title", class_type)
    if class_type is None:
        name = title or f"ID #{node_id}"
        text = f"Node '{name}' has no class_type. The workflow may be corrupted or a custom node is missing."
    else:
        text = f"Node '{title}' not found. The custom node may not be installed."
    info = {"node_id": node_id, "class_type": class_type, "node_title": title}
    return _error("missing_node_type", text, f"Node ID '#{node_id}'", info)


def _error(kind: str, message: str, details: str, info: dict[str, Any]) -> Error:
    return {"type": kind, "message": message, "details": details, "extra_info": info}


def _raised(kind: str, message: str, error: Exception) -> Error:
    trace = traceback.format_tb(sys.exc_info()[2])
    info = {"exception_type": full_type_name(type(error)), "traceback": trace}
    return _error(kind, message, str(error), info)


def full_type_name(cls: type[Any]) -> str:
    """A class's name with its module, without `builtins.`."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
