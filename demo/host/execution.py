"""The content of `execution`: queue, executor and validation under one name."""

from __future__ import annotations

from .executor import PromptExecutor
from .graph import DynamicPrompt, ExecutionBlocker, get_input_info
from .queue import MAXIMUM_HISTORY_SIZE, SENSITIVE_EXTRA_DATA_KEYS, PromptQueue
from .validation import full_type_name, validate_prompt

__all__ = [
    "MAXIMUM_HISTORY_SIZE",
    "SENSITIVE_EXTRA_DATA_KEYS",
    "DynamicPrompt",
    "ExecutionBlocker",
    "PromptExecutor",
    "PromptQueue",
    "full_type_name",
    "get_input_info",
    "validate_prompt",
]
