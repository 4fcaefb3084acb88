"""Ensembles of orderings: ranked by an engine, run as members, summed up."""

import pytest

from ionface.errors import IonfaceError
from ionface.structures.specs import CrystalLayer, Doping, Exchange, InterfaceSpec
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.ensembles import (
    available_orderings,
    disordered_side,
    member,
    member_names,
    with_rank,
)
from ionface.workflows.flows.jobs import BuiltInterface
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.study.study import Study

LPSCL = CrystalLayer(
    "Li6PS5Cl",
    (1, 0, 0),
    layers=2,
    name="LPSCl",
    doping=Exchange("S", "Cl", 0.5, orderings=3, ensemble=2, where="slab"),
)
INDIUM = CrystalLayer("In", (0, 0, 1), layers=2)
SPEC = InterfaceSpec("LPSCl|In", INDIUM, LPSCL, max_strain=0.02, max_area=120)


def test_the_side_with_an_ensemble_is_found():
    found = disordered_side(SPEC)
    assert (found.side, found.kind, found.members) == ("substrate", "doping", 2)
    assert member_names(SPEC) == ["LPSCl|In #1", "LPSCl|In #2"]


def test_without_an_ensemble_an_interface_is_itself():
    from dataclasses import replace

    plain = replace(SPEC, substrate=replace(LPSCL, doping=None))
    assert disordered_side(plain) is None
    assert member_names(plain) == ["LPSCl|In"]


def test_two_ensembles_are_refused():
    from dataclasses import replace

    both = replace(SPEC, film=LPSCL)
    with pytest.raises(IonfaceError, match="film doping and substrate doping both"):
        disordered_side(both)


def test_more_members_than_orderings_are_refused():
    from dataclasses import replace

    doping = Doping("Al", "Ge", 0.5, orderings=3, ensemble=4)
    wrong = replace(SPEC, substrate=replace(LPSCL, doping=doping))
    with pytest.raises(IonfaceError, match="ensemble=4 of only 3 orderings"):
        disordered_side(wrong)


def test_members_are_those_that_the_engine_finds_lowest():
    where = disordered_side(SPEC)
    number = available_orderings(SPEC, where)
    assert number == 3
    built = [
        BuiltInterface.of(_model(with_rank(SPEC, where, rank)))
        for rank in range(number)
    ]
    energies = [-1.0, -3.0, -2.0]
    relaxed = [
        RunRecord(b.substrate, e, 0.0, True, 1, {}, "") for b, e in
        zip(built, energies, strict=True)
    ]  # fmt: skip
    first = member.original(built, relaxed, 0, "LPSCl|In #1").model
    second = member.original(built, relaxed, 1, "LPSCl|In #2").model
    assert first.name == "LPSCl|In #1"
    assert list(first.structure) == list(built[1].model.structure)
    assert list(second.structure) == list(built[2].model.structure)
    assert first.provenance["ensemble"]["ewald_rank"] == 1
    assert second.provenance["ensemble"]["relative_energy"] == pytest.approx(1.0)


def _model(spec):
    from ionface.structures.interface import build_interface

    return build_interface(spec)


def test_every_member_goes_through_the_formation_flow():
    study = Study(
        "s", (SPEC,), engine="ase.calculators.lj.LennardJones", lattice="literature"
    )
    names = [job.name for job, _ in study_flow(study).iterflow()]
    assert sum(name.endswith("ledger") for name in names) == 2
    assert "LPSCl|In #1 relax interface" in names
    assert "LPSCl|In #2 static film" in names
    assert sum("relax ordering" in name for name in names) == 3
