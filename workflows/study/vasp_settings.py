"""The section `vasp` of a study: what a user sets beyond the protocol.

Contradictions are refused here, before anything is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Gt

from ionface.workflows.study.incar_keys import SettingsError, checked_incar

DISPERSIONS = {"D2": 10, "D3": 11, "D3(BJ)": 12, "TS": 20, "MBD": 202}
"""IVDW of each correction."""

Positive = Annotated[float, Gt(0)]
Count = Annotated[int, Gt(0)]


@dataclass(frozen=True)
class VaspSettings:
    """How VASP is run, and what of the protocol is overridden.

    Attributes:
        incar: INCAR keys that replace the protocol's, as in {ISPIN: 2}; LDAUU, LDAUJ,
            LDAUL and MAGMOM by element, as in {LDAUU: {Ti: 4.2}}, which brings what
            belongs to it.
        k_spacing: largest distance between k-points, Å⁻¹, 2π included; the
            protocol's if not given. Dynamics are Γ-only.
        dispersion: the correction.
        dipole: correction along the normal for energies of cells with vacuum:
            auto (where there is vacuum), on, off.
        potcars: POTCAR of an element, as in {Ti: Ti_pv}.
        potcar_functional: release of the library, as pymatgen names it.
        cell: "in-plane" is an earlier form of `cell: in-plane` of all interfaces with
            vacuum; it needs VASP 6.4 or later.
        prerelax: potential that takes the worst forces out before first principles
            begin, as in "sevennet", or off.
        keep: what single points write besides their energy: the electrostatic
            potential (LOCPOT), the charge density, the density of states by atom.
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
    k_spacing: Positive | None = None
    dispersion: Literal["D2", "D3", "D3(BJ)", "TS", "MBD"] | None = None
    dipole: Literal["auto", "on", "off"] | bool = "auto"
    potcars: dict[str, str] = field(default_factory=dict)
    potcar_functional: str | None = None
    cell: Literal["fixed", "in-plane"] = "fixed"
    prerelax: str | Literal[False] | None = None
    keep: tuple[Literal["potential", "charge", "dos"], ...] = ()
    vasp_cmd: str | None = None
    vasp_gamma_cmd: str | None = None
    walltime: Positive | None = None
    reserve: Count = 300
    cores: Count = 64
    memory: Positive | None = None
    ncore: Count | None = None
    kpar: Count | None = None
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
        object.__setattr__(self, "keep", tuple(self.keep))  # JSON has lists
        if self.incar:
            object.__setattr__(self, "incar", checked_incar(self.incar))
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
