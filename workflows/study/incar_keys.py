"""INCAR keys of a study: known to VASP, set nowhere else, fit for every cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from ionface.errors import IonfaceError

MANAGED = {
    "NSW": "relaxation.steps or dynamics.steps",
    "IBRION": "the kind of job",
    "ISIF": "the interface's cell",
    "LATTICE_CONSTRAINTS": "the interface's cell",
    "EDIFFG": "relaxation.fmax",
    "POTIM": "dynamics.timestep",
    "TEBEG": "dynamics.temperature",
    "TEEND": "dynamics.temperature",
    "MDALGO": "the engine: 2, a Nosé-Hoover thermostat",
    "NBLOCK": "the engine: every step is kept, dynamics.stride thins",
    "IDIPOL": "vasp.dipole",
    "LDIPOL": "vasp.dipole",
    "DIPOL": "vasp.dipole",
    "KSPACING": "vasp.k_spacing",
    "KGAMMA": "the engine: meshes are centered on Γ",
    "IVDW": "vasp.dispersion",
    "NCORE": "vasp.ncore",
    "NPAR": "vasp.ncore",
    "KPAR": "vasp.kpar",
    "ISTART": "the engine, which resumes runs",
    "ICHARG": "the engine, which resumes runs",
    "LWAVE": "the engine, which resumes runs",
    "ML_LMLFF": "none: machine-learned steps are not first principles",
    "NELECT": "none: the terms of a ledger are neutral",
    "PSTRESS": "none: the terms of a ledger are energies, no enthalpies",
}
"""Keys that a study sets elsewhere, and where."""

EXAMPLES = {
    "LDAUU": "{Ti: 4.2}",
    "LDAUJ": "{Ti: 0}",
    "LDAUL": "{Ti: 2}",
    "MAGMOM": "{Ti: 1}",
}
"""Keys that go by element, each with a form in which it can be given."""

POSITIVE = ("ENCUT", "ENAUG", "EDIFF", "NELM", "NBANDS", "SIGMA")
"""Keys whose number must be above 0."""

BY_SPECIES = ("ROPT", "RWIGS", "POMASS", "ZVAL", "VDW_C6", "VDW_R0", "VDW_ALPHA")
"""Lists by species for which there is no form by element."""


class SettingsError(IonfaceError, ValueError):
    """A setting that contradicts itself; in a study file it is told with its line."""


def checked_incar(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return INCAR keys in capitals, those that go by element as {element: number}.

    Raises:
        SettingsError: names the key, the rule and the way out.
    """
    incar = {key.upper(): value for key, value in given.items()}
    for key, value in incar.items():
        if key in MANAGED:
            raise SettingsError(
                f"vasp.incar: {key} is set by {MANAGED[key]}; two values would "
                "contradict each other, so remove it here"
            )
        if key in EXAMPLES:
            incar[key] = _by_element(key, value)
        else:
            _check_value(key, value)
    _check_spin(incar)
    if float(incar.get("SMASS", 0)) < 0:
        raise SettingsError(
            f"vasp.incar: SMASS = {incar['SMASS']} is no Nosé thermostat (-3 is NVE, "
            "-1 scales velocities); leave it at 0, or give a mass above 0"
        )
    return incar


def _by_element(key: str, value: Any) -> dict[str, float]:
    """Return numbers by element; pymatgen's form {anion: {element: number}} is taken.

    Raises:
        SettingsError: it is no mapping of elements to numbers.
    """
    from ase.data import atomic_numbers  # only studies with such keys pay for it

    flat: dict[str, Any] = {}
    for element, number in _numbers(value):
        if flat.setdefault(element, number) != number:
            raise SettingsError(
                f"vasp.incar: {key} is {flat[element]} and {number} for {element}; the "
                "terms of a ledger need one value for an element"
            )
    for element, number in flat.items():
        if element not in atomic_numbers or not _is_number(number):
            raise SettingsError(
                f"vasp.incar: {key}: {value!r} must name elements, since the order of "
                f"species differs between the terms of a ledger; as in {key}: "
                f"{EXAMPLES[key]}"
            )
    kind = int if key == "LDAUL" else float
    return {element: kind(number) for element, number in flat.items()}


def _numbers(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield element and number, also of nested mappings; "" where none is named."""
    if not isinstance(value, Mapping):
        yield "", value
        return
    for name, number in value.items():
        if isinstance(number, Mapping):
            yield from number.items()
        else:
            yield name, number


def _check_spin(incar: Mapping[str, Any]) -> None:
    if str(incar.get("ISPIN", 2)) == "1":
        for key in incar.keys() & {"MAGMOM", "LDAUU"}:
            raise SettingsError(
                f"vasp.incar: {key} contradicts ISPIN = 1; leave ISPIN out, which is 2 "
                f"with {key}"
            )
    if "LDAUU" in incar:
        return
    for key in incar:
        if key.startswith("LDAU"):
            raise SettingsError(
                f"vasp.incar: {key} without LDAUU does nothing; name the elements that "
                f"have a U, as in LDAUU: {EXAMPLES['LDAUU']}"
            )


def _check_value(key: str, value: Any) -> None:
    """Refuse a key that is a slip of the pen, and a value that VASP does not know."""
    if key in BY_SPECIES:
        raise SettingsError(
            f"vasp.incar: {key} lists species, whose order differs between the terms "
            "of a ledger; leave it out"
        )
    known = _incar_keys()
    if key not in known:
        # VASP has more keys than any list; one that is nearly another's name is a slip
        if close := get_close_matches(key, known, n=1, cutoff=0.85):
            raise SettingsError(
                f"vasp.incar: {key} is no key of VASP; did you mean {close[0]!r}?"
            )
        return
    kind, values = known[key].get("type"), known[key].get("values")
    if kind in ("int", "float") and not _is_number(value):
        raise SettingsError(
            f"vasp.incar: {key}: {value!r} is not the number that VASP expects"
        )
    if key in POSITIVE and not float(value) > 0:
        raise SettingsError(
            f"vasp.incar: {key}: {value!r} must be above 0; leave it out for the "
            "protocol's, or the engine's own"
        )
    if kind == "int" and values and float(value) not in values:
        raise SettingsError(
            f"vasp.incar: {key}: {value!r} is none of the values that VASP knows: "
            f"{', '.join(map(str, sorted(values)))}"
        )


@cache
def _incar_keys() -> dict[str, dict[str, Any]]:
    """Return the INCAR keys that pymatgen lists, with their types and values."""
    listed = files("pymatgen.io.vasp") / "incar_parameters.json"
    keys: dict[str, dict[str, Any]] = json.loads(listed.read_text())
    return keys


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
