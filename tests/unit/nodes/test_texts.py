"""Every node is explained in English and in Chinese, under the names that ComfyUI's page asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "web" / "docs"
ENGLISH, CHINESE = (
    json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8")) for language in ("en", "zh")
)
NODES = sorted(path.stem if path.suffix == ".md" else path.name for path in DOCS.glob("*.md"))


def key(node: str) -> str:
    return node.replace(".", "_")  # the page looks translations up by path, so it replaces dots


def test_both_languages_know_the_same_nodes():
    assert set(ENGLISH) == set(CHINESE) == {key(node) for node in NODES}


def test_nodes_of_this_pack_are_among_them(nodes):
    ours = {name for name in nodes if name not in ("ProvenanceTextEncodeLater", "ProvenanceLazyEncoder")}
    assert ours <= set(NODES)


@pytest.mark.parametrize("node", NODES)
def test_help_is_there_in_both_languages(node):
    english = (DOCS / f"{node}.md").read_text(encoding="utf-8")  # also the page's fallback for other languages
    chinese = (DOCS / node / "zh.md").read_text(encoding="utf-8")
    assert english.splitlines()[0] == f"# {ENGLISH[key(node)]['display_name']}"
    assert chinese.splitlines()[0] == f"# {CHINESE[key(node)]['display_name']}"
    assert english.count("\n## ") == chinese.count("\n## ")
    assert english.count("\n| `") == chinese.count("\n| `")


@pytest.mark.parametrize("node", NODES)
def test_inputs_explained_in_one_language_are_explained_in_the_other(node):
    english, chinese = ENGLISH[key(node)].get("inputs", {}), CHINESE[key(node)].get("inputs", {})
    assert set(english) <= set(chinese)
    assert {name for name, text in english.items() if "tooltip" in text} == {
        name for name, text in chinese.items() if "tooltip" in text
    }


def test_explained_inputs_exist(nodes):
    for name, cls in nodes.items():
        declared = cls.INPUT_TYPES()
        inputs = {*declared.get("required", {}), *declared.get("optional", {})}
        assert set(ENGLISH.get(key(name), {}).get("inputs", {})) <= inputs, name
