"""What of a VASP run makes its energy another one, and what does not."""

from xml.etree import ElementTree as ET

import pytest

from ionface.analysis.energies.ledger import book, infer_terms
from ionface.analysis.readers.vasp_terms import vasp_directory_term
from ionface.analysis.readers.vasprun_settings import _k_points
from ionface.errors import LedgerError


@pytest.fixture
def run(vasp_folder):
    return vasp_folder


@pytest.fixture
def booked(run):
    """Book an interface HF and its slabs; each argument changes one of the three."""

    def of(interface=None, left=None, right=None):
        folders = [
            run("both", **{"atoms": "HF", "steps": [(-9.0, 0.0)], **(interface or {})}),
            run("left", **{"atoms": "H", "steps": [(-4.0, 0.0)], **(left or {})}),
            run("right", **{"atoms": "F", "steps": [(-3.0, 0.0)], **(right or {})}),
        ]
        whole, slabs = infer_terms([vasp_directory_term(f) for f in folders])
        return book("H|F", whole, slabs)

    return of


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"LUSE_VDW": True}, "dispersion: 'nonlocal' against None"),
        ({"IVDW": 12}, r"dispersion: 'D3\(BJ\)' against None"),
        ({"LSORBIT": True}, "LSORBIT: 'True' against None"),
        ({"NUPDOWN": 2.0}, "NUPDOWN: '2.0' against None"),
        ({"EFIELD": 0.1}, "EFIELD: '0.1' against None"),
        ({"IDIPOL": 3}, "IDIPOL: '3' against None"),
        ({"LASPH": True}, "LASPH: 'True' against None"),
        ({"METAGGA": "SCAN"}, "functional: 'SCAN' against 'PBE'"),
        ({"LSOL": True}, "LSOL: 'True' against None"),
    ],
)
def test_what_changes_an_energy_must_be_equal(booked, given, told):
    with pytest.raises(LedgerError, match=f"different levels of theory .*{told}"):
        booked(interface={"given": given})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PSTRESS": 100.0}, r"is an enthalpy \(PSTRESS = 100 kB\)"),
        ({"ICHARG": 11}, r"is not self-consistent \(ICHARG = 11"),
        ({"ML_LMLFF": True}, "comes from machine-learned forces"),
        ({"IALGO": 3}, r"is not self-consistent \(ALGO = Eigenval\)"),
    ],
)
@pytest.mark.parametrize("of", ["interface", "left", "right"])
def test_a_term_that_is_no_ground_state_is_refused(booked, given, told, of):
    with pytest.raises(LedgerError, match=told):
        booked(**{of: {"given": given}})


@pytest.mark.parametrize("ibrion", [5, 6, 7, 8, 44])
def test_the_last_step_of_displaced_atoms_is_refused(booked, ibrion):
    with pytest.raises(LedgerError, match=f"IBRION = {ibrion}.*static calculation"):
        booked(left={"ibrion": ibrion})


def test_charge_is_what_the_valences_say(booked):
    valences = {"H": 1.0, "F": 7.0}
    with pytest.raises(LedgerError, match=r"charged by -1 e \(NELECT = 9\)"):
        booked(interface={"given": {"NELECT": 9.0}, "valences": valences})


def test_the_right_number_of_electrons_is_no_charge(booked):
    valences = {"H": 1.0, "F": 7.0}
    entry = booked(interface={"given": {"NELECT": 8.0}, "valences": valences})
    assert entry.formation.delta_e == pytest.approx(-1.75)


def test_a_correction_that_vasp_5_does_not_name_is_seen(booked):
    plain = {"added": 0.0}
    with pytest.raises(LedgerError, match="that the file does not name"):
        booked(interface={"added": -2.0}, left=plain, right=plain)


def test_corrections_of_any_size_are_one_level(booked):
    # a thick slab is bound by more dispersion than a thin one
    assert booked(
        interface={"added": -2.0}, left={"added": -0.4}, right={"added": -1.0}
    )


def hubbard(u, *, j=None, l=None, **more):  # noqa: E741
    shells = l or [2 if value else -1 for value in u]
    return {
        "given": {
            "LDAU": True, "LDAUTYPE": 2, "LDAUU": u, "LDAUJ": j or [0.0] * len(u),
            "LDAUL": shells, **more,
        }
    }  # fmt: skip


def test_u_goes_with_the_element_wherever_its_species_stands(booked):
    both = hubbard([0.0, 3.32])
    assert booked(both, None, hubbard([3.32]))
    assert booked({**both, "atoms": "HF"}, hubbard([0.0]), hubbard([3.32]))


def test_a_slab_without_the_element_needs_no_u(booked):
    entry = booked(hubbard([0.0, 3.32]), left=None, right=hubbard([3.32]))
    assert entry.level.by_element == {"H": "", "F": "U-J=3.32 l=2"}
    assert "PBE+U" in entry.level.label


@pytest.mark.parametrize(
    "slab",
    [None, hubbard([3.0]), hubbard([3.32], j=[1.0]), hubbard([3.32], l=[1])],
    ids=["no U", "another U", "another J", "another shell"],
)
def test_the_same_element_with_another_u_is_refused(booked, slab):
    with pytest.raises(LedgerError, match=r"F: 'U-J=3.32 l=2' against"):
        booked(hubbard([0.0, 3.32]), right=slab)


def test_the_same_numbers_on_another_element_are_refused(booked):
    slab = hubbard([3.32, 0.0]) | {"atoms": "HF", "steps": [(-9.0, 0.0)]}
    with pytest.raises(LedgerError, match=r"F: .*; H: "):
        booked(hubbard([0.0, 3.32]) | {"atoms": "HHFF"}, left=slab,
               right={"atoms": "HF"})  # fmt: skip


def test_dudarevs_energy_knows_the_difference_of_u_and_j_alone(booked):
    assert booked(hubbard([0.0, 4.0], j=[0.0, 1.0]), right=hubbard([3.0]))


def test_sandwiches_are_told_from_slabs_by_their_vacuum(booked):
    # the cell is 30 Å high: 24 Å of vacuum, and layers 15 Å apart
    assert booked({"heights": [0.0, 0.2]}).formation.n_interfaces == 1
    whole = {"heights": [i / 6 for i in range(6)], "atoms": "HHHFFF"}
    halves = {"left": {"atoms": "HHH"}, "right": {"atoms": "FFF"}}
    entry = booked(whole, **halves)
    assert entry.formation.n_interfaces == 2
    assert "2 interfaces: no vacuum (5.0 Å)" in entry.checks


def test_a_real_run_of_vasp_5_with_d3_shows_it(run):
    # -0.884 eV between the ionic and the electronic energy of a public D3(BJ) run
    term = vasp_directory_term(run(added=-0.884))
    assert term.level.dispersion is not None
    assert vasp_directory_term(run("plain", added=0.0)).level.dispersion is None


@pytest.mark.parametrize(("divisions", "same"), [("3 1 1", True), ("3 2 1", False)])
def test_odd_meshes_are_the_same_by_either_name(booked, divisions, same):
    named = {"mesh": ("Monkhorst-Pack", divisions)}
    other = {"mesh": ("Gamma", divisions)}
    if same:
        assert booked(named, other, other)
        return
    with pytest.raises(LedgerError, match="k_points: 'Monkhorst-Pack 3x2x1'"):
        booked(named, other, other)


def test_two_lists_of_as_many_k_points_are_two_levels():
    def of(*points):
        rows = "".join(f"<v>{point}</v>" for point in points)
        list_ = f"<kpoints><varray name='kpointlist'>{rows}</varray></kpoints>"
        return _k_points(ET.fromstring(list_))

    assert of("0 0 0", "0.5 0 0") == of("0 0 0", "0.5 0 0")
    assert of("0 0 0", "0.5 0 0") != of("0 0 0", "0.0 0.5 0")
    assert of("0 0 0", "0.5 0 0").startswith("list of 2 (")
