import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from ionface.analysis.report.glance import Glance, Line
from ionface.analysis.report.page import (
    Card,
    Drawing,
    Facts,
    Notice,
    Picture,
    Report,
    Section,
    Statements,
    Table,
    render_report,
    write_report,
)
from ionface.analysis.report.scene import Scene, film_of
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>"
VOID = {"meta", "img", "br", "link", "input"}

SCENE = Scene("LPSCl|In", ["In", "S"], [[5, 0, 0], [0, 5, 0], [0, 0, 9]],
              {"start": [[0, 0, 0], [0, 0, 2]]}, bonds={"In-S": 2.9})  # fmt: skip
LEVEL = Card("formation", {"code": "vasp", "cutoff_ev": 480.0}, emulated=True)
ENERGIES = Table(["interface", "J/m²"], [["LAGP|Li", -1.138], ["x", None]], "caption")
FULL = Report(
    title="LPSCl | In",
    subtitle="a study",
    notices=[Notice("warning", "QUICK run")],
    highlights=[("−1.1 J/m²", "LAGP|Li")],
    sections=[
        Section(
            "Formation energies",
            [
                ENERGIES,
                Picture(SVG, "Beside the paper"),
                Statements("LAGP|Li", ["atoms balance"]),
            ],
        ),
        Section("Models", [Card("LPSCl|In", {"atoms": 264, "gap": None}, PNG)]),
        Section("RDFs", [Picture(PNG, "g(r)", "curves"), Table(["pair"], [["In-S"]])]),
        Section("Nothing yet", []),
        Section("Levels of theory", [LEVEL]),
        Section("Study", [Facts({"engine": "chgnet"})]),
        Section("Files", [Facts({"results/rdf.json": "RDFs"}, links=True)]),
    ],
)


class Checker(HTMLParser):
    """Collects open tags, links, anchors and whatever would be loaded."""

    def __init__(self):
        super().__init__()
        self.stack, self.loads, self.links, self.anchors = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.loads += [found[k] for k in ("src", "srcset", "data") if k in found]
        self.loads += [tag] if tag in ("link", "iframe") else []
        self.links += [found["href"]] if "href" in found else []
        self.anchors.add(found.get("id"))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def checked(content):
    checker = Checker()
    checker.feed(render_report(content))
    assert checker.stack == []
    return checker


def test_the_file_loads_nothing_from_anywhere():
    checker = checked(FULL)
    assert len(checker.loads) == 3
    assert all(source.startswith("data:image/") for source in checker.loads)
    assert "default-src 'none'" in render_report(FULL)
    style = re.search(r"<style>(.*)</style>", render_report(FULL), re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_only_what_was_verified_is_ticked():
    refused = Section("S", [Statements("no result", ["too short a run"])])
    verified = Section("S", [Statements("ledger", ["atoms balance"], verified=True)])
    ticks = [
        '<ul class="said verified">' in render_report(Report("x", sections=[section]))
        for section in (refused, verified)
    ]
    assert ticks == [False, True]


def test_numbers_have_true_minus_signs_and_zeros_have_none():
    rows = [["Li|LiF", "-0.564", "-0.000"], ["2026-11-28", "-0.25 ± 0.01", "2e-05"]]
    table = Section("S", [Table(["of", "eV", "mutual"], rows)])
    page = render_report(
        Report("x", highlights=[("-0.00 eV/atom", "a")], sections=[table])
    )
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert cells == ["Li|LiF", "−0.564", "0.000", "2026-11-28", "−0.25 ± 0.01", "2e−05"]
    assert "<b>0.00 eV/atom</b>" in page


def test_every_link_inside_leads_somewhere():
    checker = checked(FULL)
    inner = [link[1:] for link in checker.links if link.startswith("#")]
    assert len(inner) == 7
    assert set(inner) <= checker.anchors


def test_everything_has_a_name_for_who_cannot_see_it():
    page = render_report(replace(FULL, glance=Glance([SCENE])))
    body = page[: page.index("<script")]
    for image in re.findall(r"<img [^>]*>", body):
        assert re.search(r'alt="[^"]', image)
    for control in re.findall(r"<(?:input|button)[^>]*>[^<]*", body):
        named = re.search(r'aria-label="[^"]', control)
        assert named or re.search(r">.*[A-Za-z]{3}", control), control
    assert body.count("<select") == len(re.findall(r"<label>\w+ <select", body)) == 3
    assert "<th " in body
    assert len(re.findall("<th[ >]", body)) == body.count('<th scope="col"')
    for screen in re.findall(r'<div[^>]*tabindex="0"[^>]*>', body):
        assert 'aria-label="' in screen
    assert '<a class="skip" href="#main">' in body
    levels = [int(level) for level in re.findall(r"<h([1-6])", body)]
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_images_come_back_byte_for_byte():
    sources = checked(FULL).loads
    assert base64.b64decode(sources[2].split(",")[1]) == PNG
    assert any(base64.b64decode(s.split(",")[1]) == SVG for s in sources)


def test_empty_sections_are_left_out():
    assert "Nothing yet" not in render_report(FULL)
    empty = Report(title="nothing", sections=[Section("Energies", [])])
    assert "<section" not in render_report(empty)
    assert checked(empty).links == ["#main"]


def test_text_is_escaped_wherever_it_stands():
    evil = '<b>"&'
    contents = [
        Card(evil, {evil: evil}, PNG),
        Table([evil], [[evil]], evil, evil),
        Picture(PNG, evil, evil),
        Statements(evil, [evil]),
        Facts({evil: evil}),
        Facts({evil: evil}, links=True),
    ]
    report = Report(
        title=evil,
        subtitle=evil,
        notices=[Notice("note", evil)],
        highlights=[(evil, evil)],
        sections=[Section(evil, contents)],
    )
    checker = checked(report)
    assert "b" not in checker.stack
    assert '<b>"' not in render_report(report)


def test_numbers_stand_right_with_a_true_minus_and_unknown_ones_are_dashes():
    html = render_report(FULL)
    assert '<td class="number">−1.138</td>' in html
    assert '<td class="number">–</td>' in html
    assert '<td class="short">LAGP|Li</td>' in html


def test_an_emulated_card_is_marked():
    assert "EMULATED" in render_report(FULL)
    real = Card("formation", {"code": "vasp"})
    report = Report(title="x", sections=[Section("Levels", [real])])
    assert "EMULATED" not in render_report(report)


def test_an_image_of_another_kind_is_refused():
    photo = Section("RDFs", [Picture(b"\xff\xd8\xff", "photo")])
    with pytest.raises(AnalysisError, match="neither PNG, GIF nor SVG"):
        render_report(Report(title="x", sections=[photo]))


def test_only_our_own_scripts_may_run_each_by_its_hash():
    html = render_report(replace(FULL, glance=Glance([SCENE])))
    allowed = re.search(r"script-src ([^;]*);", html)[1].split()
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    for text in scripts:
        digest = hashlib.sha256(text.encode()).digest()
        allowed.remove(f"'sha256-{base64.b64encode(digest).decode()}'")
    assert allowed == []
    assert len(re.findall(r"<script>", render_report(FULL))) == 1  # no viewer in vain


def test_data_cannot_end_the_element_that_holds_it():
    evil = "</script><script>alert(1)</script><!--"
    drawing = Drawing("<svg></svg>", [{"title": evil}], 300)
    scene = replace(SCENE, name=evil)
    report = Report("x", sections=[Section("S", [drawing])], glance=Glance([scene]))
    html = render_report(report)
    assert evil not in html
    checked(report)
    block = re.search(r'id="panels-1">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(block) == [{"title": evil}]


def test_the_first_screen_has_lines_whose_bonds_can_be_shown():
    line = Line("Bonds", "In–S", "6 → 8", "grew", [6, 7, 8], pair="In-S")
    energy = Line("Energies", "A|B", "−1.0 J/m²", "published −0.9", [0, -1], -0.9)
    report = Report("x", glance=Glance([SCENE], [energy, line]))
    html = render_report(report)
    checked(report)
    assert html.count('class="line pair"') == 1
    assert 'data-pair="In-S" data-scene="0"' in html
    assert html.count('class="spark"') == 2
    assert html.index("Energies") < html.index("Bonds")


def test_the_file_is_written_in_one_piece(tmp_path):
    path = write_report(FULL, tmp_path / "report.html")
    assert path.read_text("utf-8") == render_report(FULL)


def test_a_big_project_stays_below_30_mb_and_says_what_it_leaves_out():
    """Two hundred runs with figures and pictures: 75 MB as they are."""
    rng = np.random.default_rng(0)
    long_run = Trajectory.from_arrays(
        ["In"] * 300, np.eye(3) * 20, rng.random((40, 300, 3)) * 20, 2.0
    )
    film = film_of(long_run, runs=200)
    assert len(film.positions) < len(long_run)
    scene = replace(SCENE, film=film)
    drawing = Drawing(f"<svg>{'x' * 250_000}</svg>", [], 800, "g(r)", "", "r/rdf.svg")
    card = Card("Li|LiF", {"atoms": 300}, PNG + bytes(90_000), file="r/model.png")
    report = replace(
        FULL,
        sections=[
            Section("Models", [card] * 200),
            Section("RDFs", [drawing] * 200),
            Section("Bonds", [ENERGIES] * 200),
        ],
        glance=Glance([scene] * 200),
    )
    page = render_report(report)
    assert 24e6 < len(page.encode()) < 30e6
    left_out = page.count("Not in this page")
    assert f"{left_out} pictures lie beside this page" in page
    shown = page.count("<figure data-panels=")
    assert shown + page.count("<img") + left_out == 400
    assert page.count("<table>") == 200
    assert page.count("<dt>atoms</dt>") == 200
    assert page.count('href="r/rdf.svg"') == 200 - shown
    assert page.count('<script type="application/json" id="panels-') == shown
    checked(report)
