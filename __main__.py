"""Runs the command line from the folder itself: `python custom_nodes/comfy-provenance log`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGE = "comfy_provenance"


def bootstrap() -> None:
    """Load this folder as the package, under its own name.

    Python puts the folder on sys.path; it must go, because it holds a package called `nodes` and ComfyUI owns that
    top-level name.
    """
    folder = Path(__file__).absolute().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).absolute() != folder]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"{PACKAGE}: {folder} is not complete")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    if not __package__:
        bootstrap()
    main = importlib.import_module(f"{__package__ or PACKAGE}.provenance.present.cli").main
    sys.exit(main())
