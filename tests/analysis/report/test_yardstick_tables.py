"""Tables of errors show what a bar is held against to its last digit that matters."""

import numpy as np

from ionface.analysis.report.yardstick_tables import (
    spot_contents,
    spot_highlights,
    yardstick_contents,
)
from ionface.analysis.result import Provenance
from ionface.analysis.yardstick.labeled_frames import LabeledFrame
from ionface.analysis.yardstick.spot_checks import check_spots
from ionface.analysis.yardstick.yardstick import Yardstick

LEVEL = {"code": "x", "version": "1", "functional": "PBE"}


def test_a_slope_below_nine_tenths_is_not_shown_as_nine_tenths():
    shape = (1, 3)
    frame = LabeledFrame(
        "one", "a", ("Al",), np.eye(3) * 4, np.zeros(shape), -1.0, np.ones(shape)
    )
    forces = [np.full(shape, 0.8957)]
    spots = check_spots("x", LEVEL, [frame], [[True]], [0.0], forces, LEVEL)
    result = Yardstick("", (spots.judgement,), provenance=Provenance())
    shown = [*yardstick_contents(result), *spot_contents(spots)]
    for table in shown:
        assert "0.896" in str(table.rows[0])
    assert "slope 0.896" in spots.line()
    for figure in (result.plot(), spots.plot()):
        (panel, *_) = figure.axes
        assert panel.texts[0].get_text() == "RMSE 0.104 eV/Å\nslope 0.896 (dashed)"
    assert spot_highlights(spots)[0][0] == "0.104 eV/Å"


def test_forces_that_a_figure_does_not_show_are_counted():
    shape = (99, 3)
    forces = np.ones(shape)
    forces[-1] = 50.0
    frame = LabeledFrame(
        "one", "a", ("Al",) * 99, np.eye(3) * 20, np.zeros(shape), -1.0, forces
    )
    spots = check_spots("x", LEVEL, [frame], [[True] * 99], [0.0], [forces], LEVEL)
    result = Yardstick("", (spots.judgement,) * 4, provenance=Provenance())
    panels = result.plot().axes
    assert [p.texts[1].get_text() for p in panels[:4]] == ["3 beyond the frame"] * 4
    assert panels[-1].get_legend()  # in the place that no engine has
