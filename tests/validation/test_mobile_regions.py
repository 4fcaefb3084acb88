"""What moves decides how far a contact goes: film, surface, everything."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from jobflow import run_locally

from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.flows.makers import InterfaceFormationMaker

AG = str(Path(__file__).parent.parent / "data" / "Ag.cif")
SPEC = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=3, lattice="literature"),
    CrystalLayer(AG, (1, 0, 0), layers=4, lattice="literature", name="Ag"),
    max_strain=0.03,
    max_area=20,
    start="joined",
    vacuum=12,
)


def path_of(spec, folder):
    folder.mkdir()
    maker = InterfaceFormationMaker("ase.calculators.emt.EMT", RelaxSettings(fmax=0.01))
    flow = maker.make(spec)
    (path,) = [job for job, _ in flow.iterflow() if job.name.endswith("path")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = run_locally(flow, root_dir=folder, ensure_success=True, log=False)
    return done[path.uuid][1].output["energies_j_per_m2"]


@pytest.mark.slow
def test_the_more_may_move_the_lower_a_contact_ends(tmp_path):
    film, surface, everything = (
        path_of(replace(SPEC, mobile=mobile), tmp_path / str(number))
        for number, mobile in enumerate(("film", {"surface": 3.0}, "all"))
    )
    # all begin with the same relaxed sides at the same gap
    assert film[0] == pytest.approx(surface[0], abs=1e-6)
    assert film[0] == pytest.approx(everything[0], abs=1e-6)
    assert film[0] > film[-1] > surface[-1] + 1e-4
    # below the first layers nothing is left to gain but what the criterion leaves
    assert everything[-1] < surface[-1] + 1e-3
