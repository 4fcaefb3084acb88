"""The level of theory of a VASP run, and whether its energy is that of a ground state.

Both come from the tags as VASP used them and from the titles of the pseudopotentials,
never from their content. What goes by species (U, J, l) is told by element, since the
lists of a run follow the order of its own POSCAR.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.emulation_mark import emulated_model, marked_model
from ionface.analysis.readers.run_metadata import Neighbors
from ionface.analysis.readers.vasprun_settings import VaspSettings

_FUNCTIONALS = {"PE": "PBE", "PS": "PBEsol", "RP": "RPBE", "91": "PW91", "AM": "AM05"}
_SMEARINGS = {-5: "tetrahedron", -1: "Fermi", 0: "Gaussian"}
_PRECISIONS = {"a": "Accurate", "n": "Normal", "s": "Single", "l": "Low", "m": "Medium"}
_DISPERSIONS = {
    10: "D2", 1: "D2", 11: "D3", 12: "D3(BJ)", 13: "D4", 2: "TS", 20: "TS",
    21: "TS/HI", 202: "MBD", 263: "MBD/FI", 4: "dDsC",
}  # fmt: skip

ALWAYS = ("PREC", "LREAL", "ISPIN")
DEFAULTS: Mapping[str, Any] = {
    "LASPH": False, "ADDGRID": False, "LSORBIT": False, "LNONCOLLINEAR": False,
    "SAXIS": None, "NUPDOWN": -1.0, "I_CONSTRAINED_M": 0,
    "LDIPOL": False, "IDIPOL": 0, "EFIELD": 0.0, "LMONO": False,
    "LSOL": False, "EB_K": None, "TAU": None, "LAMBDA_D_K": None,
    "GGA_COMPAT": True, "VOSKOWN": 0, "LIBXC1": None, "LIBXC2": None, "CMBJ": None,
    "AGGAX": None, "AGGAC": None, "ALDAC": None, "LTHOMAS": False, "PRECFOCK": None,
    "PARAM1": None, "PARAM2": None, "PARAM3": None,
    "ENAUG": None, "NGX": None, "NGY": None, "NGZ": None,
}  # fmt: skip
"""Tags that change an energy, with VASP's default. Where that depends on other tags
(None) only what the INCAR says counts."""

NONLOCAL = (
    "ZAB_VDW", "PARAM1", "PARAM2", "PARAM3", "BPARAM", "CPARAM", "IVDW_NL",
    "LSPIN_VDW", "ALPHA_VDW", "GAMMA_VDW",
)  # fmt: skip
"""Parameters of nonlocal functionals: of vdW-DF and its kin, and of rVV10."""

ADDED = 1e-5
"""eV; what the ionic energy has beyond the electronic one is printed to 1e-8, and zero
without a correction."""

DISPLACED = {
    5: "finite differences", 6: "finite differences", 7: "linear response",
    8: "linear response", 40: "a reaction coordinate", 44: "a dimer",
}  # fmt: skip
"""IBRION of runs whose steps are not those of one structure on its way to a minimum."""

FROZEN = {2: "None", 3: "Eigenval", 4: "Subrot"}
"""IALGO that keeps the charge density, and its name as ALGO."""


def vasp_level(settings: VaspSettings, added: float = 0.0) -> LevelOfTheory:
    """Return the level of theory of a VASP run from its tags.

    Args:
        settings: of the run.
        added: the ionic energy less the last electronic one, eV. VASP 5 does not print
            IVDW, but its correction is there.
    """
    smearing = settings.tag("ISMEAR", 1)
    width = settings.tag("SIGMA", 0.2)
    scheme = _SMEARINGS.get(smearing, f"Methfessel-Paxton {smearing}")
    model = marked_model(settings.build)
    return LevelOfTheory(
        code="vasp",
        version=settings.version,
        functional=_functional(settings),
        cutoff_ev=settings.tag("ENMAX") or settings.tag("ENCUT"),
        k_points=_mesh(settings.k_points),
        smearing=scheme if smearing == -5 else f"{scheme} {width:g} eV",
        pseudopotentials=settings.pseudopotentials,
        dispersion=_dispersion(settings, added),
        details=_details(settings),
        by_element=_by_element(settings),
        model=model,
        emulated=model is not None,
    )


def level_beside(neighbors: Neighbors) -> LevelOfTheory | None:
    """Return the level of theory of a run from what lies beside one of its files.

    From its vasprun.xml, if that has these atoms; else only whether a stand-in for VASP
    wrote the folder's outputs. None where nothing tells.
    """
    if neighbors.settings is not None:
        return vasp_level(neighbors.settings)
    path = neighbors.path
    model = emulated_model(path) or emulated_model(path.parent)
    if model is None:
        return None
    return LevelOfTheory("vasp", "unknown", "unknown", model=model, emulated=True)


def departure(settings: VaspSettings, *, displaced: bool = True) -> str:
    """Return why an energy is no neutral, self-consistent, unloaded cell's at rest.

    Args:
        settings: of the run.
        displaced: tell of steps that are not on their way to a minimum; they do no
            harm where each step is told with its own positions.

    Returns:
        What a message says of the run, with the way out; empty for usual runs.
    """
    return next(_departures(settings, displaced=displaced), "")


def _departures(settings: VaspSettings, *, displaced: bool) -> Iterator[str]:
    if (charge := _charge(settings)) != 0.0:
        yield (
            f"is charged by {charge:+g} e (NELECT = {settings.incar['NELECT']:g}), and "
            "the background that makes its cell neutral has an energy of its own; run "
            "it neutral"
        )
    if pressure := settings.tag("PSTRESS"):
        yield (
            f"is an enthalpy (PSTRESS = {pressure:g} kB); run its final structure once "
            "more without PSTRESS"
        )
    if settings.tag("ML_LMLFF"):
        yield (
            "comes from machine-learned forces (ML_LMLFF); run its final structure "
            "once more without them"
        )
    if (start := settings.tag("ICHARG") or 0) >= 10:
        yield (
            f"is not self-consistent (ICHARG = {start} keeps the charge density); run "
            "it with ICHARG = 2"
        )
    if name := FROZEN.get(settings.tag("IALGO")):
        yield f"is not self-consistent (ALGO = {name}); run it with another ALGO"
    if displaced and (what := DISPLACED.get(settings.tag("IBRION"))):
        yield (
            f"comes from {what} (IBRION = {settings.tag('IBRION')}), whose last step "
            "is another structure; book a static calculation"
        )


def _mesh(told: str) -> str:
    """Return a mesh in words; Monkhorst and Pack's odd ones are centered on Γ."""
    found = re.fullmatch(r"Monkhorst-Pack (\d+)x(\d+)x(\d+)", told)
    if found and all(int(n) % 2 for n in found.groups()):
        return told.replace("Monkhorst-Pack", "Gamma")
    return told


def _charge(settings: VaspSettings) -> float:
    """Return the charge of the cell, in units of e; only an INCAR can make one."""
    electrons = settings.incar.get("NELECT")
    neutral = sum(kind.count * kind.valence for kind in settings.atom_types)
    if not isinstance(electrons, float | int) or not math.isfinite(neutral):
        return 0.0
    return round(neutral - electrons, 4)


def _functional(settings: VaspSettings) -> str:
    from_titles = "PBE" if "PBE" in " ".join(settings.pseudopotentials) else "LDA"
    return functional_of(settings.tag, from_titles)


def functional_of(tag: Callable[[str], Any], otherwise: str) -> str:
    """Return the functional that tags of VASP choose, in words.

    Args:
        tag: gives a tag's value, None if it is not set.
        otherwise: the functional of the POTCARs, where no tag chooses one.
    """
    given = str(tag("GGA") or "--").strip().upper()
    name = otherwise if given in ("--", "") else _FUNCTIONALS.get(given, given)
    meta = str(tag("METAGGA") or "--").strip()
    if meta not in ("--", "", "None"):
        name = meta
    if tag("LHFCALC"):
        mixing, screening = tag("AEXX"), tag("HFSCREEN")
        name += f" hybrid (AEXX={mixing}, HFSCREEN={screening})"
    return name


def _dispersion(settings: VaspSettings, added: float) -> str | None:
    """Return every dispersion correction with its parameters, in words."""
    found = []
    if number := settings.tag("IVDW") or (settings.tag("LVDW") and 1):
        chosen = {k: v for k, v in settings.incar.items() if k.startswith("VDW_")}
        scalars = [f"{k}={v}" for k, v in chosen.items() if not isinstance(v, list)]
        name = _DISPERSIONS.get(number, f"IVDW={number}")
        found.append(" ".join([name, *sorted(scalars)]))
    elif abs(added) > ADDED:
        found.append("a correction that the file does not name")
    if settings.tag("LUSE_VDW"):
        tags = {
            k.upper(): v for k, v in {**settings.incar, **settings.parameters}.items()
        }
        told = [f"{k}={tags[k]}" for k in NONLOCAL if tags.get(k) is not None]
        found.append(" ".join(["nonlocal", *told]))
    return ", ".join(found) or None


def _details(settings: VaspSettings) -> tuple[str, ...]:
    found = {name: settings.tag(name) for name in ALWAYS}
    precision = str(found["PREC"] or "n")[0].lower()
    found["PREC"] = _PRECISIONS.get(precision, found["PREC"])
    for name, default in DEFAULTS.items():
        value = settings.tag(name) if default is not None else settings.incar.get(name)
        found[name] = None if value == default else value
    return tuple(
        f"{name}={value}" for name, value in found.items() if value not in (None, False)
    )


def _by_element(settings: VaspSettings) -> dict[str, str]:
    """Return what differs between elements: +U, and parameters of dispersion."""
    told: dict[str, set[str]] = {kind.element: set() for kind in settings.atom_types}
    for place, kind in enumerate(settings.atom_types):
        told[kind.element].add(", ".join(_of_species(settings, place)))
    return {element: " or ".join(sorted(texts)) for element, texts in told.items()}


def _of_species(settings: VaspSettings, place: int) -> list[str]:
    """Return what holds for one species of the POSCAR, in words."""

    def of(name: str) -> Any:
        values = settings.tag(name)
        values = values if isinstance(values, list) else [values]
        return values[place] if place < len(values) else None

    found = []
    if settings.tag("LDAU") and of("LDAUL") != -1:
        u, j, kind = of("LDAUU") or 0.0, of("LDAUJ") or 0.0, settings.tag("LDAUTYPE", 2)
        # Dudarev's energy has the difference alone; without U the shell does not matter
        if kind != 2 and (u or j):
            found.append(f"U={u:g} J={j:g} LDAUTYPE={kind} l={of('LDAUL')}")
        elif kind == 2 and u != j:
            found.append(f"U-J={u - j:g} l={of('LDAUL')}")
    if settings.tag("IVDW"):
        lists = [k for k, v in settings.incar.items() if isinstance(v, list)]
        found += [f"{k}={of(k)}" for k in sorted(lists) if k.startswith("VDW_")]
    return found
