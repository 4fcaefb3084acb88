"""What a page shows beside the pointer is what was drawn."""

import re

import numpy as np
from matplotlib.figure import Figure

from ionface.analysis.figures import pointer
from ionface.analysis.figures.pointer import drawn


def figure():
    made = Figure(figsize=(4, 3))
    return made, made.subplots()


def test_curves_come_with_their_numbers_labels_and_colors():
    made, axes = figure()
    axes.plot([0, 1, 2], [5.0, np.nan, 7.0], label="In–S", color="#0072b2")
    axes.axhline(6)  # a guide says nothing by itself
    axes.set_xlabel("time (ps)")
    (panel,) = drawn(made).panels
    (line,) = panel["lines"]
    assert line == {"label": "In–S", "color": "#0072b2", "x": [0.0, 1.0, 2.0],
                    "y": [5.0, None, 7.0]}  # fmt: skip
    assert panel["x"]["label"] == "time (ps)"


def test_a_panels_box_is_where_it_was_drawn():
    made, axes = figure()
    axes.set_position([0.2, 0.1, 0.5, 0.6])
    axes.plot([0, 1, 2], [0, 1, 2])
    (panel,) = drawn(made).panels
    np.testing.assert_allclose(panel["box"], [0.2, 0.3, 0.7, 0.9], atol=1e-4)
    assert (panel["x"]["from"], panel["x"]["to"]) == axes.get_xlim()


def test_bars_are_named_by_their_row():
    made, axes = figure()
    axes.barh([0], [-1.5], height=0.3)
    axes.barh([1], [2.5], height=0.3)
    axes.set_yticks([0, 1], ["LAGP|Li", "LPSCl|In"])
    bars = drawn(made).panels[0]["bars"]
    assert [(b["label"], b["value"]) for b in bars] == [
        ("LAGP|Li", -1.5),
        ("LPSCl|In", 2.5),
    ]
    assert all(b["box"][0] < b["box"][2] and b["box"][1] < b["box"][3] for b in bars)


def test_long_curves_are_thinned_and_say_so(monkeypatch):
    monkeypatch.setattr(pointer, "MOST_POINTS", 10)
    made, axes = figure()
    axes.plot(np.arange(95), np.arange(95))
    found = drawn(made)
    assert found.thinned == 10
    assert found.panels[0]["lines"][0]["x"] == list(range(0, 95, 10))


def test_the_element_scales_and_every_reference_leads_somewhere():
    made, axes = figure()
    axes.plot([0, 1, 2], [0, 1, 2], marker="o")
    svg = drawn(made).svg
    opening = svg[: svg.index(">")]
    assert "viewBox" in opening
    assert "width=" not in opening
    references = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    assert references == set(re.findall(r' id="([^"]+)"', svg))
    assert drawn(made).document == drawn(made).document  # no date, no chance
