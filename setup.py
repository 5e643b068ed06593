"""Lists the packages; everything else is in pyproject.toml.

ComfyUI loads this folder as one package, so the folder itself is `comfy_provenance`. Setuptools' own search would
install top-level modules named `nodes`, `host` and `provenance` instead, and ComfyUI owns the first of these names.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CODE = ("demo", "host", "nodes", "provenance")
DATA = ("example_workflows", "locales", "schemas", "web")


class BuildPackage(build_py):
    """Leaves this file out: it lies in the package's folder."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


def packages() -> list[str]:
    """The folder itself, every folder of code that has an __init__.py, and every folder of data that could be imported.

    The other folders of data, with a dot or a dash in the name, are found by the patterns in pyproject.toml; if the
    first kind were left to them too, setuptools would warn about each.
    """
    folders = [file.parent for part in CODE for file in (ROOT / part).rglob("__init__.py")]
    folders += [folder for part in DATA for folder in (ROOT / part, *(ROOT / part).rglob("*")) if folder.is_dir()]
    names = [("comfy_provenance", *folder.relative_to(ROOT).parts) for folder in (ROOT, *sorted(folders))]
    return [".".join(parts) for parts in names if all(part.isidentifier() for part in parts)]


setup(package_dir={"comfy_provenance": "."}, packages=packages(), cmdclass={"build_py": BuildPackage})
