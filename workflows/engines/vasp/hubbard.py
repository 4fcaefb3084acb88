"""INCAR keys that go by element: U, J and shell of DFT+U, and starting moments.

A study names elements: the order of species differs between the terms of a ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pymatgen.core import Element

SHELLS = {"s": 0, "p": 1, "d": 2, "f": 3}


def hubbard_keys(incar: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a U or a starting moment brings with it, in all terms of a ledger.

    With U: Dudarev's form, spin polarization, aspherical terms within the spheres, and
    mixing up to the shell that has it. A study's own keys replace these.

    Args:
        incar: of the study, its keys by element.
    """
    if "LDAUU" not in incar:
        return {"ISPIN": 2} if "MAGMOM" in incar else {}
    blocks = {element: SHELLS[Element(element).block] for element in incar["LDAUU"]}
    shells = {**blocks, **incar.get("LDAUL", {})}
    highest = max(shells.values(), default=2)
    return {
        "LDAU": True,
        "LDAUTYPE": 2,
        "LDAUJ": {},
        "LDAUL": shells,
        "LMAXMIX": 6 if highest == 3 else 4,
        "LASPH": True,
        "ISPIN": 2,
    }


def hubbard_told(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return U and shell of each element that has one, in a level of theory's words.

    Args:
        keys: of `hubbard_keys` and the study's own.
    """
    less, shells = keys.get("LDAUJ", {}), keys.get("LDAUL", {})
    return {
        element: f"U-J={u - less.get(element, 0.0):g} l={shells[element]}"
        for element, u in keys.get("LDAUU", {}).items()
        if u != less.get(element, 0.0)
    }


def by_element(incar: Mapping[str, Any], elements: Collection[str]) -> dict[str, Any]:
    """Return an INCAR that names every element of a cell, as pymatgen expands it.

    Where no element of the cell has a U nothing is left of DFT+U. An element that the
    study gives no moment starts without one.

    Args:
        incar: its keys by element may name others, or not all.
        elements: of the cell.
    """
    keys = dict(incar)
    others = {"LDAUU": 0.0, "LDAUJ": 0.0, "LDAUL": -1, "MAGMOM": 0.0}
    for name in others.keys() & keys.keys():
        own = keys[name]
        keys[name] = {symbol: own.get(symbol, others[name]) for symbol in elements}
    if not keys.get("LDAU") or not any(keys.get("LDAUU", {}).values()):
        keys = {k: value for k, value in keys.items() if not k.startswith("LDAU")}
    return keys
