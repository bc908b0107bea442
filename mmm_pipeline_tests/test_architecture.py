"""The house: arrows point down, no circles, no private API of others, folders that can be taken in at a glance."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "mmm_pipeline"
LAYERS = (
    "text_safety",
    "errors",
    "tables",
    "mmm",
    "settings",
    "storage",
    "ingestion",
    "reporting",
    "engines",
    "operations",
    "orchestration",
    "run_launcher",
    "definitions",
    "cli",
)
"""Bottom up: a layer imports only those named before it, and itself."""
ENTRY_POINTS = {"__init__", "errors", "definitions", "run_launcher"}
MOST_MODULES = 14
MOST_LINES = 400
OF_LIBRARIES = {"SPARK_LOCAL_IP", "PYARROW_IGNORE_TIMEZONE", "TF_CPP_MIN_LOG_LEVEL", "TPU_SKIP_MDS_QUERY"}
"""Variables that pandera and JAX set themselves when they are imported."""
PRIVATE = {"run_launcher": {"dagster._core.launcher"}}
"""What has no public name; the libraries are capped for it in pyproject.toml."""


@cache
def modules() -> dict[str, Path]:
    """Dotted name below the package -> file; a package stands for its `__init__`."""
    root, found = ROOT / PACKAGE, {}
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix("__init__").removesuffix(".")] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """Dotted names that a module imports, within functions and for types only too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole.removeprefix(f"{PACKAGE}.") in modules() else node.module)
    return frozenset(found)


@cache
def own_imports(module: str) -> frozenset[str]:
    """Modules of the package that a module imports."""
    own = {name.removeprefix(f"{PACKAGE}.") for name in imports(module) if name.startswith(f"{PACKAGE}.")}
    return frozenset(own - {module})


def folder_of(module: str) -> str:
    return module.rpartition(".")[0]


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph; empty when there is none."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(arrows.get(node, ())):
            if found := walk(following, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(arrows) if (found := walk(node, []))), [])


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_layer_has_its_place() -> None:
    assert {name.partition(".")[0] for name in modules() if name} == set(LAYERS)


@pytest.mark.parametrize("module", [name for name in modules() if name])
def test_arrows_point_down(module: str) -> None:
    layer = LAYERS.index(module.partition(".")[0])
    upward = {name for name in own_imports(module) if LAYERS.index(name.partition(".")[0]) > layer}
    assert not upward


def test_no_module_imports_itself_round_a_circle() -> None:
    # `mmm` hands its names on at first use only; the package itself is everybody's parent.
    assert circle({name: set(own_imports(name)) for name in modules() if name not in ("", "mmm")}) == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_folder_imports_itself_round_a_circle(depth: int) -> None:
    def place(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:depth] if len(parts) > depth else parts[:-1]) or module

    arrows: dict[str, set[str]] = {}
    for module in modules():
        if module in ("", "mmm"):
            continue
        for name in own_imports(module):
            beside = folder_of(place(module)) == folder_of(place(name))
            if place(module) != place(name) and beside:
                arrows.setdefault(place(module), set()).add(place(name))
    assert circle(arrows) == []


def test_statistics_know_neither_dagster_nor_files_nor_settings() -> None:
    above = (f"{PACKAGE}.{layer}" for layer in ("settings", "storage"))
    forbidden = ("dagster", "duckdb", "google", "typer", "rich", "matplotlib", *above)
    found = {
        (module, name)
        for module in modules()
        if module.partition(".")[0] == "mmm"
        for name in imports(module)
        if name.startswith(forbidden)
    }
    assert not found


def test_only_orchestration_and_what_starts_it_know_dagster() -> None:
    knowing = {
        module.partition(".")[0]
        for module in modules()
        if any(name.partition(".")[0] == "dagster" for name in imports(module))
    }
    assert knowing <= {"orchestration", "run_launcher", "definitions", "cli"}


def test_no_private_api_of_other_libraries() -> None:
    found = {
        module: {
            name
            for name in imports(module)
            if not name.startswith(PACKAGE)
            and name != "__future__"
            and any(part.startswith("_") for part in name.split("."))
        }
        for module in modules()
    }
    assert {module: names for module, names in found.items() if names} == PRIVATE


def test_only_entry_points_lie_directly_below_the_package() -> None:
    assert {path.stem for path in (ROOT / PACKAGE).glob("*.py")} == ENTRY_POINTS


def test_no_folder_is_crowded_and_no_file_is_long() -> None:
    crowd = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules().values() if path.stem != "__init__")
    assert {folder: number for folder, number in crowd.items() if number > MOST_MODULES} == {}
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in modules().items()}
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


def test_no_module_is_named_for_nothing_in_particular() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert not [name for name in modules() if name.rpartition(".")[2] in empty]


def test_importing_the_package_starts_nothing() -> None:
    """No import starts JAX or Dagster's daemon, sets a variable of the environment, or reads the settings."""
    names = [f"{PACKAGE}.{name}" for name in modules() if name and name.partition(".")[0] not in ("definitions", "cli")]
    code = (
        "import importlib, os, sys\n"
        "before = dict(os.environ)\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"changed = {{name for name, _ in set(os.environ.items()) ^ set(before.items())}} - {OF_LIBRARIES!r}\n"
        "assert not changed, changed\n"
        "jax = sys.modules.get('jax._src.xla_bridge')\n"
        "assert jax is None or not jax._backends, 'a JAX backend was started'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
