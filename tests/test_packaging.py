"""The house itself: names that are ours, arrows that point down, a light start."""

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("structures", "workflows", "analysis")


def _sources(room):
    return sorted((ROOT / room).rglob("*.py"))


def test_nobody_else_in_the_environment_owns_the_name():
    assert set(packages_distributions().get("ionface", [])) <= {"ionface"}


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_are_imported_from_the_top_level(room):
    module = import_module(f"ionface.{room}")
    assert Path(module.__file__).resolve().parent == ROOT / room


def test_help_imports_nothing_heavy_and_little_else():
    """`ionface --help` answers at once; benchmarks/startup.py times it."""
    code = (
        "import sys; from ionface.workflows.cli.entry import answer; "
        "assert answer(['--help']) == 0; print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(run.stderr.split())
    heavy = {"torch", "pymatgen", "ase", "jobflow", "matplotlib", "numpy", "rich"}
    assert not loaded & heavy
    assert len(loaded) < 250


def test_no_files_import_each_other_in_a_circle():
    graph = grimp.build_graph("ionface", cache_dir=None)
    circles = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.find_shortest_chain(importer=imported, imported=module)
    ]
    assert not circles


def test_every_dependency_states_its_reason():
    lines = (ROOT / "pyproject.toml").read_text().split("\n")
    named = [line for line in lines if line.startswith('  "') and ">=" in line]
    assert len(named) > 20
    for line in named:
        assert "#" in line, line


def test_what_was_tested_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = project["dependencies"] + [name for extra in extras for name in extra]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().split("\n")
        if "==" in line
    }
    names = {name.partition(">=")[0].lower() for name in wanted}
    assert names <= pinned


def test_no_file_prints():
    for room in ROOMS:
        for path in _sources(room):
            text = path.read_text()
            if "print(" not in text:  # parsing all of them takes seconds
                continue
            calls = [
                node
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "print"
            ]
            assert not calls, path
