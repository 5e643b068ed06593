from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("provenance_test_stock", Path(__file__).with_name("stock.py"))
assert _SPEC is not None and _SPEC.loader is not None
stock = importlib.util.module_from_spec(_SPEC)
sys.modules["provenance_test_stock"] = stock
_SPEC.loader.exec_module(stock)


@pytest.fixture
def port(tmp_path: Path):
    """A port onto the stock classes of `stock.py`, inside the recorded run `run-1`, node 7."""
    return stock.RecordingPort(tmp_path, stock.STOCK)


@pytest.fixture
def nodes(port):
    """The pack's node classes, built on that port."""
    from comfy_provenance.nodes import build

    return build(port)[0]
