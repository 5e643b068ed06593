"""The import rules of ARCHITECTURE.md: who may import whom, who may know ComfyUI, and what a bare import costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Layer 0 first. Within a layer a module may import those listed before it; the files of one package are siblings
# that may import each other as long as no cycle appears.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("provenance.errors", "provenance.model", "provenance.hosting"),
    ("provenance.canonical", "provenance.config", "provenance.shelf"),
    ("provenance.capture", "provenance.record", "provenance.seal"),
    ("provenance.verify", "provenance.store"),
    ("provenance.lineage", "provenance.pipeline", "provenance.service"),
    ("provenance.dossier", "provenance.present"),
    ("nodes",),
    ("host",),
    ("",),  # __init__.py of the pack
)
PLACES = {name: (layer, place) for layer, names in enumerate(LAYERS) for place, name in enumerate(names)}

OWN_TOP_LEVEL = {"comfy_provenance", "provenance", "host", "demo", "schemas", "web", "bench", "tests"}
COMFYUI = {
    "app", "comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution", "comfy_extras", "execution",
    "folder_paths", "latent_preview", "node_helpers", "nodes", "protocol", "server",
}  # fmt: skip
KNOWS_COMFYUI = {Path("host/comfy.py")}
NOT_OURS_TO_LOAD = ("torch", "numpy", "sqlalchemy", "jsonschema", "PIL", "cryptography", "safetensors", "aiohttp")

# Pure by the house rules: a clock, randomness or a socket would have to be passed in.
PURE = (
    "provenance/canonical.py", "provenance/lineage", "provenance/verify", "provenance/seal/dsse.py",
    "provenance/seal/merkle.py", "provenance/seal/checkpoint.py", "provenance/record/redact.py",
    "provenance/record/snapshot.py", "provenance/record/edges.py", "provenance/record/graph.py",
)  # fmt: skip
IMPURE_MODULES = {"random", "secrets", "socket", "subprocess", "time", "urllib", "uuid"}

# The pack as it is installed, and the embedded host beside it.
PACK = ("__init__.py", "provenance", "host", "nodes")
EVERYTHING = (*PACK, "demo")


@dataclass(frozen=True)
class Import:
    """One imported module. `target` is dotted from the pack's root for relative imports, else as written."""

    path: Path
    line: int
    target: str
    relative: bool
    deferred: bool

    def __str__(self) -> str:
        return f"{self.path.as_posix()}:{self.line} imports {'.' if self.relative else ''}{self.target}"


def python_files(*places: str) -> list[Path]:
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
    package = list(path.parent.parts)
    top_level = set(map(id, tree.body))
    for node in ast.walk(tree):
        deferred = id(node) not in top_level
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, False, deferred)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield Import(path, node.lineno, node.module or "", False, deferred)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - (node.level - 1)]
            assert node.level - 1 <= len(package), f"{path}:{node.lineno} climbs out of the pack"
            stem = ".".join([*base, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                inner = f"{stem}.{alias.name}".strip(".")
                yield Import(path, node.lineno, inner if is_module(inner) else stem, True, deferred)


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def place_of(dotted: str) -> tuple[int, int, str]:
    """Layer, place in the layer, and the listed name that owns the module. Fails for a module nobody listed."""
    parts = dotted.split(".") if dotted else []
    for length in range(len(parts), -1, -1):
        name = ".".join(parts[:length])
        if name in PLACES and (name or not parts):
            return (*PLACES[name], name)
    if dotted == "provenance":  # the bare package: a docstring, imports nothing
        return (0, -1, "provenance")
    pytest.fail(f"{dotted or '__init__'} is in no layer: list it in ARCHITECTURE.md and here")


@pytest.mark.parametrize("path", python_files(*PACK), ids=Path.as_posix)
def test_imports_go_down_only(path: Path) -> None:
    layer, place, owner = place_of(module_name(path))
    wrong = []
    for found in imports_of(path):
        if not found.relative:
            continue
        to_layer, to_place, to_owner = place_of(found.target)
        if to_owner != owner and (to_layer, to_place) >= (layer, place):
            wrong.append(str(found))
    assert not wrong, "upward or sideways:\n" + "\n".join(wrong)


def test_no_import_cycles() -> None:
    """Deferred imports count: a cycle that is hidden in a function is still a cycle."""
    files = python_files(*PACK)
    known = {module_name(path) for path in files}
    links = {module_name(p): {i.target for i in imports_of(p) if i.relative and i.target in known} for p in files}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "cycle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for target in sorted(links[name] - {name}):
            walk(target, (*trail, name))
        done.add(name)

    for name in sorted(links):
        walk(name, ())


@pytest.mark.parametrize("path", python_files(*EVERYTHING), ids=Path.as_posix)
def test_own_modules_are_imported_relatively(path: Path) -> None:
    """ComfyUI loads the pack under a name that nobody can know, beside other packs' `host` and `nodes`."""
    wrong = [str(i) for i in imports_of(path) if not i.relative and i.target.split(".")[0] in OWN_TOP_LEVEL]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", python_files("demo"), ids=Path.as_posix)
def test_the_embedded_host_is_a_stranger_to_the_pack(path: Path) -> None:
    """It loads the pack from its folder, as ComfyUI does, and takes nothing else from it."""
    wrong = [str(i) for i in imports_of(path) if i.relative and i.target.split(".")[0] != "demo"]
    assert not wrong, "\n".join(wrong)


def _names_comfyui(path: Path) -> Iterator[str]:
    for found in imports_of(path):
        if not found.relative and found.target.split(".")[0] in COMFYUI:
            yield str(found)
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        # import_module("server"), __import__("server"), sys.modules["server"], sys.modules.get("server")
        if isinstance(node, ast.Call) and node.args:
            called, argument = ast.unparse(node.func), node.args[0]
        elif isinstance(node, ast.Subscript):
            called, argument = ast.unparse(node.value), node.slice
        else:
            continue
        loads = called.endswith(("import_module", "__import__", "find_spec", "sys.modules", "sys.modules.get"))
        if loads and isinstance(argument, ast.Constant) and str(argument.value).split(".")[0] in COMFYUI:
            yield f"{path.as_posix()}:{node.lineno} reaches {argument.value!r} by name"


@pytest.mark.parametrize("path", python_files(*PACK), ids=Path.as_posix)
def test_one_file_knows_comfyui(path: Path) -> None:
    if path in KNOWS_COMFYUI:
        return
    wrong = list(_names_comfyui(path))
    assert not wrong, "only host/comfy.py may know ComfyUI:\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", python_files(*PURE), ids=Path.as_posix)
def test_pure_modules_reach_for_no_clock_and_no_chance(path: Path) -> None:
    wrong = [str(i) for i in imports_of(path) if not i.relative and i.target.split(".")[0] in IMPURE_MODULES]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", python_files(*EVERYTHING, "tests", "bench"), ids=Path.as_posix)
def test_names_say_what_a_file_is(path: Path) -> None:
    for part in path.with_suffix("").parts:
        assert not {"util", "utils", "helper", "helpers", "manager", "managers"} & set(part.lower().split("_")), path


def _sources() -> list[Path]:
    scripts = [p.relative_to(ROOT) for top in ("web", "tests/web") for p in sorted((ROOT / top).rglob("*.js"))]
    return [*python_files(*EVERYTHING, "tests", "bench"), *scripts]


@pytest.mark.parametrize("path", _sources(), ids=Path.as_posix)
def test_files_stop_at_400_lines(path: Path) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{path} has {lines} lines: it has more than one reason to exist"


# What an import costs: asked in a fresh interpreter, because this one has loaded everything already.


def _modules_after(statement: str) -> set[str]:
    code = f"""
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location(
            "comfy_provenance", {str(ROOT / "__init__.py")!r}, submodule_search_locations=[{str(ROOT)!r}])
        module = importlib.util.module_from_spec(spec)
        sys.modules["comfy_provenance"] = module
        spec.loader.exec_module(module)
        {statement}
        print("\\n".join(sorted(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(done.stdout.split())


def test_importing_the_pack_outside_a_host_loads_nothing_heavy() -> None:
    loaded = _modules_after("pass")
    assert not {name for name in loaded if name.split(".")[0] in NOT_OURS_TO_LOAD}
    ours = {name.removeprefix("comfy_provenance") for name in loaded if name.startswith("comfy_provenance")}
    assert not {name for name in ours if name.startswith((".nodes", ".host.hooks", ".host.routes", ".host.pack"))}


@pytest.mark.skipif(not is_module("provenance.verify"), reason="provenance/verify is not in this tree")
def test_verifying_needs_no_store_and_no_torch() -> None:
    loaded = _modules_after(
        "import importlib, pkgutil; v = importlib.import_module('comfy_provenance.provenance.verify'); "
        "[importlib.import_module(m.name) for m in pkgutil.iter_modules(v.__path__, v.__name__ + '.')]"
    )
    assert not {name for name in loaded if name.split(".")[0] in {"sqlalchemy", "torch", "numpy", "PIL"}}
    assert not {name for name in loaded if name.startswith("comfy_provenance.provenance.store")}


# The page.


SCRIPT_IMPORT = re.compile(
    r"""^\s*(?:import|export)\s[^'";]*?\bfrom\s*['"]([^'"]+)|^\s*import\s*['"]([^'"]+)|\bimport\(\s*['"]([^'"]+)""",
    re.MULTILINE,
)


def _script(path: Path) -> str:
    """The code of a script, without comments: JSDoc may name a file of types."""
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def _script_imports(path: Path) -> list[str]:
    found = SCRIPT_IMPORT.findall(_script(path))
    return [target for groups in found for target in groups if target]


WEB = ROOT / "web"
DOOR = WEB / "host.js"
BEHIND = WEB / "host"
COMFYUI_SCRIPTS = {"../../../scripts/app.js", "../../../scripts/api.js"}
# What the page's objects are reached by. A graph that was serialized is a plain value, and so are the members of one.
COMFYUI_PAGE = re.compile(
    r"\b(?:LiteGraph|LGraph\w*|comfyAPI|comfyClass|extensionManager|rootGraph|changeTracker|getNodeById"
    r"|(?:window|globalThis)\.\w+|(?<!\w\.)\bapp\.\w+)\b"
)


def test_no_script_comes_from_elsewhere() -> None:
    for path in sorted(WEB.rglob("*.js")):
        for target in _script_imports(path):
            name = f"{path.relative_to(ROOT).as_posix()} imports {target}"
            if path == BEHIND / "page.js" and target in COMFYUI_SCRIPTS:
                continue
            assert re.fullmatch(r"\.{1,2}/[\w./-]+\.js", target), name
            file = (path.parent / target).resolve()
            assert file.is_file() and file.is_relative_to(WEB), name


def test_one_door_leads_to_comfyui_s_page() -> None:
    """`host.js` hands out what lies in `host/`, which alone touches the page's objects, and does nothing itself."""
    for path in sorted(WEB.rglob("*.js")):
        targets = {target: (path.parent / target).resolve() for target in _script_imports(path)}
        inside = {target for target, file in targets.items() if file.parent == BEHIND}
        if path.parent == BEHIND:
            assert DOOR not in targets.values(), f"host/{path.name} comes through the door that it is behind"
        elif path == DOOR:
            lines = [line for line in _script(path).splitlines() if line]
            assert all(line.startswith("export {") for line in lines), "host.js does something"
        else:
            assert not inside, f"{path.relative_to(ROOT)} goes around host.js: {inside}"


@pytest.mark.parametrize(
    "path", [p.relative_to(ROOT) for p in sorted(WEB.rglob("*.js")) if p.parent != BEHIND], ids=Path.as_posix
)
def test_no_other_script_touches_comfyui_s_objects(path: Path) -> None:
    found = COMFYUI_PAGE.findall(_script(ROOT / path))
    assert not found, f"{path} touches ComfyUI's page, which is for web/host/ to do: {found}"


def test_only_main_js_acts_when_imported() -> None:
    """ComfyUI imports every script of the pack on its own: any other file may only declare things."""
    declares = re.compile(r"^(?:export\b|import\b|const\b|function\b|async function\b|class\b|[})\]/* ]|//|$)")
    for path in sorted((ROOT / "web").rglob("*.js")):
        if path.name == "main.js":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert declares.match(line), f"{path.relative_to(ROOT).as_posix()}:{number} acts on import: {line}"
