"""Every notebook of the docs runs from top to bottom, and shows something."""

import ast
import json
from pathlib import Path

import pytest

from ionface.workflows.projects.notebook_progress import (
    NotebookObserver,
    notebook_observer,
)
from ionface.workflows.study.study_files import load

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
POTENTIALS = {"lpscl-in", "lagp-pdol-li"}
NOTEBOOKS = [
    pytest.param(path, marks=[pytest.mark.mlip] if path.stem in POTENTIALS else [])
    for path in sorted(FOLDER.glob("*.ipynb"))
]


def shown_by(path):
    """Run the code of a notebook; return what each cell would show as HTML."""
    names, shown = {}, []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "outputs are made, not kept"
        *body, last = ast.parse("".join(cell["source"])).body
        value = None
        exec(compile(ast.Module(body, []), path.name, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
        else:
            exec(compile(ast.Module([last], []), path.name, "exec"), names)
        if hasattr(value, "_repr_html_"):
            shown.append(value._repr_html_())
    return shown


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = shown_by(path)
    assert any("<iframe" in html and "3Dmol" in html for html in shown)  # the report
    assert any(html.count("<svg") == 1 for html in shown)  # a figure
    assert sum("<table" in html for html in shown) >= 2


def test_there_are_three_notebooks():
    assert {p.stem for p in FOLDER.glob("*.ipynb")} == POTENTIALS | {
        "two-cifs-to-a-figure"
    }


def test_a_study_shows_what_it_runs(study_file):
    html = load(str(study_file))._repr_html_()
    assert "<td>Al|Ag</td><td>Al on Ag</td>" in html
    assert "30 steps, Al-Ag" in html


def test_outside_a_notebook_nobody_watches():
    assert notebook_observer() is None


def test_progress_counts_jobs_and_tells_steps():
    watched = NotebookObserver.__new__(NotebookObserver)
    watched._working, watched._number, watched._total, watched._told = {}, 0, 1, 0.0
    seen = []
    watched._html, watched._shown = str, type("Cell", (), {"update": seen.append})
    watched.job("relax <film>", 3, 10)
    watched.step("relax <film>", 5, 100, "0.2 eV/Å")
    assert 'value="3" max="10"' in seen[-1]
    watched._told = 0.0
    watched.step("relax <film>", 6, 100, "0.2 eV/Å")
    assert "relax &lt;film&gt;" in seen[-1]
    assert "6 of 100 0.2 eV/Å" in seen[-1]
    watched.ended("relax <film>")
    assert 'value="4" max="10"' in seen[-1]
    assert "film" not in seen[-1]
