"""Chains as SMILES: repeat units joined, ends closed, stereo centers settled.

`whole_chain(smiles, units, ends)` is what layers use: it takes a whole molecule as it
is and joins repeat units where a number of them is given.

RDKit's molzip merges the bond directions of the fragments in an order that changes from
call to call and drops those that disagree. Here the sense of each double bond is read
before the joining, as cis or trans to two named neighbors, and set after it.
"""

from __future__ import annotations

from typing import Any

from ionface.errors import StructureError

MOST_UNITS = 200  # against typing errors: conformers of longer chains take long
EXAMPLES = '"[*]OCOCC[*]" (P-DOL) or "[*]CCO[*]" (PEO)'
UNSTABLE = {
    "N",
    "O",
    "F",
    "Cl",
    "Br",
    "I",
}  # two of them bonded: peroxides and the like
MARK = "ionface_atom"


def whole_chain(smiles: str, units: int | None, ends: tuple[str, str]) -> str:
    """Return the SMILES of a whole molecule.

    Args:
        smiles: of the molecule, or of the repeat unit with two open ends [*].
        units: number of repeat units; None where `smiles` is the whole molecule.
        ends: as in `chain`; used with `units` only.

    Raises:
        StructureError: open ends without units, or units without open ends.
    """
    if units is not None:
        return chain(smiles, units, ends)
    if "*" in smiles:
        raise StructureError(
            f"{smiles!r} has open ends: it must be one whole molecule; say how many "
            "repeat units the chain has with units, as in units=4"
        )
    return smiles


def chain(repeat: str, units: int, ends: tuple[str, str] = ("C", "C")) -> str:
    """Return the canonical SMILES of a chain of repeat units joined head to tail.

    Stereo centers keep their sense; those left open in the repeat unit stay open.

    Args:
        repeat: SMILES with two open ends, the head first, as in "[*]CCO[*]".
        units: how many, 1 to 200.
        ends: SMILES of the groups on the head and on the tail. The first atom is the
            one bonded to the chain, or the one at "[*]" if the group has it; "[H]" is
            a hydrogen atom.

    Raises:
        StructureError: not two open ends on single bonds, a unit or end that is no
            SMILES, or a joint of two heteroatoms such as O-O.
    """
    from rdkit import Chem

    if isinstance(units, bool) or not isinstance(units, int):
        raise StructureError(f"units={units!r} must be a whole number")
    if not 1 <= units <= MOST_UNITS:
        raise StructureError(f"units={units} must lie between 1 and {MOST_UNITS}")
    parts = [_end(ends[0], 1)]
    parts += [_labeled(repeat, (i + 1, i + 2)) for i in range(units)]
    parts.append(_end(ends[1], units + 1))
    joined = parts[0]
    for part in parts[1:]:
        joined = Chem.CombineMols(joined, part)
    _check_joints(joined, repeat, ends)
    whole = Chem.RemoveHs(zipped(joined))
    Chem.SanitizeMol(whole)
    return str(Chem.MolToSmiles(whole))


def _parsed(smiles: str, what: str) -> Any:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise StructureError(
            f"{what} {smiles!r} is not a SMILES that RDKit can read; examples of a "
            f"repeat unit are {EXAMPLES}"
        )
    return molecule


def _open_ends(molecule: Any) -> list[Any]:
    return [atom for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0]


def _labeled(repeat: str, labels: tuple[int, int]) -> Any:
    """Return the repeat unit with its open ends numbered by the joint they go to."""
    from rdkit import Chem

    molecule = _parsed(repeat, "repeat unit")
    opened = _open_ends(molecule)
    singles = [
        atom.GetDegree() == 1
        and atom.GetBonds()[0].GetBondType() == Chem.BondType.SINGLE
        for atom in opened
    ]
    if len(opened) != 2 or not all(singles) or molecule.GetNumAtoms() < 3:
        raise StructureError(
            f"repeat unit {repeat!r} has {len(opened)} open ends; it needs two, [*], "
            f"each on a single bond, as in {EXAMPLES}"
        )
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise StructureError(f"repeat unit {repeat!r} must be one piece: no '.'")
    for atom, label in zip(opened, labels, strict=True):
        atom.SetAtomMapNum(label)
    return molecule


def _end(smiles: str, label: int) -> Any:
    """Return an end group with one open end of that number."""
    from rdkit import Chem

    molecule = Chem.RWMol(_parsed(smiles, "end group"))
    opened = _open_ends(molecule)
    if not opened:
        first = molecule.GetAtomWithIdx(0)
        if first.GetTotalNumHs() == 0 and first.GetAtomicNum() != 1:
            raise StructureError(
                f"end group {smiles!r}: its first atom, {first.GetSymbol()}, has no "
                "hydrogen to give away; mark the bonded atom with [*], as in [*]OC"
            )
        if first.GetNoImplicit() and first.GetNumExplicitHs():
            first.SetNumExplicitHs(first.GetNumExplicitHs() - 1)
        index = molecule.AddAtom(Chem.Atom(0))
        molecule.AddBond(0, index, Chem.BondType.SINGLE)
        opened = [molecule.GetAtomWithIdx(index)]
    if len(opened) > 1:
        raise StructureError(
            f"end group {smiles!r} has {len(opened)} open ends; it needs one, or none "
            "if its first atom is bonded to the chain"
        )
    opened[0].SetAtomMapNum(label)
    Chem.SanitizeMol(molecule)
    return molecule.GetMol()


def _check_joints(joined: Any, repeat: str, ends: tuple[str, str]) -> None:
    sides: dict[int, list[str]] = {}
    for atom in _open_ends(joined):
        neighbor = atom.GetNeighbors()[0].GetSymbol()
        sides.setdefault(atom.GetAtomMapNum(), []).append(neighbor)
    for pair in sides.values():
        if set(pair) <= UNSTABLE:
            raise StructureError(
                f"repeat unit {repeat!r} with ends {ends}: joining makes a bond "
                f"{'-'.join(pair)}; write the unit so that one side of each joint is "
                "carbon, as in [*]CCO[*] instead of [*]OCCO[*]"
            )


def with_stereo(smiles: str, seed: int = 0) -> tuple[str, int]:
    """Return a molecule with every stereo center and double bond settled.

    What the SMILES leaves open is chosen at random (an atactic chain); what it states
    is kept.

    Args:
        smiles: of a whole molecule.
        seed: of the choice.

    Returns:
        The isomeric SMILES, and how many centers or double bonds were chosen.

    Raises:
        StructureError: no isomer that exists in space was found.
    """
    from rdkit.Chem import EnumerateStereoisomers as Isomers

    molecule = _parsed(smiles, "molecule")
    chosen = _undefined(molecule)
    if not chosen:
        return smiles, 0
    from rdkit import Chem

    options: Any = Isomers.StereoEnumerationOptions
    enumerate_isomers: Any = Isomers.EnumerateStereoisomers
    settings = options(maxIsomers=1, rand=seed, tryEmbedding=True)
    isomer = next(iter(enumerate_isomers(molecule, settings)), None)
    if isomer is None:
        raise StructureError(
            f"{smiles!r}: no stereo isomer can be built; state its centers with @"
        )
    return str(Chem.MolToSmiles(isomer)), chosen


def _undefined(molecule: Any) -> int:
    from rdkit import Chem

    unspecified = Chem.StereoSpecified.Unspecified
    centers = Chem.FindPotentialStereo(molecule)
    return sum(info.specified == unspecified for info in centers)


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
