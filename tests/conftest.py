"""Makes the repository root importable as the package `comfy_provenance`, installed or not."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _load_root_package() -> None:
    if "comfy_provenance" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "comfy_provenance", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfy_provenance"] = module
    spec.loader.exec_module(module)


_load_root_package()

if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import HealthCheck, settings

    # How long examples take says more of the machine than of us, and the gate answers the same twice in a row. New
    # examples each time: `pytest --hypothesis-profile=search`, and `make fuzz`.
    settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("gate", settings.get_profile("search"), derandomize=True)
    settings.load_profile("gate")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell: hosts that tests start would inherit that and never hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
