"""A sandwich has the interface energy of the same sides under vacuum, and no stress."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from ase.build import bulk
from jobflow import run_locally

from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.flows.makers import InterfaceFormationMaker

AG = str(Path(__file__).parent.parent / "data" / "Ag.cif")
SPEC = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=6),
    CrystalLayer(AG, (1, 0, 0), layers=6, name="Ag"),
    max_strain=0.03,
    max_area=20,
    registry=(0.5, 0.5),
)


def book(spec, folder):
    folder.mkdir()
    maker = InterfaceFormationMaker("ase.calculators.emt.EMT", RelaxSettings(fmax=0.01))
    flow = maker.make(spec)
    (ledger,) = [job for job, _ in flow.iterflow() if job.name.endswith("ledger")]
    (path,) = [job for job, _ in flow.iterflow() if job.name.endswith("path")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = run_locally(flow, root_dir=folder, ensure_success=True, log=False)
    return {**done[ledger.uuid][1].output, "path": done[path.uuid][1].output}


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    root = tmp_path_factory.mktemp("sandwiches")
    wanted = {
        "vacuum": SPEC,
        "sandwich": replace(SPEC, vacuum=0.0),
        "plane": replace(SPEC, vacuum=0.0, cell="full"),
        "fixed": replace(SPEC, vacuum=0.0, cell="fixed", gap=3.1),
    }
    return {name: book(spec, root / name) for name, spec in wanted.items()}


@pytest.mark.slow
def test_both_have_one_energy(entries):
    one, two = (entries[name]["sigma_j_per_m2"] for name in ("vacuum", "sandwich"))
    assert two == pytest.approx(one, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("substrate", "layers", "strain", "area"),
    [("Cu", 6, 0.08, 40), (AG, 5, 0.03, 20)],
    ids=["Cu|Al, registries 5 % apart", "Ag|Al, hollow and top"],
)
def test_both_have_one_energy_whatever_the_number_of_layers(
    substrate, layers, strain, area, tmp_path
):
    """Upright, the upper interface of these would have another registry."""
    metal = bulk("Cu", cubic=True) if substrate == "Cu" else substrate
    spec = replace(
        SPEC,
        substrate=CrystalLayer(metal, (1, 0, 0), layers=layers, name="metal"),
        max_strain=strain,
        max_area=area,
        registry=(0.0, 0.0),
    )
    one = book(spec, tmp_path / "vacuum")["sigma_j_per_m2"]
    two = book(replace(spec, vacuum=0.0), tmp_path / "sandwich")["sigma_j_per_m2"]
    assert two == pytest.approx(one, rel=0.005)


@pytest.mark.slow
def test_against_bulk_crystals_both_cost_the_same(entries):
    """Below zero here: with EMT, aluminum and silver gain by mixing."""
    one, two = (entries[name]["against_bulk"] for name in ("vacuum", "sandwich"))
    assert two["gamma_j_per_m2"] == pytest.approx(one["gamma_j_per_m2"], abs=0.05)
    assert one["gamma_j_per_m2"] < 0
    assert min(one["surface_energies_j_per_m2"].values()) > 0.5


@pytest.mark.slow
def test_a_relaxed_sandwich_is_at_rest(entries):
    assert any(
        "stress along the normal" in line for line in entries["sandwich"]["checks"]
    )
    assert not any("DOUBTFUL" in line for line in entries["sandwich"]["checks"])


@pytest.mark.slow
def test_a_guessed_gap_in_a_fixed_cell_is_told_to_be_under_stress(entries):
    """It gives another energy, which is why it must not pass in silence."""
    assert any("DOUBTFUL: stress along" in line for line in entries["fixed"]["checks"])
    one, fixed = (entries[name]["sigma_j_per_m2"] for name in ("vacuum", "fixed"))
    assert fixed != pytest.approx(one, rel=0.05)


@pytest.mark.slow
def test_slabs_follow_a_plane_that_relaxes(entries):
    """Strain cancels: the area changes, the energy per area hardly does."""
    one, all_of_it = (entries[name] for name in ("sandwich", "plane"))
    assert all_of_it["area"] != pytest.approx(one["area"], rel=1e-3)
    assert all_of_it["sigma_j_per_m2"] == pytest.approx(one["sigma_j_per_m2"], rel=0.05)


@pytest.mark.slow
def test_the_path_of_the_relaxation_ends_at_the_energy_that_is_booked(entries):
    for entry in entries.values():
        path = entry["path"]["energies_j_per_m2"]
        assert path[-1] == pytest.approx(entry["sigma_j_per_m2"], abs=1e-3)
        assert path[0] > path[-1]
        assert entry["path"]["forces_ev_per_a"][-1] < 0.01


def test_a_vacuum_that_would_collapse_is_refused():
    from ionface.errors import StructureError
    from ionface.structures.interface import build_interface

    with pytest.raises(StructureError, match="cell='normal' would let vacuum=20"):
        build_interface(replace(SPEC, cell="normal"))
