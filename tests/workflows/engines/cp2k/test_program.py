"""What CP2K is told, and what is refused before it starts."""

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError, NotInstalledError
from ionface.structures.ledger_cell import with_context
from ionface.workflows.engines.contract import DynamicsSettings, StudySettings
from ionface.workflows.engines.cp2k import inputs
from ionface.workflows.engines.cp2k.data_sets import data_folder, data_set, program_path
from ionface.workflows.engines.cp2k.engine import Cp2kEngine
from ionface.workflows.engines.cp2k.program import Cp2kProgram
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings

BASIS = "DZVP-MOLOPT-SR-GTH"


def settings(vasp=None, dft=None):
    return StudySettings(
        LI_2024, VaspSettings(**(vasp or {})), DftSettings(**(dft or {}))
    )


def told(structure, **changed):
    program = replace(Cp2kProgram(), **changed)
    return inputs.single_point(program, structure, inputs.USUAL, restarted=False)


def test_an_elements_data_are_counted_and_named(data):
    lithium = data_set("Li", "PBE", BASIS, data)
    assert (lithium.functions, lithium.exponent) == (3 + 3, 0.1)
    assert (lithium.potential, lithium.valence) == ("GTH-PBE-q3", 3)
    assert data_set("Cl", "PBE", BASIS, data).functions == (2 + 6) + 5
    assert data_set("Li", "PBE", "SZV-MOLOPT-SR-GTH", data).functions == 2 + 3


def test_a_basis_set_is_found_without_the_number_of_its_electrons(data):
    shorter, whole = "TZVP-MOLOPT-PBE-GTH", "TZVP-MOLOPT-PBE-GTH-q7"
    for name in (shorter, whole):
        found = data_set("Cl", "PBE", name, data)
        assert (found.basis, found.functions, found.valence) == (whole, 3, 7)


@pytest.mark.parametrize(
    ("symbol", "functional", "said"),
    [
        ("Xe", "PBE", "a melt: CP2K has no basis set DZVP-MOLOPT-SR-GTH for Xe in"),
        ("Am", "PBE", "a melt: CP2K has no potential GTH-PBE-q9 for Am in"),
        ("Li", "SCAN", "a melt: CP2K has no potential GTH-SCAN-q3 for Li in"),
    ],
)
def test_elements_without_data_are_refused(data, symbol, functional, said):
    engine = Cp2kEngine(Cp2kProgram(functional=functional))
    with pytest.raises(IonfaceError, match=said):
        engine.check_elements([symbol], "a melt")


def test_without_cp2k_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CP2K_DATA_DIR", str(tmp_path))
    with pytest.raises(NotInstalledError, match=r"no cp2k.psmp .*apt install cp2k"):
        program_path()
    with pytest.raises(NotInstalledError, match=r"let CP2K_DATA_DIR name the folder"):
        data_folder()
    Cp2kEngine().check_elements(["Li"], "planned where CP2K is not")


@pytest.mark.parametrize(
    ("vasp", "dft", "said"),
    [
        ({"incar": {"ENCUT": 500}}, {}, "ENCUT has no meaning for the engine cp2k"),
        ({"incar": {"LDAUU": {"Ti": 4}}}, {}, "LDAUU has no meaning for the engine"),
        ({"dispersion": "D3"}, {}, "D3 is not available with the engine cp2k"),
        ({}, {"cutoff": 500}, "500 eV is too low for cp2k, where it is that of the de"),
    ],
)
def test_what_cp2k_does_not_know_is_refused(vasp, dft, said):
    with pytest.raises(IonfaceError, match=said):
        Cp2kProgram.of(settings(vasp, dft))


def test_words_of_vasp_reach_the_input(data, chloride):
    incar = {"SIGMA": 0.1, "ISPIN": 2, "MAGMOM": {"Cl": 3}}
    program = Cp2kProgram.of(settings({"incar": incar}, {"iterations": 70}))
    text = inputs.single_point(program, chloride, inputs.CAREFUL, restarted=True)
    for line in (
        "ELECTRONIC_TEMPERATURE [K] 1160.45",
        "UNRESTRICTED_KOHN_SHAM ON",
        "MAGNETIZATION 3",
        "MAX_SCF 70",
        "SCF_GUESS RESTART",
        "ALPHA 0.03",
        "CUTOFF [eV] 4081.7",
        "&XC_FUNCTIONAL PBE",
        "POTENTIAL GTH-PBE-q7",
    ):
        assert line in text
    assert "MAGNETIZATION" not in told(chloride)


def test_meshes_are_centered_on_gamma(data, chloride):
    assert "MACDONALD 3 3 3 0.0 0.0 0.0" in told(chloride, spacing=0.8)
    assert "MACDONALD 2 2 2 0.25 0.25 0.25" in told(chloride, spacing=1.1)
    for more in ({"spacing": 9.0}, {"job": "dynamics"}):
        assert "KPOINTS" not in told(chloride, **more)


def test_slabs_lose_their_dipole(data, chloride):
    cell = np.diag([3.6, 3.6, 40.0])
    slab = with_context(chloride, "film", cell, 20.0, metal=False)
    assert "SURFACE_DIPOLE_CORRECTION ON" in told(slab)
    assert "DIPOLE" not in told(slab, dipole="off")
    assert "DIPOLE" not in told(chloride)


def test_dynamics_begin_with_velocities_and_go_on_from_a_state(data, chloride):
    chloride.add_site_property("fixed", [False, True])
    velocities = np.array([[0.0218769126, 0, 0], [0, 0, 0]])  # Å/fs; 0.001 atomic
    run = DynamicsSettings(steps=9, timestep=2.0, temperature=400, period=40)
    program = Cp2kProgram(job="dynamics")
    first = inputs.dynamics(program, chloride, run, 9, velocities, None, False)
    assert "LIST 2" in first
    assert "STEPS 9" in first
    assert "TIMECON [fs] 113.137085" in first
    rows = first.split("&VELOCITY")[1].split("&END")[0].split()
    assert float(rows[0]) == pytest.approx(1e-3, rel=1e-6)
    later = inputs.dynamics(program, chloride, run, 4, velocities, "s.restart", True)
    assert "RESTART_FILE_NAME s.restart" in later
    assert "VELOCITY" not in later


def test_an_odd_number_of_electrons_needs_spin_or_a_metal(data, chloride):
    odd = chloride * (2, 1, 1)
    odd.remove_sites([0])
    engine = Cp2kEngine()
    with pytest.raises(IonfaceError, match="17 valence electrons, an odd number"):
        engine.step_cost(engine.static(), odd)
    spin = Cp2kEngine(Cp2kProgram(spin=True))
    assert spin.step_cost(spin.static(), odd) is not None
    lithium = Structure(Lattice.cubic(3.44), ["Li"], [[0, 0, 0]])
    assert engine.step_cost(engine.static(), lithium) is not None


def test_plan_knows_time_and_memory(data, chloride):
    large = chloride * (4, 4, 4)
    engine = Cp2kEngine(Cp2kProgram(memory=1e3))
    shared = Cp2kEngine(Cp2kProgram(ranks=4, memory=1e3))
    one, four = (
        each.step_cost(each.dynamics(DynamicsSettings()), large)
        for each in (engine, shared)
    )
    assert one.seconds / 4 < four.seconds < one.seconds / 2
    small = Cp2kEngine(Cp2kProgram(memory=0.1))
    with pytest.raises(IonfaceError, match=r"GB with cp2k, more than the 0.1 GB"):
        small.step_cost(small.static(), chloride)


def test_the_level_names_the_hash_of_each_data_file(installed, chloride):
    level = Cp2kProgram().level_of_theory(chloride)
    assert level.version == "2023.1"
    names = [title.split()[:3] for title in level.pseudopotentials]
    assert ["GTH", "Li", "GTH-PBE-q3"] in names
    assert ["basis", "Cl", BASIS] in names
    finer = Cp2kProgram(cutoff=5000.0).level_of_theory(chloride)
    assert set(finer.differences(level)) == {"cutoff_ev", "REL_CUTOFF"}
