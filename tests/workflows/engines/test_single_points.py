"""Single points by jobs: a reason where one fails, and nothing computed twice."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from jobflow import Maker

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.yardstick.labeled_frames import stored
from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.single_points import of_unknown_phases, single_points

LEVEL = LevelOfTheory("code", "1", "PBE")


@dataclass
class Static(Maker):
    """A job that fails while a file says so, and counts itself there."""

    log: str = ""
    name: str = "static"

    @durable_job
    def make(self, structure):
        log = Path(self.log)
        if "broken" in log.read_text():
            raise IonfaceError("the license server is away")
        log.write_text(log.read_text() + "computed\n")
        forces = np.zeros((len(structure), 3)).tolist()
        return RunRecord(
            structure, -1.0, 0.0, True, 1, LEVEL.as_dict(), str(log), forces=forces
        )


@dataclass
class Program:
    """What an engine owes to be asked, no more."""

    log: Path
    name: str = "program"
    in_process: bool = False

    def check_elements(self, symbols, where):
        pass

    def check_start(self, maker, *, here):
        pass

    def level_of_theory(self):
        return LEVEL

    def static(self):
        return Static(str(self.log))


@pytest.mark.parametrize(("name", "metal"), [("li_OCH3", True), ("x_P_black", False)])
def test_a_structure_of_unknown_phases_may_hold_a_metal(name, metal):
    frame = next(frame for frame in stored() if frame.name == name)
    assert context(of_unknown_phases(frame.atoms())).metal == metal


def test_a_failure_tells_its_reason_and_what_was_done_stays(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("")
    engine, folder = Program(log), tmp_path / "points"
    images = [bulk("Al"), bulk("Ag")]
    single_points(engine, images[:1], folder)
    log.write_text("broken\n")
    with pytest.raises(IonfaceError, match=r"structure 2 of 2 \(Ag\): the licen"):
        single_points(engine, images, folder)
    log.write_text("")
    found = single_points(engine, images, folder)
    assert len(found) == 2
    assert log.read_text() == "computed\n"  # the second; the first one is kept
    assert Path.cwd() != folder
