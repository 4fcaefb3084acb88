"""Every interface of every built-in study: built, whole, neutral, drawn."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.structures.drawing import draw_model
from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.structures.specs import FilmLayer
from ionface.workflows.study.analyses import bond_rules_of
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import builtin_names, load

EVERY = [
    pytest.param(
        spec,
        id=f"{name} {spec.name}",
        marks=[pytest.mark.slow] if isinstance(spec.film, FilmLayer) else [],
    )
    for name in builtin_names()
    for spec in load(name).interfaces
]


@pytest.mark.parametrize("spec", EVERY)
def test_a_built_in_interface_is_whole(spec):
    model = build_interface(spec)
    assert len(model.structure) < 400
    assert model.max_strain <= spec.max_strain + 1e-9
    distance, _, _ = model.shortest_distance()
    assert 1.8 < distance < 4.0
    symbols = [site.specie.symbol for site in model.structure]
    if "P" in symbols:
        found = count_groups(model.structure)
        centers = found.get("PO4", 0) + found.get("PS4", 0)
        assert centers == symbols.count("P")
    first, second, _, _ = model.structure.get_neighbor_list(1.9)
    bonded = {
        tuple(sorted((symbols[i], symbols[j])))
        for i, j in zip(first, second, strict=True)
    }
    # nothing but real bonds is as short as that
    assert bonded <= {("C", "C"), ("C", "H"), ("C", "O"), ("O", "P"), ("H", "H"),
                      ("Al", "O"), ("H", "O"), ("O", "Ti"), ("Ge", "O"),
                      ("Li", "O")}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("spec", EVERY)
def test_a_built_in_interface_is_drawn(spec, tmp_path):
    draw_model(build_interface(spec), tmp_path / "model.png")
    assert (tmp_path / "model.png").stat().st_size > 20_000


@pytest.mark.parametrize("quick", [False, True], ids=["whole", "quick"])
def test_both_faces_of_latp_end_in_lithium_and_have_no_dipole(quick):
    study = quickened(load("latp-alloy")) if quick else load("latp-alloy")
    first, second = study.interfaces
    assert first.lower == second.lower
    model = build_interface(first)
    slab = model.separated()["LATP"]
    heights = slab.cart_coords[:, 2]
    for face in (heights.min(), heights.max()):
        outer = np.flatnonzero(np.abs(heights - face) < 0.3)
        assert [slab[i].specie.symbol for i in outer] == ["Li"]
    assert not any("polar" in note for note in model.notes())


def test_the_papers_interfaces_are_all_there():
    names = {spec.name for name in builtin_names() for spec in load(name).interfaces}
    assert names >= {
        "Li|P-DOL", "LAGP|Li", "LAGP|P-DOL", "LPSCl|In", "LPSCl|Li", "LPSCl|LiIn",
        "LATP|Li", "LATP|GaInSn", "LGPS|Li", "LGPS|LiAlO2", "LiAlO2|Li", "Li|LiZn",
        "LiZn|PEO",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("indium", "lpscl"),
    [
        ("literature", "literature"),
        pytest.param({"a": 3.401, "c": 4.807}, {"a": 10.255}, marks=pytest.mark.slow),
        pytest.param({"a": 3.317, "c": 5.033}, {"a": 10.283}, marks=pytest.mark.slow),
    ],
    ids=["published", "CHGNet's", "SevenNet's"],
)
def test_the_dynamics_on_indium_start_before_any_bond(indium, lpscl):
    study = load("lpscl-in")
    (run,), (spec,) = study.dynamics, study.interfaces
    assert run.prerelax == 0
    film = replace(spec.film, lattice=indium)
    substrate = replace(spec.substrate, lattice=lpscl)
    model = build_interface(replace(spec, film=film, substrate=substrate)).structure
    assert len(model) > 250
    for pair in ("In-S", "In-Cl"):
        first, second = (model.indices_from_symbol(s) for s in pair.split("-"))
        shortest = model.distance_matrix[np.ix_(first, second)].min()
        assert shortest > bond_rules_of(run)[pair].form
