"""INCAR rules that physics demands."""

import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context, with_context
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.vasp.incar import (
    PlaneWaves,
    dynamics_incar,
    first_stage,
    relax_incar,
    static_incar,
)
from ionface.workflows.study.protocols import LI_2024, LUO_2021
from ionface.workflows.study.vasp_settings import VaspSettings


def waves(**settings):
    return PlaneWaves(LI_2024, VaspSettings(**settings))


def sandwich(slab):
    told = {"part": "interface", "cell": slab.lattice.matrix.tolist(), "vacuum": 0.0}
    return with_context(slab, **told)


def test_dynamics_are_nve_under_no_circumstances(luo_2021, slab):
    incar = dynamics_incar(luo_2021, slab, DynamicsSettings())
    assert (incar["MDALGO"], incar["SMASS"], incar["IBRION"]) == (2, 0, 0)
    assert incar["TEBEG"] == incar["TEEND"] == 300.0
    heavier = PlaneWaves(LUO_2021, VaspSettings(incar={"SMASS": 1.5}))
    assert dynamics_incar(heavier, slab, DynamicsSettings())["SMASS"] == 1.5


def test_dynamics_follow_the_practice_of_the_paper(luo_2021, slab):
    incar = dynamics_incar(luo_2021, slab, DynamicsSettings(steps=10000))
    practice = {"ISYM": 0, "ISIF": 2, "PREC": "Normal", "LREAL": "Auto", "POTIM": 2.0}
    assert practice.items() <= incar.items()
    assert incar["NSW"] == 10000
    assert incar["ENCUT"] == 500.0


def test_hydrogen_at_two_femtoseconds_must_be_insisted_on(luo_2021):
    water = Structure(Lattice.cubic(5), ["H", "O"], [[0, 0, 0], [0.2, 0, 0]])
    with pytest.raises(IonfaceError, match=r"too long for hydrogen.*fast_hydrogen"):
        dynamics_incar(luo_2021, water, DynamicsSettings(timestep=2.0))
    assert dynamics_incar(luo_2021, water, DynamicsSettings(timestep=1.0))
    insisted = waves(fast_hydrogen=True)
    assert dynamics_incar(insisted, water, DynamicsSettings(timestep=2.0))


def test_a_thermostat_period_that_smass_0_does_not_have_is_refused(luo_2021, slab):
    with pytest.raises(IonfaceError, match="40 steps"):
        dynamics_incar(luo_2021, slab, DynamicsSettings(period=100.0))


def test_slabs_with_vacuum_get_the_dipole_correction_after_a_first_convergence(
    li_2024, in_ledger
):
    for incar in (
        relax_incar(li_2024, in_ledger, RelaxSettings()),
        static_incar(li_2024, in_ledger),
    ):
        assert (incar["IDIPOL"], incar["LDIPOL"]) == (3, True)
        assert len(incar["DIPOL"]) == 3
        first = first_stage(incar)
        assert not {"IDIPOL", "LDIPOL", "DIPOL"} & first.keys()
        assert (first["NSW"], first["LWAVE"]) == (0, True)
        same = first.keys() - {"NSW", "IBRION"}
        assert {k: first[k] for k in same} == {k: incar[k] for k in same}


def test_a_sandwich_never_gets_the_dipole_correction(li_2024, slab):
    incar = static_incar(li_2024, sandwich(slab))
    assert "LDIPOL" not in incar
    assert first_stage(incar) is None
    with pytest.raises(IonfaceError, match="on contradicts vacuum: 0"):
        static_incar(waves(dipole="on"), sandwich(slab))


def test_a_cluster_in_vacuum_gets_no_dipole_correction_of_slabs(cluster):
    for dipole in ("auto", "on"):
        assert "LDIPOL" not in static_incar(waves(dipole=dipole), cluster)


def test_the_dipole_correction_can_be_switched_off_and_is_never_in_dynamics(
    in_ledger, luo_2021
):
    assert "LDIPOL" not in static_incar(waves(dipole="off"), in_ledger)
    assert "LDIPOL" not in dynamics_incar(luo_2021, in_ledger, DynamicsSettings())


def test_the_user_has_the_last_word_where_the_study_says_nothing_else(in_ledger):
    chosen = waves(incar={"ISPIN": 2, "ENCUT": 600}, dispersion="D3(BJ)", ncore=4)
    incar = static_incar(chosen, in_ledger)
    assert (incar["ISPIN"], incar["ENCUT"], incar["IVDW"]) == (2, 600, 12)
    assert incar["NCORE"] == 4


def test_the_cell_stays_unless_asked_and_then_only_in_the_plane(in_ledger, li_2024):
    assert relax_incar(li_2024, in_ledger, RelaxSettings())["ISIF"] == 2
    for asked in (
        relax_incar(li_2024, in_ledger, RelaxSettings(cell="in-plane")),
        # as studies said it earlier
        relax_incar(waves(cell="in-plane"), in_ledger, RelaxSettings()),
    ):
        assert asked["ISIF"] == 3
        assert asked["LATTICE_CONSTRAINTS"] == [True, True, False]


def test_a_sandwich_may_relax_its_normal_or_all_of_its_cell(slab, li_2024):
    normal = relax_incar(li_2024, sandwich(slab), RelaxSettings(cell="normal"))
    assert normal["LATTICE_CONSTRAINTS"] == [False, False, True]
    whole = relax_incar(li_2024, sandwich(slab), RelaxSettings(cell="full"))
    assert whole["ISIF"] == 3
    assert "LATTICE_CONSTRAINTS" not in whole
    assert whole["ENCUT"] == normal["ENCUT"] == 480


def test_the_lattice_of_a_bulk_crystal_has_a_basis_without_pulay_stress(li_2024):
    crystal = Structure(Lattice.cubic(3.44), ["Li"], [[0, 0, 0]])
    incar = relax_incar(li_2024, crystal, RelaxSettings(cell="full"))
    assert (incar["ISIF"], incar["ENCUT"]) == (3, 624)


def test_separated_slabs_keep_the_cell_that_they_are_given(slab):
    told = {"part": "film", "cell": slab.lattice.matrix.tolist(), "vacuum": 20.0}
    film = with_context(slab, **told)
    assert relax_incar(waves(cell="in-plane"), film, RelaxSettings())["ISIF"] == 2


def test_a_cell_with_a_tilted_normal_cannot_keep_it(li_2024):
    tilted = Structure(Lattice([[3, 0, 0], [0, 3, 0], [1, 0, 25]]), ["Li"], [[0, 0, 0]])
    assert context(tilted).vacuum
    with pytest.raises(IonfaceError, match="along z"):
        relax_incar(li_2024, tilted, RelaxSettings(cell="in-plane"))


def test_a_sandwich_that_leans_relaxes_its_height_alone(li_2024):
    """Of the stress only zz is left, which moves z of the third vector alone."""
    leaning = Structure(Lattice([[3, 0, 0], [0, 3, 0], [1, 0, 9]]), ["Li"], [[0, 0, 0]])
    incar = relax_incar(li_2024, leaning, RelaxSettings(cell="normal"))
    assert incar["LATTICE_CONSTRAINTS"] == [False, False, True]
    out_of_plane = Structure(
        Lattice([[3, 0, 0.1], [0, 3, 0], [0, 0, 9]]), ["Li"], [[0, 0, 0]]
    )
    with pytest.raises(IonfaceError, match="the others across z"):
        relax_incar(li_2024, out_of_plane, RelaxSettings(cell="normal"))


def test_a_preparation_for_dynamics_takes_no_dipole_correction(li_2024, in_ledger):
    preparing = RelaxSettings(0.1, 50, must_converge=False, like_dynamics=True)
    assert "LDIPOL" not in relax_incar(li_2024, in_ledger, preparing)


def test_plane_waves_survive_the_store(in_ledger):
    from monty.json import MontyDecoder, MontyEncoder

    before = waves(incar={"ISPIN": 2}, k_spacing=0.2)
    text = MontyEncoder().encode(before)
    assert MontyDecoder().decode(text) == before


def test_a_u_brings_what_belongs_to_it_and_is_where_its_element_is():
    asked = waves(incar={"LDAUU": {"Ti": 4.2}, "MAGMOM": {"Ti": 1}})
    oxide = Structure(Lattice.cubic(4), ["O", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    lithium = Structure(Lattice.cubic(4), ["Li"], [[0, 0, 0]])
    incar = static_incar(asked, oxide)
    assert incar["LDAUU"] == {"O": 0.0, "Ti": 4.2}
    assert incar["LDAUL"] == {"O": -1, "Ti": 2}
    assert incar["MAGMOM"] == {"O": 0.0, "Ti": 1.0}
    shared = {"ISPIN": 2, "LASPH": True, "LMAXMIX": 4}
    assert {"LDAU": True, "LDAUTYPE": 2, **shared}.items() <= incar.items()
    bare = static_incar(asked, lithium)
    assert not [key for key in bare if key.startswith("LDAU")]
    assert shared.items() <= bare.items()


def test_a_study_may_choose_the_shell_and_what_goes_with_it():
    asked = waves(incar={"LDAUU": {"In": 7}, "LDAUL": {"In": 2}, "LASPH": False})
    metal = Structure(Lattice.cubic(4), ["In"], [[0, 0, 0]])
    incar = static_incar(asked, metal)
    assert (incar["LDAUL"], incar["LASPH"]) == ({"In": 2}, False)
    assert static_incar(waves(incar={"LDAUU": {"Ce": 4}}), metal)["LMAXMIX"] == 6


@pytest.mark.parametrize(
    ("height", "species", "sloshes"),
    [(60, ["Li"], True), (40, ["Li"], False), (60, ["O"], False)],
)
def test_charge_is_mixed_gently_in_long_cells_with_a_metal(
    luo_2021, height, species, sloshes
):
    cell = Structure(Lattice.orthorhombic(4, 4, height), species, [[0, 0, 0]])
    for incar in (
        static_incar(luo_2021, cell),
        dynamics_incar(luo_2021, cell, DynamicsSettings()),
    ):
        assert ("AMIN" in incar, "BMIX" in incar) == (sloshes, sloshes)


def test_a_metal_in_the_interface_makes_the_mesh_of_all_its_terms_finer(li_2024, slab):
    told = {"part": "film", "cell": slab.lattice.matrix.tolist(), "vacuum": 20.0}
    insulator = context(with_context(slab, **told, metal=False))
    metal = context(with_context(slab, **told, metal=True))
    assert (li_2024.k_spacing(insulator), li_2024.k_spacing(metal)) == (0.28, 0.2)
    chosen = waves(k_spacing=0.5)
    assert chosen.k_spacing(metal) == chosen.k_spacing(insulator) == 0.5


def test_single_points_keep_what_is_asked_for(li_2024, slab):
    asked = waves(keep=("potential", "charge", "dos"))
    kept = {"LVHAR": True, "LCHARG": True, "LAECHG": True, "LORBIT": 11}
    assert kept.items() <= static_incar(asked, slab).items()
    assert not {"LVHAR", "LORBIT"} & relax_incar(asked, slab, RelaxSettings()).keys()
    assert not {"LVHAR", "LORBIT"} & static_incar(li_2024, slab).keys()
