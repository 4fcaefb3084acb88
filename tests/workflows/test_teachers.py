"""What spot checks could not teach is told before one of them is computed."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows import learning_loop, teachers
from ionface.workflows.engines.ase.ase_engine import AseEngine
from ionface.workflows.engines.ase.potential import Potential
from ionface.workflows.engines.registry import engine
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.learn import Learning
from ionface.workflows.learning_loop import learning_flow
from ionface.workflows.study.study_files import parse
from ionface.workflows.teachers import check_teacher, teaching_notes

STUDY = """\
name: loop
engine: sevennet
lattice: literature
spot_checks: {engine: vasp}
interfaces:
  - name: Li|X
    film: {material: Li, miller: [1, 0, 0], layers: 2}
    substrate: {material: LiF, name: X, miller: [1, 0, 0], layers: 1}
"""
REFUSED = "loop: `ionface learn` would refuse its spot checks: the data mix "
OTHERS = [
    ("vasp: {dispersion: D3(BJ)}", "functionals: PBE .*, PBE with D3"),
    ("vasp: {incar: {METAGGA: R2SCAN}}", "functionals: PBE .*, R2SCAN"),
    ("vasp: {incar: {GGA: PS}}", "functionals: PBE .*, PBEsol"),
    ("vasp: {incar: {LDAUU: {Li: 3}}}", "settings of Li: no U .*, U-J=3 l=0"),
]


@pytest.fixture(autouse=True)
def potential(monkeypatch):
    """SevenNet-0 is there, whatever is installed, and knows Li and F."""
    made = AseEngine(
        Potential("sevennet", "x.Y", functional="PBE (raw)", elements=("F", "Li"))
    )

    def found(name):
        return made if name == "sevennet" else engine(name)

    monkeypatch.setattr(teachers, "find_engine", found)


def study(more="", **changed):
    text = STUDY + more
    for old, new in changed.items():
        text = text.replace(old, new)
    return parse(text, "loop.yaml")


def test_vasp_with_the_functional_of_the_stored_structures_may_teach():
    check_teacher(study(), "sevennet")
    assert teaching_notes(study()) == []


@pytest.mark.parametrize(("more", "said"), OTHERS)
def test_other_theory_is_refused_when_the_flow_is_made(monkeypatch, more, said):
    monkeypatch.setattr(learning_loop, "study_flow", lambda s: study_flow(
        parse(STUDY.replace("sevennet", "ase.calculators.lj.LennardJones"), "s")
    ))  # fmt: skip
    with pytest.raises(IonfaceError, match=REFUSED + said):
        learning_flow(study(more), settings=Learning(base="sevennet"))


@pytest.mark.parametrize(("more", "said"), OTHERS)
def test_other_theory_is_told_with_the_plan(more, said):
    (note,) = teaching_notes(study(more))
    assert note.startswith(REFUSED)


def test_gpaw_with_a_u_is_told_too():
    pytest.importorskip("gpaw")
    (note,) = teaching_notes(
        study("vasp: {incar: {LDAUU: {Li: 3}}}", **{"engine: vasp": "engine: gpaw"})
    )
    assert "settings of Li: no U" in note


def test_elements_that_the_potential_does_not_know_are_refused():
    with pytest.raises(IonfaceError, match="Cl"):
        check_teacher(study(LiF="LiCl"), "sevennet")


def test_nothing_is_said_of_a_study_that_could_not_teach_anyway():
    assert teaching_notes(study(vasp="ase.calculators.lj.LennardJones")) == []
    assert teaching_notes(study(sevennet="chgnet")) == []
