"""Serves the embedded host with the pack: `python -m comfy_provenance.demo.serve`, or run this file by its path."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from pathlib import Path

if __package__ in (None, ""):  # run by path: make the folder importable as the package it is
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    __package__ = "demo"

from .host.embedded import EmbeddedHost, HostOptions

PACK_ROOT = Path(__file__).resolve().parent.parent
PACK_NAME = "comfy-provenance"


def default_base_directory() -> Path:
    """Where the demo keeps its files unless told otherwise: below the user's data folder, never in the repository."""
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Application Support"
    else:
        root = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return root / "comfy-provenance-demo"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ComfyUI's own option names where it has them."""
    parser = argparse.ArgumentParser(prog="serve", description="A small host for the pack, with the real frontend.")
    parser.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS", help="address to listen on")
    parser.add_argument("--port", type=int, default=8188, help="port to listen on, 0 for any free one")
    parser.add_argument(
        "--base-directory", type=Path, default=None, help="folder for models, input, output, user, temp"
    )
    parser.add_argument("--output-directory", type=Path, default=None)
    parser.add_argument("--input-directory", type=Path, default=None)
    parser.add_argument("--temp-directory", type=Path, default=None, help="its subfolder `temp` is used")
    parser.add_argument("--user-directory", type=Path, default=None)
    parser.add_argument(
        "--front-end-root", type=Path, default=None, help="serve this page instead of the installed one"
    )
    parser.add_argument("--no-pack", action="store_true", help="serve without the pack")
    parser.add_argument(
        "--extra-pack",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="load a further custom node folder",
    )
    return parser.parse_args(arguments)


def options_from(given: argparse.Namespace) -> HostOptions:
    """What to start, from the command line."""
    packs = {} if given.no_pack else {PACK_NAME: PACK_ROOT}
    packs.update({folder.name: folder for folder in given.extra_pack})
    return HostOptions(
        base_directory=given.base_directory or default_base_directory(),
        packs=packs,
        listen=given.listen,
        port=given.port,
        front_end_root=given.front_end_root,
        output_directory=given.output_directory,
        input_directory=given.input_directory,
        # As in ComfyUI the option names the parent: the folder itself is emptied at start and stop.
        temp_directory=given.temp_directory / "temp" if given.temp_directory else None,
        user_directory=given.user_directory,
    )


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. 2 when the host cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    host = EmbeddedHost(options_from(parse_arguments(arguments)))
    try:
        host.start()
        threading.Event().wait()
    except OSError as error:  # a taken port, a folder that cannot be written, no frontend
        print(f"Cannot start: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.")
    finally:
        host.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
