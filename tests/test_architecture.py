"""The architecture as checks: import contracts (pyproject.toml), event loop, clock, names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("audio", "dialogs", "agent")

# Where coroutines may be defined: a file, or all files of a folder.
ASYNC_PLACES = (
    "server.py",
    "agent/console/",
    "agent/handoff/webhook.py",
    "agent/inference/engine.py",
    "agent/inference/vad_batcher.py",
    "agent/lab/bench/load.py",  # a process of its own, at the other end of the socket
    "agent/lab/bench/sessions.py",
    "agent/runtime/",
)
# Where the time, ids and randomness are arguments; imports alone cannot show `datetime.now()`.
CLOCKLESS_PLACES = ("agent/core/", "agent/privacy/", "agent/wire/", "audio/", "dialogs/")
CLOCK_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}

# Participles and prepositions say neither what a function returns nor what it changes.
UNCLEAR_WORDS = """
about above after again among around asked at been before being below beside by concatenated done
drawn dressed fallen felt fitted for found from given gone heard held in into joined judged kept
known left like lost made merged missed named noted of off on once onto over quantised reached
refired said scaled scored seen sent shown since spelled swapped taken taught than till told under
until upon used via waited which with within without written
"""


def sources() -> Iterator[Path]:
    yield ROOT / "server.py"
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in sources()}


@cache
def all_nodes() -> list[tuple[str, ast.AST]]:
    return [(file, node) for file, tree in TREES.items() for node in ast.walk(tree)]


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    return ((file, node) for file, node in all_nodes() if isinstance(node, kinds))


def contracts() -> list[dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return settings["tool"]["importlinter"]["contracts"]


def layer_names(contract: dict) -> set[str]:
    return {name.strip(" ()\n") for layer in contract["layers"] for name in re.split("[|:]", layer)}


def test_import_contracts_hold():
    """In a process of its own: the linter sets up logging as it likes."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("container", ["agent", "agent.lab", "audio", "dialogs"])
def test_every_module_has_its_layer(container):
    folder = ROOT / container.replace(".", "/")
    modules = {
        path.stem
        for path in folder.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    (layers,) = (layer_names(c) for c in contracts() if c.get("containers") == [container])
    assert layers == modules - {"__init__"}


def test_the_packages_themselves_are_layers():
    (packages,) = (
        layer_names(c) for c in contracts() if c["type"] == "layers" and "containers" not in c
    )
    assert packages == set(PACKAGES)


def test_no_two_modules_import_each_other():
    """Not even in a function or for types alone, nor through others."""
    modules = {
        file.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): file for file in TREES
    }
    imports = {module: set() for module in modules}
    for module, file in modules.items():
        for node in ast.walk(TREES[file]):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                imports[module] |= (names & set(modules)) or {node.module}
    TopologicalSorter(imports).prepare()  # CycleError names the modules of a cycle


def test_nothing_imports_the_process():
    for file, node in nodes(ast.ImportFrom, ast.Import):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
        assert "server" not in names, file


def test_coroutines_are_defined_in_named_places_only():
    places = {
        next((place for place in ASYNC_PLACES if file.startswith(place)), file)
        for file, _ in nodes(ast.AsyncFunctionDef)
    }
    assert places == set(ASYNC_PLACES)


def test_nothing_below_the_runtime_reads_a_clock():
    for file, node in nodes(ast.Call):
        if file.startswith(CLOCKLESS_PLACES):
            assert ast.unparse(node.func) not in CLOCK_CALLS, f"{file}:{node.lineno}"


def test_everything_is_caught_in_one_place_only():
    broad = [
        file
        for file, node in nodes(ast.ExceptHandler)
        if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
    ]
    assert broad == ["server.py"]


def test_a_type_has_one_definition():
    """Type variables of one letter excepted."""
    places = defaultdict(list)
    for file, tree in TREES.items():
        for node in tree.body:
            match node:
                case ast.ClassDef(name=name):
                    places[name].append(file)
                case ast.Assign(targets=[ast.Name(id=name)]) if re.match("_?[A-Z][a-z]", name):
                    places[name].append(file)
    repeated = {name: files for name, files in places.items() if len(files) > 1}
    assert set(repeated) <= KNOWN_REPEATS, repeated


KNOWN_REPEATS = frozenset[str]()


def test_names_say_what_a_thing_is_or_does():
    unclear_words = set(UNCLEAR_WORDS.split())
    unclear = [
        f"{file}:{node.lineno} {node.name}"
        for file, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if node.name.strip("_").lower() in unclear_words
    ]
    assert not unclear


def test_a_package_is_described_and_imports_nothing():
    """Of agent/store alone the package itself is a face, with the store and its records."""
    for file, tree in TREES.items():
        if file.endswith("__init__.py"):
            assert (ast.get_docstring(tree) or "").count(" ") > 3, file
            imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
            faces = [node for node in imports if node.module != "__future__"]
            assert not faces or file == "agent/store/__init__.py", file
