"""The start-up options a pack may look at: the content of `comfy.cli_args`."""

from __future__ import annotations

from argparse import Namespace

args = Namespace(
    listen="127.0.0.1",
    port=8188,
    base_directory=None,
    output_directory=None,
    input_directory=None,
    temp_directory=None,
    user_directory=None,
    front_end_root=None,
    max_upload_size=100,
    disable_metadata=False,
    disable_all_custom_nodes=False,
    enable_cors_header=None,
    multi_user=False,
    preview_method="auto",
    preview_size=512,
    cpu=True,
    verbose="INFO",
)
