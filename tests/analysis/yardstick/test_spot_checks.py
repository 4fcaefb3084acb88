"""What spot checks count of whole frames and of clusters."""

import numpy as np
import pytest

from ionface.analysis.report.yardstick_tables import spot_contents
from ionface.analysis.yardstick.labeled_frames import LabeledFrame
from ionface.analysis.yardstick.spot_checks import SpotChecks, check_spots

WHOLE, CUT = (True, True, True), (True, False, False)


def checked(*cores):
    """Return spot checks of frames whose potential errs at the rim of clusters."""
    frames = [
        LabeledFrame(
            str(n), "relaxation", ("Ag",) * 3, 9 * np.eye(3), np.zeros((3, 3)), 0.3 * n,
            np.full((3, 3), 0.5),
        )
        for n in range(len(cores))
    ]  # fmt: skip
    energies, forces = [], []
    for frame, core in zip(frames, cores, strict=True):
        energies.append(frame.energy if all(core) else frame.energy - 6.0 * len(frames))
        forces.append(np.where(np.array(core)[:, None], frame.forces, 9.0))
    level = {"code": "gpaw", "functional": "PBE"}
    return check_spots("emt", {}, frames, cores, energies, forces, level)


@pytest.mark.parametrize(
    ("cores", "energy"),
    [((CUT, WHOLE), None), ((CUT, CUT), None), ((WHOLE, CUT, WHOLE), 0.0)],
)
def test_neither_forces_nor_energies_of_a_cut_rim_count(cores, energy):
    found = checked(*cores)
    assert found.judgement.overall.rmse == 0.0
    assert found.judgement.energy_rmse == energy
    assert ("energies" in found.line()) == (energy is not None)


def test_the_report_tells_of_how_many_frames_no_energies_count():
    (table,) = spot_contents(checked(WHOLE, CUT, WHOLE))
    assert "1 of 3 frames are clusters" in table.caption
    (table,) = spot_contents(checked(WHOLE, WHOLE))
    assert "clusters" not in table.caption
    again = SpotChecks.from_dict(checked(CUT, CUT).as_dict())
    assert again.clusters == 2
