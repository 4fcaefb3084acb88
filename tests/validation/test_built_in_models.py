"""Every interface of every built-in study: built, whole, neutral, drawn."""

import pytest

from ionface.structures.drawing import draw_model
from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.workflows.study.study_files import builtin_names, load

EVERY = [
    pytest.param(spec, id=f"{name} {spec.name}")
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


def test_the_papers_interfaces_are_all_there():
    names = {spec.name for name in builtin_names() for spec in load(name).interfaces}
    assert names >= {
        "Li|P-DOL", "LAGP|Li", "LAGP|P-DOL", "LPSCl|In", "LPSCl|Li", "LPSCl|LiIn",
        "LATP|Li", "LATP|GaInSn", "LGPS|Li", "LGPS|LiAlO2", "LiAlO2|Li", "Li|LiZn",
        "LiZn|PEO",
    }  # fmt: skip
