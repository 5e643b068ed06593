"""Where files live: the content of `folder_paths`.

`configure` must be called before anything else. Directories are absolute and symlink-free, so that the containment
checks below compare like with like.
"""

from __future__ import annotations

import logging
import mimetypes
import os
import time
from pathlib import Path

supported_pt_extensions: set[str] = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}
base_path = ""
models_dir = ""
output_directory = ""
input_directory = ""
temp_directory = ""
user_directory = ""

SYSTEM_USER_PREFIX = "__"
_RENAMED_FOLDERS = {"unet": "diffusion_models", "clip": "text_encoders"}
_MODEL_FOLDERS: dict[str, tuple[str, ...]] = {
    "checkpoints": ("checkpoints",),
    "loras": ("loras",),
    "vae": ("vae",),
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
    "clip_vision": ("clip_vision",),
    "style_models": ("style_models",),
    "embeddings": ("embeddings",),
    "vae_approx": ("vae_approx",),
    "controlnet": ("controlnet", "t2i_adapter"),
    "gligen": ("gligen",),
    "upscale_models": ("upscale_models",),
    "hypernetworks": ("hypernetworks",),
    "photomaker": ("photomaker",),
    "model_patches": ("model_patches",),
    "audio_encoders": ("audio_encoders",),
}


def configure(
    base: Path,
    *,
    output: Path | None = None,
    inputs: Path | None = None,
    temp: Path | None = None,
    user: Path | None = None,
) -> None:
    """Point every path below `base`, or at the given folders, and create what is missing."""
    global base_path, models_dir, output_directory, input_directory, temp_directory, user_directory
    root = Path(base).resolve()
    base_path = str(root)
    models_dir = str(root / "models")
    output_directory = str((output or root / "output").resolve())
    input_directory = str((inputs or root / "input").resolve())
    temp_directory = str((temp or root / "temp").resolve())
    user_directory = str((user or root / "user").resolve())
    folder_names_and_paths.clear()
    for name, folders in _MODEL_FOLDERS.items():
        folder_names_and_paths[name] = ([str(root / "models" / f) for f in folders], supported_pt_extensions)
    folder_names_and_paths["configs"] = ([str(root / "models" / "configs")], {".yaml"})
    folder_names_and_paths["custom_nodes"] = ([str(root / "custom_nodes")], set())
    wanted = [output_directory, input_directory, temp_directory, os.path.join(user_directory, "default")]
    for folder in wanted + [paths[0] for paths, _ in folder_names_and_paths.values()]:
        os.makedirs(folder, exist_ok=True)


def get_output_directory() -> str:
    """The folder that SaveImage and its kin write to."""
    return output_directory


def get_input_directory() -> str:
    """The folder that uploads land in."""
    return input_directory


def get_temp_directory() -> str:
    """The folder for previews; emptied when the host starts and stops."""
    return temp_directory


def get_user_directory() -> str:
    """The folder whose sub-folders are users; served over HTTP except names that start with `__`."""
    return user_directory


def set_output_directory(path: str) -> None:
    """Move the output folder; existing files stay where they are."""
    global output_directory
    output_directory = path


def set_input_directory(path: str) -> None:
    """Move the input folder; existing files stay where they are."""
    global input_directory
    input_directory = path


def set_temp_directory(path: str) -> None:
    """Move the temp folder; existing files stay where they are."""
    global temp_directory
    temp_directory = path


def set_user_directory(path: str) -> None:
    """Move the user folder; existing files stay where they are."""
    global user_directory
    user_directory = path


def get_system_user_directory(name: str = "system") -> str:
    """`<user>/__<name>`, which no HTTP route serves. ValueError for a name that could escape that scheme."""
    if not isinstance(name, str) or not name.replace("_", "").isalnum() or name.startswith("_"):
        raise ValueError(f"Invalid system user name: {name!r}")
    return os.path.join(get_user_directory(), SYSTEM_USER_PREFIX + name)


def get_public_user_directory(user_id: str) -> str | None:
    """The folder of a user who may be reached over HTTP, or None for a system user."""
    if not user_id or user_id.startswith(SYSTEM_USER_PREFIX):
        return None
    return os.path.join(get_user_directory(), user_id)


def get_directory_by_type(type_name: str) -> str | None:
    """The folder behind the words `output`, `input` and `temp`; None for any other word."""
    getters = {"output": get_output_directory, "input": get_input_directory, "temp": get_temp_directory}
    getter = getters.get(type_name)
    return getter() if getter else None


def annotated_filepath(name: str) -> tuple[str, str | None]:
    """Split `picture.png [output]` into its name and folder; the folder is None without an annotation."""
    for word in ("output", "input", "temp"):
        suffix = f"[{word}]"
        if name.endswith(suffix):
            # The suffix is cut together with the blank before it, as the frontend writes it.
            return name[: -len(suffix) - 1], get_directory_by_type(word)
    return name, None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    """The path an annotated name stands for. Containment is not checked: that is the HTTP layer's business."""
    plain, folder = annotated_filepath(name)
    return os.path.join(folder or default_dir or get_input_directory(), plain)


def exists_annotated_filepath(name: str) -> bool:
    """Whether the file behind an annotated name is there."""
    return os.path.exists(get_annotated_filepath(name))


def filter_files_content_types(files: list[str], content_types: list[str]) -> list[str]:
    """Those names whose guessed media type (`image`, `video`, `audio`) is among the wanted ones."""
    kept = []
    for name in files:
        kind = "image/webp" if name.lower().endswith(".webp") else mimetypes.guess_type(name, strict=False)[0]
        if kind and kind.split("/")[0] in content_types:
            kept.append(name)
    return kept


def add_model_folder_path(folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
    """Let a pack add its own models folder."""
    key = _RENAMED_FOLDERS.get(folder_name, folder_name)
    paths, _ = folder_names_and_paths.setdefault(key, ([], set()))
    if full_folder_path in paths:
        paths.remove(full_folder_path)
    paths.insert(0 if is_default else len(paths), full_folder_path)


def get_folder_paths(folder_name: str) -> list[str]:
    """The folders searched for this kind of model; KeyError for an unknown kind."""
    return list(folder_names_and_paths[_RENAMED_FOLDERS.get(folder_name, folder_name)][0])


def get_full_path(folder_name: str, filename: str) -> str | None:
    """The first existing file of that name, or None; `..` cannot climb out of the models folders."""
    key = _RENAMED_FOLDERS.get(folder_name, folder_name)
    if key not in folder_names_and_paths:
        return None
    inside = os.path.relpath(os.path.join(os.sep, filename), os.sep)
    for folder in folder_names_and_paths[key][0]:
        candidate = os.path.join(folder, inside)
        if os.path.isfile(candidate):
            return candidate
    return None


def get_full_path_or_raise(folder_name: str, filename: str) -> str:
    """As `get_full_path`; FileNotFoundError when there is no such file."""
    path = get_full_path(folder_name, filename)
    if path is None:
        raise FileNotFoundError(f"Model in folder '{folder_name}' with filename '{filename}' not found.")
    return path


def get_filename_list(folder_name: str) -> list[str]:
    """All model files of a kind, as sorted paths relative to their folder; read from the disk each time."""
    folders, extensions = folder_names_and_paths[_RENAMED_FOLDERS.get(folder_name, folder_name)]
    found: set[str] = set()
    for folder in folders:
        for where, _, names in os.walk(folder, followlinks=True):
            for name in names:
                if not extensions or os.path.splitext(name)[1].lower() in extensions:
                    found.add(os.path.relpath(os.path.join(where, name), folder))
    return sorted(found)


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """Where the next file of this prefix goes: (folder, file stem, first free counter, subfolder, full prefix).

    Raises an Exception when the prefix leads out of `output_dir`. Two writers asking at once get the same counter.
    """
    prefix = _fill_in(filename_prefix, image_width, image_height)
    subfolder, stem = os.path.split(os.path.normpath(prefix))
    folder = os.path.join(output_dir, subfolder)
    root = os.path.abspath(output_dir)
    if os.path.commonpath((root, os.path.abspath(folder))) != root:
        message = f"Saving image outside the output folder is not allowed: {os.path.abspath(folder)}"
        logging.error(message)
        raise Exception(message)
    os.makedirs(folder, exist_ok=True)
    taken = [0]
    for name in os.listdir(folder):
        if os.path.normcase(name[: len(stem) + 1]) == os.path.normcase(stem + "_"):
            digits = name[len(stem) + 1 :].split("_")[0]
            taken.append(int(digits) if digits.isdecimal() else 0)
    return folder, stem, max(taken) + 1, subfolder, prefix


def _fill_in(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    values = {
        "%width%": str(width),
        "%height%": str(height),
        "%year%": str(now.tm_year),
        "%month%": f"{now.tm_mon:02}",
        "%day%": f"{now.tm_mday:02}",
        "%hour%": f"{now.tm_hour:02}",
        "%minute%": f"{now.tm_min:02}",
        "%second%": f"{now.tm_sec:02}",
    }
    for mark, value in values.items():
        prefix = prefix.replace(mark, value)
    return prefix
