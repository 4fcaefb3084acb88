"""The driving force of an interface from phases that stand beside it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.workflows.projects.phases import findings
from ionface.workflows.study.study_files import parse

SEVENNET = Path(__file__).parents[2] / "data" / "phases_sevennet0.json"
STUDY = """
name: lpscl-in
interfaces:
  - name: LPSCl|In
    film: {{material: {film}, miller: [0, 0, 1], layers: 3}}
    substrate: {{name: LPSCl, material: Li6PS5Cl, miller: [1, 0, 0], layers: 2}}
phases: {{elements: {elements}, contacts: {contacts}}}
"""


@pytest.fixture(scope="module")
def phases():
    return PhaseSet.from_dict(json.loads(SEVENNET.read_text()))


def found(phases, film="In", elements="[Li, P, S, Cl, In]", contacts="[]"):
    text = STUDY.format(film=film, elements=elements, contacts=contacts)
    study = parse(text, "study")
    return {(kind, name): told for kind, name, told in findings(study, phases)}


def test_an_interface_has_the_driving_force_of_its_phases(phases):
    contacts = found(phases)["contact", "LPSCl|In"]
    assert isinstance(contacts, Contacts)
    (contact,) = contacts.contacts
    assert contact.between == ("Li6PS5Cl", "In")
    assert contact.driving_force == pytest.approx(-0.178, abs=0.002)


def test_a_contact_that_is_the_interfaces_own_is_told_once(phases):
    alone = found(phases, contacts='["Li6PS5Cl:In"]')
    assert [name for kind, name in alone if kind == "contact"] == ["LPSCl|In"]
    assert "Li6PS5Cl" in {
        name for _, name in found(phases, film="Zn", contacts='["Li6PS5Cl:In"]')
    }
    compared = found(phases, contacts='["Li6PS5Cl:In", "Li6PS5Cl:LiIn"]')
    assert len(compared["contact", "Li6PS5Cl"].contacts) == 2


def test_interfaces_of_the_same_two_phases_have_it_each(phases):
    study = parse(
        STUDY.format(film="In", elements="[Li, P, S, Cl, In]", contacts="[]"), "study"
    )
    (one,) = study.interfaces
    both = replace(study, interfaces=(one, replace(one, name="another")))
    told = [name for kind, name, _ in findings(both, phases) if kind == "contact"]
    assert told == ["LPSCl|In", "another"]


def test_a_film_that_is_no_phase_of_the_system_has_none(phases):
    assert ("contact", "LPSCl|In") not in found(phases, film="Zn")
    assert ("contact", "LPSCl|In") not in found(phases, elements="[Li, P, S, Cl]")


def test_a_hull_that_cannot_be_had_says_why(phases):
    told = found(phases, elements="[Li, N]")["hull", "Li-N"]
    assert "no reference for N" in told
