"""What is released: a wheel and an sdist that work where nothing else is installed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
RENAMED = {"matplotlib": "matplotlib-base"}  # on conda-forge


def run(*words, cwd=ROOT):
    # PYTHONPATH would lead to the checkout
    clean = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    words = tuple(map(str, words))
    return subprocess.run(
        words, cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, the wheel that is made of it, and the one that is made of the tree."""
    out = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--outdir")
    made = run(*build, out)
    if "No module named build" in made.stderr or "Could not find" in made.stdout:
        pytest.skip("build, or an index with hatchling, is not to be had here")
    assert made.returncode == 0, made.stdout + made.stderr
    assert run(*build, out / "tree", "--wheel").returncode == 0
    return out


def only(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


@pytest.mark.slow
def test_the_sdist_holds_all_that_the_wheel_does(built):
    wheels = [only(built, "*.whl"), only(built / "tree", "*.whl")]
    of_sdist, of_tree = (set(zipfile.ZipFile(path).namelist()) for path in wheels)
    assert of_sdist == of_tree
    for path in (ROOT / "analysis", ROOT / "structures", ROOT / "workflows"):
        for source in path.rglob("*.py"):
            assert f"ionface/{source.relative_to(ROOT)}" in of_tree
    assert "ionface/py.typed" in of_tree
    assert "ionface/analysis/report/report.css" in of_tree


@pytest.fixture(scope="module")
def empty(built, tmp_path_factory):
    """Commands of an environment with the wheel and what pyproject.toml asks for."""
    venv = tmp_path_factory.mktemp("venv")
    assert run(sys.executable, "-m", "venv", venv).returncode == 0
    install(venv / "bin", "-c", ROOT / "constraints.txt", only(built, "*.whl"))
    return venv / "bin"


def install(bin_, *words):
    installed = run(bin_ / "python", "-m", "pip", "install", "--quiet", *words)
    assert installed.returncode == 0, installed.stderr


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_it_works_in_an_empty_environment(built, empty, tmp_path, pattern):
    """A study runs to its report with nothing but what a release brings."""
    install(empty, "--no-deps", "--force-reinstall", only(built, pattern))
    shutil.copy(ROOT / "tests" / "data" / "Ag.cif", tmp_path)
    engine = "ase.calculators.emt.EMT"
    for words in (
        ["--version"],
        ["studies"],
        ["new", "a.yaml", "--film", "Al", "--substrate", "Ag.cif", "--engine", engine],
        ["run", "a.yaml", "--project", "p", "--quick"],
    ):
        answer = run(empty / "ionface", *words, cwd=tmp_path)
        assert answer.returncode == 0, (words, answer.stderr)
    assert (tmp_path / "p" / "report.html").is_file()


def test_the_version_stands_everywhere_alike():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    recipe = yaml.safe_load((ROOT / "packaging" / "recipe.yaml").read_text("utf-8"))
    assert citation["version"] == recipe["context"]["version"] == PROJECT["version"]
    assert citation["license"] == recipe["about"]["license"] == PROJECT["license"]


def test_the_conda_recipe_has_the_dependencies_and_commands_of_the_project():
    recipe = yaml.safe_load((ROOT / "packaging" / "recipe.yaml").read_text("utf-8"))
    wanted = {
        RENAMED.get(name, name) + " >=" + version
        for name, version in (each.split(">=") for each in PROJECT["dependencies"])
    }
    python = "python " + PROJECT["requires-python"]
    assert {*recipe["requirements"]["run"]} == wanted | {python}
    scripts = {f"{name} = {path}" for name, path in PROJECT["scripts"].items()}
    assert {*recipe["build"]["python"]["entry_points"]} == scripts


@pytest.mark.parametrize("name", ["Containerfile", "ionface.def"])
def test_containers_install_extras_that_there_are(name):
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    (extras,) = re.findall(r"(?:^ARG EXTRAS=|'\.\[)([a-z,]+)", text, re.MULTILINE)
    assert {*extras.split(",")} <= PROJECT["optional-dependencies"].keys()
    assert "-c constraints.txt" in text
