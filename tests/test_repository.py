"""What must hold for the whole repository: metadata agrees, texts exist in both languages, links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
TEXT = {"", ".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".svg", ".toml", ".txt", ".yaml", ".yml"}
SKIPPED_FOLDERS = {".git", ".venv", "build", "dist", "node_modules", "__pycache__"}

# Distribution name to the name it is imported by, where the two differ.
IMPORT_NAMES = {"pillow": "PIL", "rfc3161-client": "rfc3161_client", "sqlalchemy": "sqlalchemy"}


def repository_files() -> list[Path]:
    """Tracked files and new ones that git does not ignore; in an unpacked archive, everything."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True
    )
    if listing.returncode == 0:
        names = [Path(name.decode()) for name in listing.stdout.split(b"\0") if name]
    else:
        names = [p.relative_to(ROOT) for p in ROOT.rglob("*") if not SKIPPED_FOLDERS & set(p.parts)]
    return sorted({name for name in names if (ROOT / name).is_file()})


def text_files() -> list[Path]:
    return [path for path in repository_files() if path.suffix in TEXT]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def toml_block(name: str, text: str) -> str:
    """The text of one table of pyproject.toml. Python 3.10 has no TOML reader, and these tables are simple."""
    found = re.search(rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"pyproject.toml has no [{name}]"
    return found[1]


def toml_list(key: str, block: str) -> list[str]:
    found = re.search(rf"^{re.escape(key)} = (\[[^\n]*\]$|\[\n.*?^\]$)", block, re.MULTILINE | re.DOTALL)
    assert found, f"no list {key}"
    value: list[str] = ast.literal_eval(re.sub(r"#.*", "", found[1]))
    return value


PYPROJECT = read(Path("pyproject.toml"))
DEPENDENCIES = toml_list("dependencies", toml_block("project", PYPROJECT))


# Packages of an optional extra, each imported by one module, which tells what to do when it is missing.
OPTIONAL = {"c2pa": "provenance/seal/content.py"}


def distribution(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0].lower()


# Metadata.


def test_requirements_txt_says_what_pyproject_says() -> None:
    lines = [line.strip() for line in read(Path("requirements.txt")).splitlines()]
    assert [line for line in lines if line and not line.startswith("#")] == DEPENDENCIES


def test_torch_is_left_as_the_user_has_it() -> None:
    assert "torch" in DEPENDENCIES
    assert not {"torchvision", "torchaudio", "numpy"} & {distribution(line) for line in DEPENDENCIES}


def test_everything_that_make_installs_is_pinned() -> None:
    extras = toml_block("project.optional-dependencies", PYPROJECT)
    named = [line for extra in ("demo", "dev", "fuzz") for line in toml_list(extra, extras)]
    wanted = {distribution(line) for line in [*DEPENDENCIES, *named]}
    lines = [line for line in read(Path("constraints-dev.txt")).splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert {distribution(line) for line in lines} == wanted


def test_the_lock_file_of_the_page_pins_what_it_names_and_names_no_registry() -> None:
    wanted = json.loads(read(Path("package.json")))["devDependencies"]
    lock = json.loads(read(Path("package-lock.json")))["packages"]
    assert lock[""]["devDependencies"] == wanted
    locked = {name.removeprefix("node_modules/"): entry for name, entry in lock.items() if name}
    assert {name: entry["version"] for name, entry in locked.items()} == wanted
    for name, entry in locked.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_every_folder_of_code_is_a_package() -> None:
    """A folder without __init__.py would work from a checkout and be missing from an installed copy."""
    for top in ("demo", "host", "nodes", "provenance"):
        for folder in sorted({path.parent for path in (ROOT / top).rglob("*.py")}):
            assert (folder / "__init__.py").is_file(), f"{folder.relative_to(ROOT)} has no __init__.py"


def test_the_core_imports_only_what_it_declares() -> None:
    declared = {IMPORT_NAMES.get(distribution(line), distribution(line)) for line in DEPENDENCIES}
    for path in sorted((ROOT / "provenance").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                if OPTIONAL.get(top) == path.relative_to(ROOT).as_posix():
                    continue
                assert top in sys.stdlib_module_names or top in declared, f"{path.relative_to(ROOT)} imports {name}"


def test_registry_metadata_is_complete() -> None:
    comfy = dict(re.findall(r'^([\w-]+) = "([^"]+)"$', toml_block("tool.comfy", PYPROJECT), re.MULTILINE))
    assert set(comfy) >= {"PublisherId", "DisplayName", "Icon", "requires-comfyui"}
    project = dict(re.findall(r'^([\w-]+) = "([^"]+)"$', toml_block("project", PYPROJECT), re.MULTILINE))
    assert "comfyui" not in project["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert re.search(r"^## \[Unreleased\]$", read(Path("CHANGELOG.md")), re.MULTILINE)


# What the repository may not hold.


@pytest.mark.parametrize("path", text_files(), ids=Path.as_posix)
def test_nothing_of_one_machine_or_one_mirror(path: Path) -> None:
    text = read(path)
    places = re.findall(r"(?<![\w.~*/-])/(?:root|work|opt)/\w[^\s'\"]*", text)
    hosts = re.findall(r"pypi\.org|pythonhosted\.org|npmjs\.org|download\.pytorch\.org|(?:extra-)?index-url\s*=", text)
    assert not places + hosts, f"{path}: {places + hosts}"


@pytest.mark.parametrize("path", text_files(), ids=Path.as_posix)
def test_lines_end_alike_everywhere(path: Path) -> None:
    data = (ROOT / path).read_bytes()
    assert b"\r\n" not in data
    assert not data or data.endswith(b"\n") or "vectors" in path.parts


# Formats.


def test_schemas_are_draft_2020_12() -> None:
    for path in sorted((ROOT / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema", path.name
        assert re.fullmatch(r"[a-z][a-z-]*\.v\d+\.json", path.name), path.name
        Draft202012Validator.check_schema(schema)


# Both languages.


def _leaves(value: Any, trail: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    if isinstance(value, dict):
        return {key: leaf for name, inner in value.items() for key, leaf in _leaves(inner, (*trail, name)).items()}
    assert isinstance(value, str), f"{'.'.join(trail)} is no text"
    return {trail: value}


def test_english_and_chinese_say_the_same_things() -> None:
    names = {path.name for path in (ROOT / "locales").glob("*/*.json")}
    assert {"main.json", "settings.json", "commands.json"} <= names
    for name in sorted(names):
        english, chinese = (
            _leaves(json.loads((ROOT / "locales" / language / name).read_text(encoding="utf-8")))
            for language in ("en", "zh")
        )
        # Of the nodes, English is what their own definitions say, so that file may hold less.
        assert set(english) <= set(chinese) if name == "nodeDefs.json" else set(english) == set(chinese), name
        for key, text in english.items():
            assert text.strip(), key
            assert chinese[key].strip(), key
            holes = [sorted(re.findall(r"\{\w*\}", words)) for words in (text, chinese[key])]
            assert holes[0] == holes[1], f"{name}: {'.'.join(key)}"


# Documents.


def _anchors(markdown: str) -> set[str]:
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r"""<a (?:id|name)=["']([^"']+)""", markdown))


@pytest.mark.parametrize("path", [p for p in repository_files() if p.suffix == ".md"], ids=Path.as_posix)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", read(path), flags=re.DOTALL)
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"""(?:src|href)=["']([^"']+)""", text)
    for target in targets:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / path).parent / name if name else ROOT / path
        assert file.exists(), f"{path} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file.read_text(encoding="utf-8")), f"{path} links to {target}"
