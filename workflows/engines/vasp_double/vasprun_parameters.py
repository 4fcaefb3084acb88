"""The parameters of vasprun.xml: what INCAR gave, and VASP's defaults for the rest."""

from __future__ import annotations

from typing import Any

from ionface.workflows.engines.vasp_double.double_run import Run
from ionface.workflows.engines.vasp_double.xml_elements import entry

IALGO = {"n": 38, "v": 48, "f": 68, "a": 58, "c": 58, "d": 53}
IBRION = {"static": -1, "dynamics": 0, "quasi-newton": 1, "cg": 2, "damped": 3}


def parameters(run: Run) -> str:
    """Return the element."""
    parts = []
    for group, values in groups(run).items():
        inner = "".join(entry(name, value, 3) for name, value in values.items())
        parts.append(f'  <separator name="{group}" >\n{inner}  </separator>\n')
    return f" <parameters>\n{''.join(parts)} </parameters>\n"


def groups(run: Run) -> dict[str, dict[str, Any]]:
    """Return the parameters by VASP's groups."""
    general = {"general": {"SYSTEM": run.title, "LCOMPAT": False}}
    return general | _electronic(run) | _solver(run) | _ionic(run) | _other(run)


def _electronic(run: Run) -> dict[str, dict[str, Any]]:
    s, tags = run.settings, run.settings.tags
    algo = str(tags.get("ALGO", "Normal"))[:1].lower()
    projection = tags.get("LREAL", False)
    species = run.poscar.species
    spins = tags.get("MAGMOM") or [1.0] * len(species)
    return {
        "electronic": {
            "PREC": str(tags.get("PREC", "normal")).lower(),
            "ENMAX": s.encut,
            "EDIFF": s.ediff,
            "IALGO": IALGO.get(algo, 38),
            "NBANDS": s.n_bands,
            "NELECT": s.n_electrons,
        },
        "electronic smearing": {
            "ISMEAR": tags.get("ISMEAR", 1),
            "SIGMA": float(tags.get("SIGMA", 0.2)),
            "KSPACING": float(tags.get("KSPACING", 0.5)),
            "KGAMMA": bool(tags.get("KGAMMA", True)),
        },
        "electronic projectors": {
            "LREAL": projection is not False
            and str(projection).strip(".")[:1].upper() != "F",
            "LMAXMIX": tags.get("LMAXMIX", 2),
        },
        "electronic startup": {
            "ISTART": tags.get("ISTART", 0),
            "ICHARG": tags.get("ICHARG", 2),
        },
        "electronic spin": {
            "ISPIN": s.ispin,
            "LNONCOLLINEAR": False,
            "MAGMOM": [float(x) for x in spins],
            "NUPDOWN": float(tags.get("NUPDOWN", -1)),
            "LSORBIT": False,
        },
        "electronic exchange-correlation": {"LASPH": bool(tags.get("LASPH", False))},
    }


def _solver(run: Run) -> dict[str, dict[str, Any]]:
    s, tags = run.settings, run.settings.tags
    return {
        "electronic convergence": {
            "NELM": s.nelm,
            "NELMDL": tags.get("NELMDL", -5),
            "NELMIN": s.nelmin,
        },
        "electronic mixer": {
            "AMIX": float(tags.get("AMIX", 0.4)),
            "BMIX": float(tags.get("BMIX", 1.0)),
            "AMIN": float(tags.get("AMIN", 0.1)),
        },
        "electronic dipolcorrection": {
            "LDIPOL": bool(tags.get("LDIPOL", False)),
            "IDIPOL": tags.get("IDIPOL", 0),
            "DIPOL": [float(x) for x in tags.get("DIPOL", [-100.0] * 3)],
        },
        "grids": {"ADDGRID": bool(tags.get("ADDGRID", False))},
    }


def _ionic(run: Run) -> dict[str, dict[str, Any]]:
    s, tags = run.settings, run.settings.tags
    return {
        "ionic": {
            "NSW": int(tags.get("NSW", 0)),
            "IBRION": IBRION[s.move],
            "MDALGO": tags.get("MDALGO", 0),
            "ISIF": s.isif,
            "PSTRESS": 0.0,
            "EDIFFG": s.ediffg,
            "POTIM": s.potim,
            "SMASS": run.smass if s.move == "dynamics" else s.smass,
        },
        "ionic md": {
            "TEBEG": s.tebeg,
            "TEEND": s.teend,
            "NBLOCK": s.nblock,
            "KBLOCK": tags.get("KBLOCK", int(tags.get("NSW", 0))),
        },
        "symmetry": {
            "ISYM": tags.get("ISYM", 2),
            "SYMPREC": float(tags.get("SYMPREC", 1e-5)),
        },
    }


def _other(run: Run) -> dict[str, dict[str, Any]]:
    s, tags = run.settings, run.settings.tags
    return {
        "dos": {"LORBIT": 0, "NEDOS": s.nedos, "EFERMI": 0.0},
        "writing": {
            "LWAVE": bool(tags.get("LWAVE", True)),
            "LCHARG": bool(tags.get("LCHARG", True)),
            "LVTOT": False,
            "LVHAR": bool(tags.get("LVHAR", False)),
        },
        "other": {
            "GGA": str(tags.get("GGA", "PE")),
            "METAGGA": str(tags.get("METAGGA", "--")),
            "LHFCALC": bool(tags.get("LHFCALC", False)),
            "LDAU": bool(tags.get("LDAU", False)),
            "LUSE_VDW": bool(tags.get("LUSE_VDW", False)),
            "LEPSILON": False,
            "LCHIMAG": False,
        },
    }
