"""Engines: found by name or path, identified by version and weights, never by luck."""

import hashlib
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.dft.kpoints import monkhorst_pack
from ase.io import read
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.ase_engine import from_import_path
from ionface.workflows.engines.ase.named_potentials import MPTRJ
from ionface.workflows.engines.ase.potential import Potential
from ionface.workflows.engines.ase.relax import HISTORY
from ionface.workflows.engines.contract import STRESS_LEFT, RelaxSettings
from ionface.workflows.engines.registry import engine
from ionface.workflows.study.study import EngineChoice

EMT_PATH = "ase.calculators.emt.EMT"


def test_an_import_path_is_an_engine_with_package_version():
    import ase

    level = engine(EMT_PATH).level_of_theory()
    assert (level.code, level.version) == ("ase", ase.__version__)
    assert level.model == "EMT()"


def test_arguments_make_another_level_of_theory():
    plain = engine(EngineChoice(EMT_PATH))
    cut = engine(EngineChoice(EMT_PATH, {"asap_cutoff": True}))
    assert plain.level_of_theory().differences(cut.level_of_theory()).keys() == {
        "model"
    }


def test_other_weights_under_the_same_name_are_another_level(tmp_path):
    path = tmp_path / "model.pth"
    found = []
    for content in (b"first", b"second"):
        # two files of one name, as when a model is published again
        folder = tmp_path / content.decode()
        folder.mkdir()
        path = folder / "model.pth"
        path.write_bytes(content)
        potential = from_import_path(EMT_PATH, {"model": str(path)}, "PBE")
        found.append(potential.level_of_theory().weights)
    assert found == [hashlib.sha256(c).hexdigest() for c in (b"first", b"second")]


def test_a_calculator_that_nobody_numbers_is_known_by_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = "from ase.calculators.emt import EMT\nclass Mine(EMT):\n    scale = {}\n"
    module, package = tmp_path / "unnumbered.py", tmp_path / "unnumbered_package"
    package.mkdir()
    (package / "__init__.py").write_text("from unnumbered import Mine\n")
    for path in ("unnumbered.Mine", "unnumbered_package.Mine"):
        levels = []
        for scale in (1, 2, 1):
            module.write_text(source.format(scale))
            (package / "scale.py").write_text(f"scale = {scale}\n")
            levels.append(engine(path).level_of_theory())
        assert levels[0].differences(levels[1]).keys() == {"version"}
        assert levels[0] == levels[2]
        assert levels[0].version.startswith("source ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sevenet", "did you mean 'sevennet'"),
        ("gaussian", "have .*chgnet.*vasp"),
        ("ase.calculators.emt.Nothing", "no calculator at"),
        ("no_such_package.Calculator", "no calculator at"),
    ],
)
def test_an_unknown_engine_is_refused_with_what_there_is(name, said):
    with pytest.raises(IonfaceError, match=said):
        engine(name)


@pytest.mark.parametrize(
    ("name", "package"), [("chgnet", "chgnet"), ("sevennet", "sevenn")]
)
def test_a_missing_package_is_an_error_and_never_another_model(
    monkeypatch, name, package
):
    for module in [m for m in sys.modules if m.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(IonfaceError, match=f"needs the package '{package}'"):
        engine(name)


@pytest.fixture
def silver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    structure = Structure(Lattice.cubic(4.1), ["Ag"] * 4, sites)
    structure.make_supercell(2)
    structure.perturb(0.1, seed=1)
    structure.add_site_property("phase", ["Ag"] * len(structure))
    return structure


def _make(maker, structure):
    return maker.make.original(maker, structure)


def test_a_relaxation_ends_below_the_force_that_was_asked_for(silver):
    record = _make(engine(EMT_PATH).relax(RelaxSettings(fmax=0.01)), silver)
    assert record.converged
    assert record.max_force < 0.01
    assert record.structure.lattice == silver.lattice
    assert record.structure.site_properties["phase"] == ["Ag"] * 32
    distance = record.structure.distance_matrix[0, 1:].min()
    assert distance == pytest.approx(4.1 / np.sqrt(2), abs=0.02)


def test_too_few_steps_are_not_converged(silver):
    few = RelaxSettings(fmax=1e-6, steps=3, must_converge=False)
    record = _make(engine(EMT_PATH).relax(few), silver)
    assert not record.converged
    assert record.max_force > 1e-6


@pytest.mark.slow
def test_running_out_of_steps_is_an_error_that_can_be_continued(silver):
    maker = engine(EMT_PATH).relax(RelaxSettings(fmax=1e-3, steps=6))
    with pytest.raises(IonfaceError, match="run the same command again"):
        _make(maker, silver)
    for _ in range(20):
        with suppress(IonfaceError):
            assert _make(maker, silver).converged
            return
    pytest.fail("the relaxation does not go on from where it was")


@pytest.mark.parametrize(
    "cell", ["fixed", pytest.param("full", marks=pytest.mark.slow)]
)
def test_a_relaxation_that_was_interrupted_is_the_same_one(
    silver, tmp_path, monkeypatch, cell
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = RelaxSettings(fmax=1e-3, cell=cell)
    energies = []
    for folder, most in ((whole, [1000]), (broken, [5, 4, 1000])):
        folder.mkdir()
        monkeypatch.chdir(folder)
        for steps in most:
            maker = engine(EMT_PATH).relax(replace(settings, steps=steps))
            with suppress(IonfaceError):
                _make(maker, silver)
        images = read(HISTORY, ":")
        energies.append([image.get_potential_energy() for image in images])
    assert len(energies[0]) > 12
    assert energies[1] == pytest.approx(energies[0], abs=1e-9)


def test_a_single_point_is_the_calculators_own_energy(silver):
    record = _make(engine(EMT_PATH).static(), silver)
    atoms = silver.to_ase_atoms(msonable=False)
    atoms.calc = EMT()
    assert record.energy == pytest.approx(atoms.get_potential_energy())
    assert record.steps == 0


@pytest.mark.slow
def test_an_interrupted_relaxation_goes_on_from_its_last_structure(silver):
    few = RelaxSettings(fmax=1e-4, steps=4, must_converge=False)
    first = _make(engine(EMT_PATH).relax(few), silver)
    assert not first.converged
    resumed = _make(engine(EMT_PATH).relax(RelaxSettings(fmax=1e-4)), silver)
    Path("relax.traj").unlink()
    whole = _make(engine(EMT_PATH).relax(RelaxSettings(fmax=1e-4)), silver)
    assert resumed.converged
    assert resumed.energy == pytest.approx(whole.energy, abs=1e-4)
    assert resumed.steps < whole.steps


def test_a_torn_history_is_no_obstacle(silver):
    Path("relax.traj").write_bytes(b"- of Ulm\x00 torn by a kill")
    record = _make(engine(EMT_PATH).relax(RelaxSettings(fmax=0.05)), silver)
    assert record.converged


@pytest.mark.slow
def test_energies_are_extensive(silver):
    double = silver.copy()
    double.make_supercell([2, 1, 1])
    one, two = (_make(engine(EMT_PATH).static(), s) for s in (silver, double))
    assert two.energy == pytest.approx(2 * one.energy)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "moves"),
    [
        ("fixed", [False, False, False]),
        ("normal", [False, False, True]),
        ("in-plane", [True, True, False]),
        ("full", [True, True, True]),
    ],
)
def test_only_what_is_asked_for_of_a_cell_moves_and_it_ends_without_stress(
    silver, cell, moves
):
    maker = engine(EMT_PATH).relax(RelaxSettings(fmax=0.01, cell=cell))
    record = _make(maker, silver)
    change = record.structure.lattice.matrix - silver.lattice.matrix
    assert (np.abs(np.diag(change)) > 1e-3).tolist() == moves
    stress = np.diag(record.stress)
    assert np.abs(stress[moves]).max(initial=0) < STRESS_LEFT
    # silver at 4.1 Å is longer than EMT's own: what could not move is under tension
    assert (stress[~np.array(moves)] > 0.5).all()


def test_a_relaxed_crystal_has_the_lattice_of_lowest_energy(silver):
    def energy(a):
        atoms = silver.to_ase_atoms(msonable=False)
        atoms.set_cell([2 * a] * 3, scale_atoms=True)
        atoms.set_scaled_positions(np.round(4 * atoms.get_scaled_positions()) / 4)
        atoms.calc = EMT()
        return atoms.get_potential_energy()

    lengths = np.linspace(4.0, 4.12, 13)
    bend, slope, _ = np.polyfit(lengths, [energy(a) for a in lengths], 2)
    maker = engine(EMT_PATH).relax(RelaxSettings(fmax=0.005, cell="full"))
    found = np.array(_make(maker, silver).structure.lattice.abc) / 2
    assert found == pytest.approx([-slope / (2 * bend)] * 3, abs=2e-3)


@pytest.mark.slow
def test_an_interrupted_relaxation_of_a_cell_goes_on_from_its_last_cell(silver):
    few = RelaxSettings(fmax=0.01, steps=6, must_converge=False, cell="full")
    first = _make(engine(EMT_PATH).relax(few), silver)
    rest = replace(few, steps=1)
    resumed = _make(engine(EMT_PATH).relax(rest), silver)
    assert first.structure.lattice != silver.lattice
    assert resumed.energy < first.energy


def test_a_calculator_without_stress_relaxes_no_cell(silver, monkeypatch):
    monkeypatch.setattr(EMT, "get_stress", _no_stress)
    assert _make(engine(EMT_PATH).static(), silver).stress is None
    maker = engine(EMT_PATH).relax(RelaxSettings(cell="full"))
    with pytest.raises(IonfaceError, match=r"emt gives no stress.* cell: fixed"):
        _make(maker, silver)


def _no_stress(calculator, atoms=None):
    raise PropertyNotImplementedError


@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["sevennet", "chgnet"])
def test_the_default_potentials_know_what_they_are(name):
    level = engine(name).level_of_theory()
    assert len(level.weights) == 64
    assert "PBE" in level.functional


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")
def test_sevennet_gives_the_raw_pbe_energy_of_lithium(tmp_path, monkeypatch):
    """Bulk Li is -1.906 eV/atom in raw MP PBE; corrected scales lie elsewhere."""
    from ionface.structures.crystals.library import crystal

    monkeypatch.chdir(tmp_path)
    record = _make(engine("sevennet").static(), crystal("Li", {"a": 3.44}))
    assert record.energy / 2 == pytest.approx(-1.906, abs=0.02)
    assert record.level["weights"] == engine("sevennet").level_of_theory().weights


def test_elements_that_a_potential_was_not_made_for_are_refused():
    with pytest.raises(IonfaceError, match=r"'x' was not made for Po in Po\|Li"):
        Potential("x", "a.B", elements=MPTRJ).check_elements({"Po", "Li"}, "Po|Li")
    emt = from_import_path("ase.calculators.emt.EMT", {}, "EMT")
    with pytest.raises(IonfaceError, match="it knows 11 elements: Ag, Al, Au, C, Cu"):
        emt.relax(RelaxSettings()).make.original(
            emt.relax(RelaxSettings()), Structure(Lattice.cubic(3.5), ["Li"], [[0] * 3])
        )
    assert len(MPTRJ) == 89
    Potential("unknown", "a.B").check_elements(["Po"], "Po")  # nobody knows better


MESHED = """
from ase.calculators.emt import EMT

class Meshed(EMT):
    def __init__(self, kpts, ecut):
        super().__init__()
        self.kpts, self.ecut = kpts, ecut
"""


@pytest.mark.slow
def test_a_first_principles_calculator_is_given_the_mesh_of_each_cell(
    silver, tmp_path, monkeypatch
):
    (tmp_path / "meshed.py").write_text(MESHED)
    monkeypatch.syspath_prepend(tmp_path)
    choice = EngineChoice(
        "meshed.Meshed", {"ecut": 500}, "PBE", k_spacing=0.3, cutoff=500
    )
    mine = engine(choice)
    level = mine.level_of_theory()
    assert (level.cutoff_ev, level.k_points) == (500, "Gamma, odd, 0.3 per Å")
    assert not mine.in_process
    # even meshes, (2, 3, 3) here, are shifted off Γ by some calculators
    for cell, expected in ((silver, (3, 3, 3)), (silver * (2, 1, 1), (3, 3, 3))):
        with mine.potential.opened(cell) as calculator:
            assert calculator.kpts == expected
            assert np.abs(monkhorst_pack(calculator.kpts)).sum(1).min() < 1e-12
    coarse = engine(replace(choice, k_spacing=0.5)).level_of_theory()
    assert level.differences(coarse).keys() == {"k_points"}
    assert np.isfinite(_make(mine.static(), silver).energy)
