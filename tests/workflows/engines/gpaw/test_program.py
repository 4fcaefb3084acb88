"""What GPAW is told: cutoff, mesh, spin and U, and what is refused beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.clusters import cut_cluster
from ionface.structures.ledger_cell import with_context
from ionface.workflows.engines.contract import RelaxSettings, StudySettings
from ionface.workflows.engines.dft.program import starting
from ionface.workflows.engines.gpaw import cost
from ionface.workflows.engines.gpaw.engine import GpawEngine
from ionface.workflows.engines.gpaw.program import GpawProgram
from ionface.workflows.engines.gpaw.setups import setup
from ionface.workflows.engines.registry import study_elements
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.study_files import load
from ionface.workflows.study.vasp_settings import VaspSettings

pytest.importorskip("gpaw_data", reason="GPAW's PAW data are not installed")


def settings(vasp=None, dft=None, elements=("Li", "S")):
    return StudySettings(
        LI_2024,
        VaspSettings(**(vasp or {})),
        DftSettings(**(dft or {})),
        lambda: frozenset(elements),
    )


@pytest.fixture
def sulfide():
    sulfur = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    coords = [*(sulfur + 0.25), *(sulfur + 0.75), *sulfur]
    return Structure(Lattice.cubic(5.7), ["Li"] * 8 + ["S"] * 4, coords)


def test_the_cutoff_follows_the_hardest_element_of_the_whole_study():
    assert GpawProgram.of(settings()).cutoff == 450
    assert GpawProgram.of(settings(elements=("Li", "H"))).cutoff == 550
    assert GpawProgram.of(settings(dft={"cutoff": 480}, elements=("O",))).cutoff == 480
    # the lithium slab of a polymer's ledger takes the polymer's
    assert {"C", "O", "Li"} <= study_elements(load("lagp-pdol-li"))


def test_the_mesh_is_finer_with_a_metal_and_gamma_alone_in_dynamics(sulfide):
    program = GpawProgram()
    assert program.divisions(sulfide) == (4, 4, 4)
    metal = with_context(sulfide, "film", np.diag([5.7, 5.7, 30]), 10.0, metal=True)
    assert program.divisions(metal) == (5, 5, 1)
    assert replace(program, job="dynamics").divisions(sulfide) == (1, 1, 1)
    assert replace(program, spacing=1.2).divisions(sulfide) == (1, 1, 1)
    # a cluster does not feel its images: 12 Å of vacuum need no second point
    cluster = cut_cluster(sulfide, 0, 4)
    assert max(cluster.lattice.abc) < 20
    assert program.divisions(cluster) == (1, 1, 1)


def test_spin_and_u_are_read_by_the_words_of_vasp(sulfide):
    incar = {"LDAUU": {"Ti": 4.2}, "LDAUJ": {"Ti": 0.2}, "MAGMOM": {"Ti": 2}}
    program = GpawProgram.of(settings({"incar": incar}))
    titanium = sulfide.copy()
    titanium.replace(0, "Ti")
    told = program.parameters(titanium)
    assert told["setups"] == {"Ti": ":d,4.0"}
    assert program.magnetic_moments(titanium)[:2] == [2.0, 0.0]
    assert program.parameters(sulfide)["setups"] == {}
    assert GpawProgram.of(settings()).magnetic_moments(sulfide) is None
    spin = GpawProgram.of(settings({"incar": {"ISPIN": 2}}))
    assert spin.magnetic_moments(sulfide) == [1.0] * 12


@pytest.mark.parametrize(
    ("vasp", "said"),
    [
        ({"incar": {"ALGO": "All"}}, "ALGO has no meaning for the engine gpaw, which"),
        ({"dispersion": "D3"}, "D3 is not available with the engine gpaw"),
        ({"incar": {"ENCUT": 40}}, r"ENCUT of 40 eV is too low for gpaw.*for 450 eV"),
    ],
)
def test_what_gpaw_does_not_know_is_refused(vasp, said):
    with pytest.raises(IonfaceError, match=said):
        GpawProgram.of(settings(vasp))


def test_a_cutoff_that_was_meant_for_rydbergs_is_refused():
    with pytest.raises(IonfaceError, match=r"dft.cutoff of 20 eV .* for 550 eV, or gi"):
        GpawProgram.of(settings(dft={"cutoff": 20}, elements=("O",)))


def test_a_basis_that_an_element_does_not_have_is_refused(sulfide):
    for basis in ("dzp", "sz(dzp)"):
        GpawProgram(mode="lcao", basis=basis).check_elements(["Li", "S"], "x")
    GpawProgram(basis="foo").check_elements(["Li"], "plane waves need none")
    engine = GpawEngine(GpawProgram(mode="lcao", basis="tzp"))
    with pytest.raises(IonfaceError, match=r"a melt: dft.basis: GPAW has no basis tzp"):
        engine.check_elements(["Li", "S"], "a melt")
    with pytest.raises(IonfaceError, match=r"tzp for Li in .*, only dzp; name one"):
        engine.step_cost(engine.static(), sulfide)


def test_orbitals_relax_no_cell_and_no_study_that_asks_for_it():
    engine = GpawEngine(GpawProgram(mode="lcao"))
    engine.relax(RelaxSettings())
    for cell in ("full", "normal", "in-plane"):
        with pytest.raises(IonfaceError, match=rf"no stress .*\(cell: {cell}, as latt"):
            engine.relax(RelaxSettings(cell=cell))
    study = replace(load("lpscl-in").with_engine("gpaw"), dft=DftSettings(mode="lcao"))
    with pytest.raises(IonfaceError, match=r"take mode: pw, or lattice: literature"):
        GraphWalk(study)


def test_orbitals_have_no_cutoff_and_say_what_they_are():
    level = GpawProgram(mode="lcao", basis="sz(dzp)", cutoff=250).level_of_theory()
    assert level.cutoff_ev is None
    assert "LCAO(sz(dzp))" in level.label


def test_more_ranks_than_cores_are_refused_where_the_job_runs_here():
    engine = GpawEngine(GpawProgram(ranks=4000))
    with pytest.raises(IonfaceError, match=r"dft.ranks: 4000 are more than the \d+ co"):
        engine.check_start(engine.static(), here=True)
    engine.check_start(engine.static(), here=False)
    other = GpawEngine(GpawProgram(ranks=4000, mpi="srun -n {ranks}"))
    other.check_start(other.static(), here=True)


@pytest.mark.slow
def test_an_odd_number_of_electrons_needs_spin_or_a_metal(sulfide):
    odd = sulfide.copy()
    odd.remove_sites([0])
    engine = GpawEngine()
    maker = engine.static()
    with pytest.raises(IonfaceError, match="odd number, which closed shells cannot"):
        engine.step_cost(maker, odd)
    engine.step_cost(maker, sulfide)
    spin = replace(engine, program=replace(engine.program, spin=True))
    spin.step_cost(spin.static(), odd)
    lithium = Structure(Lattice.cubic(3.44), ["Li"], [[0, 0, 0]])
    assert engine.program.electrons(lithium) == 1
    engine.step_cost(maker, lithium)
    cluster = cut_cluster(sulfide, 0, 4)
    cluster.replace(0, "Cl")
    assert engine.program.electrons(cluster) % 2
    engine.step_cost(maker, cluster)
    whole = cut_cluster(odd, 0, len(odd))  # small enough: nothing was cut
    with pytest.raises(IonfaceError, match="odd number"):
        engine.step_cost(maker, whole)


def test_a_missing_paw_set_is_refused_with_the_way_out(tmp_path, monkeypatch):
    engine = GpawEngine()
    engine.check_elements(["Li", "P", "S", "Cl", "In", "O", "Ge", "Al"], "x")
    with pytest.raises(IonfaceError, match=r"a melt: GPAW has no PAW data set for Am"):
        engine.check_elements(["Am", "Li"], "a melt")
    setup.cache_clear()
    (tmp_path / "Am.PBE").write_text('<atom symbol="Am" Z="95" core="86" valence="9"/>')
    monkeypatch.setenv("GPAW_SETUP_PATH", str(tmp_path))
    assert setup("Am", "PBE").valence == 9
    setup.cache_clear()


@pytest.mark.slow
def test_too_little_memory_or_time_is_told_before_anything_runs(sulfide):
    small = GpawEngine(GpawProgram(memory=0.1))
    with pytest.raises(IonfaceError, match=r"more than the 0.1 GB that dft.memory"):
        small.step_cost(small.static(), sulfide)
    large = sulfide * (4, 4, 4)
    hasty = GpawEngine(GpawProgram(walltime=0.2, memory=1e6))
    with pytest.raises(IonfaceError, match=r"give dft.ranks more, or more hours"):
        hasty.step_cost(hasty.static(), large)


def test_the_cost_of_runs_that_were_measured_is_met_within_a_factor_of_two():
    told = cost.fitted()
    for run in told["runs"]:
        modelled = np.dot(told["fit"]["seconds"], cost.work_of(run))
        assert 0.55 < modelled / run["seconds"] < 1.8, run["name"]


class Meshed(GpawProgram):
    """GPAW with the mesh that a structure carries."""

    def divisions(self, structure):
        return tuple(structure.properties["mesh"])


@pytest.mark.slow
def test_the_measured_terms_of_an_interface_are_planned_within_a_factor_of_two():
    """Li|P-DOL at 480 eV: docs/first-principles.md."""
    walk = GraphWalk(load("lagp-pdol-li").with_engine("gpaw"))
    measured = {"interface": 2231, "film": 237, "substrate": 589}
    told = {}
    for job in walk.engine_jobs:
        term = job.metadata["task"].removeprefix("static ")
        if job.metadata["subject"] == "Li|P-DOL" and term in measured:
            structure = walk.start(job)
            for mesh in ((1, 1, 1), (2, 2, 1)):
                structure.properties["mesh"] = mesh
                step = Meshed(cutoff=480.0).step_cost(structure)
                told[term, mesh] = step.seconds
    for term, seconds in measured.items():
        assert 0.5 < told[term, (1, 1, 1)] / seconds < 2, term
    ratio = told["interface", (2, 2, 1)] / told["interface", (1, 1, 1)]
    assert (
        3.5 < ratio < 5
    )  # complex wave functions of four points, for real ones of one


def test_an_interface_in_a_long_cell_takes_more_steps_from_atoms_and_some_later(
    sulfide,
):
    first, later = GpawProgram(spacing=9.0), GpawProgram(spacing=9.0, job="relaxation")
    short, long = sulfide * (1, 1, 2), sulfide * (1, 1, 9)
    assert long.lattice.c > cost.LONG > short.lattice.c
    ratios = {}
    for part in ("interface", "film"):
        for each in (short, long):
            term = with_context(each, part, each.lattice.matrix, 10.0)
            seconds = [p.step_cost(term).seconds for p in (first, later)]
            ratios[part, each is long] = seconds[0] / seconds[1]
    longer = cost.SLOSHING["energy"] / cost.SLOSHING["relaxation"]
    assert longer > 1
    assert ratios.pop(("interface", True)) == pytest.approx(1.8 * longer)
    assert [*ratios.values()] == pytest.approx([1.8] * 3)


def test_more_ranks_take_less_time_and_more_memory(sulfide):
    one, four = (GpawEngine(GpawProgram(ranks=n, memory=99)) for n in (1, 4))
    alone, shared = (e.step_cost(e.static(), sulfide) for e in (one, four))
    assert alone.seconds / 4 <= shared.seconds < alone.seconds / 2
    assert shared.memory_gb > alone.memory_gb
    assert shared.ranks == 4


def test_the_level_names_the_hash_of_each_data_set(sulfide):
    pytest.importorskip("gpaw")
    level = GpawEngine().static().potential.level_of_theory(sulfide)
    assert [title.split()[1] for title in level.pseudopotentials] == ["Li.PBE", "S.PBE"]
    lithium = sulfide.copy()
    lithium.remove_species(["S"])
    other = GpawEngine().static().potential.level_of_theory(lithium)
    assert level.differences(other) == {}
    finer = GpawEngine(GpawProgram(cutoff=700)).level_of_theory()
    assert set(finer.differences(other)) == {"cutoff_ev", "pseudopotentials"}


def test_a_cluster_in_vacuum_has_no_layer_of_dipoles(cluster):
    for program in (GpawProgram(), GpawProgram(dipole="on")):
        assert "poissonsolver" not in program.parameters(cluster)


def test_a_dipole_is_taken_out_of_slabs_whose_atoms_stay_off_the_cells_end(slab):
    program = GpawProgram()
    assert program.parameters(slab)["poissonsolver"] == {"dipolelayer": "xy"}
    assert "poissonsolver" not in replace(program, dipole="off").parameters(slab)
    calculator = program.calculator(slab)
    heights = calculator._positions(slab.to_ase_atoms(msonable=False))[:, 2]
    assert heights.min() == pytest.approx(slab.lattice.c - heights.max(), abs=0.01)


def test_only_bulk_crystals_relax_with_their_symmetry(sulfide, slab):
    engine = GpawEngine()
    for cell, expected in (("full", True), ("fixed", False), ("normal", False)):
        program = engine.relax(RelaxSettings(cell=cell)).potential
        assert program.parameters(sulfide)["symmetry"] == {"point_group": expected}
    # one atom of this slab is held, which symmetry would move
    assert engine.program.parameters(slab)["symmetry"] == {"point_group": False}


def test_a_program_keeps_what_it_has_freed_unless_the_user_says_otherwise(monkeypatch):
    with starting(GpawProgram(), ["gpaw"]) as environment:
        assert environment["MALLOC_MMAP_MAX_"] == "0"
        assert environment["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "65536")
    with starting(GpawProgram(), ["gpaw"]) as environment:
        assert environment["MALLOC_MMAP_MAX_"] == "65536"
