"""Tables can be read at any width."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from ionface.workflows.cli import console

HEADER = ["interface", "atoms", "core-hours", "plane waves", "facet"]
ROWS = [
    ["Li6PS5Cl[x]|InLi", "264", "12242.3", "152697", "Li6PS5Cl(100) Li4S/Li2PS4Cl"],
    ["a|b", "12", "0.5", "99", "Li(110) [axes of the file]"],
]


@pytest.fixture
def printed(monkeypatch):
    """What a table prints on a terminal of some width."""

    def at(width, rows=ROWS):
        out = io.StringIO()
        terminal = Console(width=width, file=out, markup=False, highlight=False)
        monkeypatch.setattr(console, "terminal", lambda: terminal)
        monkeypatch.setattr(console.sys.stdout, "isatty", lambda: True, raising=False)
        console.table(HEADER, rows, "title [1]")
        return out.getvalue()

    return at


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_no_number_and_no_word_is_broken(printed, width):
    text = printed(width)
    for row in ROWS:
        for word in " ".join(row).split():
            assert word in text.replace("\n", " \n")
    assert max(map(len, text.splitlines())) <= width


def test_a_narrow_terminal_gets_lists(printed):
    assert "  core-hours: 12242.3" in printed(40)
    assert "core-hours:" not in printed(80)


def test_colors_are_told_by_objects_not_by_brackets(printed):
    text = printed(100, [["[red]x[/]", "1", "2", "3", Text("done", "green")]])
    assert "[red]x[/]" in text
    assert "done" in text


def test_a_pipe_gets_one_line_per_row_without_blanks_at_its_end(capsys):
    long = "runs/of/a/study/with/a/name/that/no/terminal/would/hold/vasprun.xml"
    console.table(
        ["file", "n", "told"], [[long, "12", "ended [early]"], ["b", "3", ""]]
    )
    head, first, second = capsys.readouterr().out.splitlines()
    assert first == f"{long}  12  ended [early]"
    assert second == "b" + " " * len(long) + "  3"
    assert head.split() == ["file", "n", "told"]
