"""Provenance Intent: the author's idea, in words, before the picture is there."""

from __future__ import annotations

from typing import Any

from .border import guarded
from .port import Port


def make(port: Port) -> type:
    """Make the node class for this host."""

    class ProvenanceIntent:
        """Holds what the author means to make. It changes nothing in the picture.

        An output node without outputs, so that it runs although nothing is connected to it. The text that stands in
        the graph is signed when the run is accepted; the observation adds the text as it arrived, which differs
        where another node writes it.
        """

        RETURN_TYPES: tuple[str, ...] = ()
        FUNCTION = "declare"
        OUTPUT_NODE = True
        CATEGORY = "provenance"
        DESCRIPTION = "Your idea for this work, in your words. It is signed with the first run that carries it."
        SEARCH_ALIASES = ("idea", "concept", "note", "intent")

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {
                "required": {
                    "title": ("STRING", {"default": "", "tooltip": "A working title."}),
                    "text": (
                        "STRING",
                        {
                            "default": "",
                            "multiline": True,
                            "dynamicPrompts": False,
                            "tooltip": "What you want to make, and why: subject, mood, composition, sources.",
                        },
                    ),
                }
            }

        def declare(self, title: str, text: str) -> tuple[()]:
            with guarded(port, "ProvenanceIntent could not hand over its text"):
                context = port.context()
                if context is not None:
                    values = {"kind": "intent", "title": title, "text": text, "list_index": context.list_index}
                    port.observe(context, "ProvenanceIntent", values, {})
            return ()

    return ProvenanceIntent
