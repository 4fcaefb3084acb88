"""Tables of errors show what a bar is held against to its last digit that matters."""

import numpy as np

from ionface.analysis.report.yardstick_tables import spot_contents, yardstick_contents
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
