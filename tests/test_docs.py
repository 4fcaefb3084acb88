"""Every block of code in README and docs is true: it runs, or says why it does not.

Python is run, page by page; YAML is read as a study; of console lines every command and
option is looked up. A block that cannot be run stands below
`<!-- not run: reason -->`, and only what it imports is tried.
"""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import typer
import yaml

from ionface.analysis import kinds
from ionface.workflows.cli import app
from ionface.workflows.study.study_files import parse

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- not run: (.+) -->\n)?^```(\w*)\n(.*?)^```", re.M | re.S)
LANGUAGES = ("python", "yaml", "toml", "console", "text")
OTHERS = ("pip install", "pmg config")  # programs of others
LONG = ("README.md", "docs/electrochemistry.md", "docs/how-to.md")  # take seconds
FILM = {"material": "Li", "miller": [1, 0, 0], "layers": 4}
INTERFACE = {"name": "Li|LiF", "film": FILM, "substrate": {**FILM, "material": "LiF"}}


@dataclass
class Block:
    page: str
    reason: str | None
    language: str
    text: str


BLOCKS = [
    Block(page, *found.groups())
    for page in PAGES
    for found in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
]


def of(language):
    return [block for block in BLOCKS if block.language == language]


def commands(block):
    """Yield the command lines of a block, with lines joined that go on."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def test_every_block_says_what_it_is():
    assert len(BLOCKS) > 30
    unknown = [b for b in BLOCKS if b.language not in LANGUAGES]
    assert unknown == []


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page in LONG else [])
        for page in dict.fromkeys(block.page for block in of("python"))
    ],
)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    # what a page registers is gone with it
    monkeypatch.setattr(kinds, "_registered", dict(kinds._registered))
    names = {"__name__": "page"}
    monkeypatch.setitem(sys.modules, "page", ModuleType("page"))  # for dataclasses
    for block in (b for b in of("python") if b.page == page):
        tree = ast.parse(block.text)
        if block.reason:
            kept = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
            tree = ast.Module(kept, [])
        exec(compile(tree, page, "exec"), names)


@pytest.mark.parametrize("block", of("yaml"), ids=lambda block: block.page)
def test_yaml_is_a_study_or_a_part_of_one(block):
    data = yaml.safe_load(block.text)
    if "analyses" in data:
        run = {"interface": "Li|LiF", "steps": 10, "pairs": ["Li-F"]}
        data = {"dynamics": [run | data]}
    if not {"interfaces", "phases", "deposition"} & data.keys():
        data["interfaces"] = [INTERFACE]
    assert parse(yaml.safe_dump({"name": "a-part"} | data), block.page)


@pytest.mark.parametrize("block", of("toml"), ids=lambda block: block.page)
def test_toml_names_groups_of_entry_points_that_are_read(block):
    (group,) = tomllib.loads(block.text)["project"]["entry-points"]
    rooms = [ROOT / room for room in ("analysis", "workflows")]
    sources = [path.read_text() for room in rooms for path in room.rglob("*.py")]
    assert any(f'"{group}"' in source for source in sources)


def check(words):
    """Let the command line take words apart, without running them."""
    command, name = typer.main.get_command(app), "ionface"
    while hasattr(command, "list_commands"):
        context = command.context_class(command, info_name=name)
        name, words = words[0], words[1:]
        command = command.get_command(context, name)
        assert command is not None, f"no command {name}"
    command.make_context(name, [*words])


@pytest.mark.parametrize("block", of("console"), ids=lambda block: block.page)
def test_console_lines_are_commands_of_this_house(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    for program, *words in commands(block):
        if program == "ionface":
            line, *more = " ".join(map(shlex.quote, words)).split(" '&&' ionface ")
            for each in (line, *more):
                check(shlex.split(each.partition(" '>' ")[0]))
        elif program == "make":
            assert words[0] in targets
        else:
            assert " ".join([program, *words]).startswith(OTHERS), program


@pytest.mark.slow
def test_the_tutorial_of_two_crystal_files_runs_to_its_report(tmp_path):
    """As it is printed, on a calculator that takes seconds instead of an hour."""
    from ionface.structures.crystals.library import crystal

    shutil.copy(ROOT / "tests" / "data" / "Ag.cif", tmp_path)
    crystal("Al").to(str(tmp_path / "Al.cif"), fmt="cif")
    ran = 0
    for block in of("console"):
        if block.page != "docs/two-cifs.md":
            continue
        for _, *words in commands(block):
            if words[0] == "new":
                words += ["--engine", "ase.calculators.emt.EMT"]
            run = subprocess.run(
                [sys.executable, "-m", "ionface", *words],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 0, (words, run.stderr)
            ran += 1
    assert ran == 10
    for name in ("mine/report.html", "models/Al-Ag.vasp", "reactions.json"):
        assert (tmp_path / name).is_file(), name


@pytest.mark.slow
def test_the_site_is_built_without_a_dead_link(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named mkdocs" in run.stderr:
        pytest.skip("mkdocs is not installed (make docs)")
    assert run.returncode == 0, run.stderr
    api = (tmp_path / "api.html").read_text(encoding="utf-8")
    assert "ionface.structures.interface.build_interface" in api
    assert "ionface analyze rdf" in (tmp_path / "commands.html").read_text("utf-8")
    assert 'id="crystallayer"' in (tmp_path / "study-keys.html").read_text("utf-8")


def test_the_manual_page_has_every_command():
    from ionface.workflows.cli.manual import pages, roff

    names = [name for name, _ in pages()]
    assert {"ionface run", "ionface analyze rdf", "ionface bundle import"} <= {*names}
    text = roff()
    assert text.startswith(".TH IONFACE 1\n")
    for name in names:
        assert f".SH {name.upper()}\n" in text
    loose = [line for line in text.splitlines() if line[:1] == "." and line[1:3] not in
             ("TH", "SH", "nf", "fi")]  # fmt: skip
    assert loose == []
