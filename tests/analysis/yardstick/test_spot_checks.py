"""What spot checks count of whole frames and of clusters."""

import numpy as np
import pytest

from ionface.analysis.report.yardstick_tables import spot_contents, spot_highlights
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


def answered(groups, cores=None, symbols=None):
    """Return spot checks of frames of these groups."""
    symbols = symbols or {"film": "Ag", "substrate": "Cu"}
    energies = {"relaxation": -12.0, "film": -4.0, "substrate": -7.0}
    frames, mine = [], []
    for n, group in enumerate(groups):
        one = symbols.get(group)
        species = (one, one) if one else ("Ag", "Ag", "Cu", "Cu")
        zeros = np.zeros((len(species), 3))
        energy = energies[group] + 0.25 * n * (group == "relaxation")
        frames.append(
            LabeledFrame(str(n), group, species, 9 * np.eye(3), zeros, energy, zeros)
        )
        mine.append(2 * energy)
    cores = cores or [(True,) * len(frame.species) for frame in frames]
    forces = [frame.forces for frame in frames]
    level = {"code": "gpaw", "functional": "PBE"}
    return check_spots("emt", {}, frames, cores, mine, forces, level)


def test_the_answer_itself_is_told_by_both():
    """Of the first frame of the relaxation, which is where it ended."""
    found = answered(["relaxation", "substrate", "film", "relaxation"])
    assert found.formation is not None
    assert found.formation.reference == pytest.approx(-1.0)
    assert found.formation.value == pytest.approx(-2.0)
    assert found.line().endswith("; ΔE at its geometries -2.000 eV, -1.000 by gpaw")
    again = SpotChecks.from_dict(found.as_dict())
    assert again.formation == found.formation
    (table,) = spot_contents(again)
    assert "ΔE at its geometries -2.000 eV" in table.caption
    assert ("-2.00, -1.00 eV", "ΔE by emt, gpaw") in spot_highlights(again)


def test_the_answer_is_told_by_whole_frames_of_the_same_atoms_alone():
    assert answered(["relaxation", "film"]).formation is None
    whole = ["relaxation", "film", "substrate"]
    cut = [(True,) * 4, (True, False), (True, True)]
    assert answered(whole, cut).formation is None
    assert answered(whole, symbols={"film": "Ag", "substrate": "Ag"}).formation is None
    assert answered(whole).formation is not None
    stored = answered(whole).as_dict()
    del stored["formation"]  # of a version that did not know it
    assert SpotChecks.from_dict(stored).formation is None
