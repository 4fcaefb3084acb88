"""Double bonds of fragments that are joined: their cis or trans is carried over.

RDKit's molzip merges the bond directions of the fragments in an order that changes from
call to call and drops those that disagree. Here the sense of each double bond is read
before the joining, as cis or trans to two named neighbors, and set after it.
"""

from __future__ import annotations

from typing import Any

MARK = "ionface_atom"


def zipped(fragments: Any) -> Any:
    """Return the molecule joined at its open ends of equal number, stereo kept.

    Args:
        fragments: RDKit molecule of all fragments, each joint as two atoms [*:k].
    """
    from rdkit import Chem

    open_side = _partners(fragments)
    senses = [_sense(b, open_side) for b in fragments.GetBonds() if _is_sensed(b)]
    for atom in fragments.GetAtoms():
        atom.SetIntProp(MARK, atom.GetIdx())
    for bond in fragments.GetBonds():
        bond.SetBondDir(Chem.BondDir.NONE)
        bond.SetStereo(Chem.BondStereo.STEREONONE)
    whole = Chem.molzip(fragments)
    place = {atom.GetIntProp(MARK): atom.GetIdx() for atom in whole.GetAtoms()}
    for (begin, end), references, trans in senses:
        bond = whole.GetBondBetweenAtoms(place[begin], place[end])
        bond.SetStereoAtoms(*(place[atom] for atom in references))
        kind = Chem.BondStereo
        bond.SetStereo(kind.STEREOTRANS if trans else kind.STEREOCIS)
    for atom in whole.GetAtoms():
        atom.ClearProp(MARK)
    return whole


def _partners(fragments: Any) -> dict[int, int]:
    """Return, for every open end, the atom that will take its place."""
    ends: dict[int, list[Any]] = {}
    for atom in fragments.GetAtoms():
        if atom.GetAtomicNum() == 0:
            ends.setdefault(atom.GetAtomMapNum(), []).append(atom)
    partners = {}
    for one, other in ends.values():
        partners[one.GetIdx()] = other.GetNeighbors()[0].GetIdx()
        partners[other.GetIdx()] = one.GetNeighbors()[0].GetIdx()
    return partners


def _is_sensed(bond: Any) -> bool:
    return len(bond.GetStereoAtoms()) == 2 and str(bond.GetStereo()) in (
        "STEREOE",
        "STEREOZ",
        "STEREOTRANS",
        "STEREOCIS",
    )


def _sense(
    bond: Any, partners: dict[int, int]
) -> tuple[tuple[int, int], list[int], bool]:
    """Return the bond's atoms, the neighbors it is sensed by, and whether trans."""
    references = [partners.get(atom, atom) for atom in bond.GetStereoAtoms()]
    atoms = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    return atoms, references, str(bond.GetStereo()) in ("STEREOE", "STEREOTRANS")
