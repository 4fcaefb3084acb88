"""The section `vasp` of a study: what a user sets beyond the protocol.

Contradictions are refused here, before anything is built.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Literal

from ionface.errors import IonfaceError

DISPERSIONS = {"D2": 10, "D3": 11, "D3(BJ)": 12, "TS": 20, "MBD": 202}
"""IVDW of each correction."""


class SettingsError(IonfaceError, ValueError):
    """A setting that contradicts itself; in a study file it is told with its line."""


MANAGED = {
    "NSW": "relaxation.steps or dynamics.steps",
    "IBRION": "the kind of job",
    "ISIF": "vasp.cell",
    "LATTICE_CONSTRAINTS": "vasp.cell",
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
}
"""INCAR keys that a study sets elsewhere, and where."""


@dataclass(frozen=True)
class VaspSettings:
    """How VASP is run, and what of the protocol is overridden.

    Attributes:
        incar: INCAR keys that replace the protocol's, as in {ISPIN: 2}.
        k_spacing: largest distance between k-points, Å⁻¹, 2π included; the
            protocol's if not given. Dynamics are Γ-only.
        dispersion: "D2", "D3", "D3(BJ)", "TS" or "MBD".
        dipole: correction along the normal for energies of cells with vacuum:
            auto (where there is vacuum), on, off.
        potcars: POTCAR of an element, as in {Ti: Ti_pv}.
        potcar_functional: release of the library, as pymatgen names it.
        cell: "fixed", or "in-plane" to relax a and b of interfaces with vacuum,
            which needs VASP 6.4 or later.
        prerelax: potential that takes the worst forces out before VASP starts:
            sevennet, chgnet, or off.
        vasp_cmd: the whole command, as in "srun vasp_std".
        vasp_gamma_cmd: the command for Γ-only runs; vasp_cmd if not given.
        walltime: of one batch job, hours; VASP stops itself before it ends.
        reserve: seconds before the end of the wall time at which VASP is asked to stop
            after its step.
        cores: of one batch job.
        memory: of one batch job, GB; None if unknown.
        ncore: bands that share cores (NCORE); chosen from cores if not given.
        kpar: k-points in parallel (KPAR); chosen from cores if not given.
        fast_hydrogen: insist on steps above 1 fs although there is hydrogen.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    incar: dict[str, Any] = field(default_factory=dict)
    k_spacing: float | None = None
    dispersion: str | None = None
    dipole: Literal["auto", "on", "off"] | bool = "auto"
    potcars: dict[str, str] = field(default_factory=dict)
    potcar_functional: str | None = None
    cell: Literal["fixed", "in-plane"] = "fixed"
    prerelax: Literal["sevennet", "chgnet", "off"] | Literal[False] | None = None
    vasp_cmd: str | None = None
    vasp_gamma_cmd: str | None = None
    walltime: float | None = None
    reserve: int = 300
    cores: int = 64
    memory: float | None = None
    ncore: int | None = None
    kpar: int | None = None
    fast_hydrogen: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            SettingsError: names the key, the rule and the way out.
        """
        # YAML reads the words on and off as booleans
        for name in ("dipole", "prerelax"):
            if isinstance(value := getattr(self, name), bool):
                object.__setattr__(self, name, "on" if value else "off")
        object.__setattr__(self, "incar", {k.upper(): v for k, v in self.incar.items()})
        self._check_incar()
        self._check_numbers()
        if self.dispersion is not None and self.dispersion not in DISPERSIONS:
            raise SettingsError(
                f"vasp.dispersion: {self.dispersion!r} is unknown; "
                f"have {list(DISPERSIONS)}"
            )

    def _check_incar(self) -> None:
        numbers = _number_keys() if self.incar else frozenset()
        for key, value in self.incar.items():
            if key in MANAGED:
                raise SettingsError(
                    f"vasp.incar: {key} is set by {MANAGED[key]}; two values would "
                    "contradict each other, so remove it here"
                )
            if key in numbers and not _is_number(value):
                raise SettingsError(
                    f"vasp.incar: {key}: {value!r} is not the number that VASP expects"
                )
            if key == "SMASS" and float(value) < 0:
                raise SettingsError(
                    f"vasp.incar: SMASS = {value} is no Nosé thermostat (-3 is NVE, "
                    "-1 scales velocities); leave it at 0, or give a mass above 0"
                )

    def _check_numbers(self) -> None:
        for name in (
            "k_spacing", "walltime", "reserve", "cores", "memory", "ncore", "kpar"
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingsError(f"vasp.{name} must be above 0, not {value}")
        limit_s = self.walltime_s
        if limit_s is not None and limit_s <= 2 * self.reserve:
            raise SettingsError(
                f"vasp.walltime: {self.walltime:g} h leave no time for a step, since "
                f"VASP is asked to stop {self.reserve} s before the end; give more "
                f"than {2 * self.reserve / 3600:.2g} h, or a smaller vasp.reserve"
            )

    @property
    def walltime_s(self) -> int | None:
        """Return the wall time in seconds."""
        return None if self.walltime is None else round(3600 * self.walltime)


@cache
def _number_keys() -> frozenset[str]:
    """Return the INCAR keys that take one number, as pymatgen lists them."""
    listed = files("pymatgen.io.vasp") / "incar_parameters.json"
    kinds = json.loads(listed.read_text())
    return frozenset(k for k, v in kinds.items() if v.get("type") in ("int", "float"))


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
