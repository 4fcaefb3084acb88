import base64
import re
from html.parser import HTMLParser

import pytest

from ionface.analysis.report.page import (
    Card,
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
from ionface.errors import AnalysisError

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>"
VOID = {"meta", "img", "br", "link"}

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
        self.loads += ["script"] if tag in ("script", "link", "iframe") else []
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
    style = re.search(r"<style>(.*)</style>", render_report(FULL), re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_inside_leads_somewhere():
    checker = checked(FULL)
    inner = [link[1:] for link in checker.links if link.startswith("#")]
    assert len(inner) == 6
    assert set(inner) <= checker.anchors


def test_images_come_back_byte_for_byte():
    sources = checked(FULL).loads
    assert base64.b64decode(sources[2].split(",")[1]) == PNG
    assert any(base64.b64decode(s.split(",")[1]) == SVG for s in sources)


def test_empty_sections_are_left_out():
    assert "Nothing yet" not in render_report(FULL)
    empty = Report(title="nothing", sections=[Section("Energies", [])])
    assert "<section" not in render_report(empty)
    assert checked(empty).links == []


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
    assert "<td>LAGP|Li</td>" in html


def test_an_emulated_card_is_marked():
    assert "EMULATED" in render_report(FULL)
    real = Card("formation", {"code": "vasp"})
    report = Report(title="x", sections=[Section("Levels", [real])])
    assert "EMULATED" not in render_report(report)


def test_an_image_of_another_kind_is_refused():
    photo = Section("RDFs", [Picture(b"\xff\xd8\xff", "photo")])
    with pytest.raises(AnalysisError, match="neither PNG, GIF nor SVG"):
        render_report(Report(title="x", sections=[photo]))


def test_the_file_is_written_in_one_piece(tmp_path):
    path = write_report(FULL, tmp_path / "report.html")
    assert path.read_text("utf-8") == render_report(FULL)
