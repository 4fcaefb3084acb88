"""What a user says of a cell in which lithium grows.

A symmetric lithium cell: metal, electrolyte, metal. The electrolyte is a binary salt,
electroneutral; its diffusion coefficient D, transference number t+ and conductivity are
constants, the last in proportion to the concentration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Lt

from ionface.analysis.electrochemistry.transport_properties import (
    FARADAY,
    GAS,
    STANDARD_TEMPERATURE,
    conductivity_of_diffusion,
    diffusion_of_conductivity,
)
from ionface.errors import AnalysisError

MOLAR_VOLUME = 6.941e-3 / 534.0
"""m³/mol of lithium: 6.941 g/mol at 534 kg/m³, so that 1 mAh/cm² is 4.850 µm."""

MAH_PER_CM2 = 3.6e4
"""C/m²."""

MA_PER_CM2 = 10.0
"""A/m²."""

MICRON = 1e-6
"""m."""

FORBID: dict[str, Any] = {"extra": "forbid"}
Positive = Annotated[float, Gt(0)]
Fraction = Annotated[float, Gt(0), Lt(1)]
Columns = Annotated[int, Ge(8)]


@dataclass(frozen=True)
class Electrolyte:
    """A binary salt in a solvent or polymer.

    Attributes:
        conductivity_ms_per_cm: σ at the mean concentration; that of independent ions
            (Nernst-Einstein) if not given.
        diffusion_m2_per_s: D of the salt; that of independent ions if not given.
        transference_number: t+ of the cation.
        concentration_mol_per_l: mean concentration of the salt.
        temperature_k: of the cell.
        relative_error: standard error of ln D, and of what follows from D.
        source: where the numbers come from.
    """

    __pydantic_config__: ClassVar = FORBID

    conductivity_ms_per_cm: Positive | None = None
    diffusion_m2_per_s: Positive | None = None
    transference_number: Fraction = 0.4
    concentration_mol_per_l: Positive = 1.0
    temperature_k: Positive = STANDARD_TEMPERATURE
    relative_error: Annotated[float, Ge(0)] = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse single-ion conductors, and what nothing is known of."""
        if not 0 < self.transference_number < 1:
            raise AnalysisError(
                f"a transference number of {self.transference_number:g} leaves no "
                "gradient of salt to compute; give one between 0 and 1"
            )
        if self.conductivity_ms_per_cm is None and self.diffusion_m2_per_s is None:
            raise AnalysisError(
                "an electrolyte needs conductivity_ms_per_cm or diffusion_m2_per_s; "
                "one follows from the other for independent ions, none from nothing"
            )

    @property
    def concentration(self) -> float:
        """Return c0, mol/m³."""
        return 1e3 * self.concentration_mol_per_l

    @property
    def thermal_voltage(self) -> float:
        """Return RT/F, V."""
        return GAS * self.temperature_k / FARADAY

    @property
    def conductivity(self) -> float:
        """Return κ at c0, S/m."""
        if self.conductivity_ms_per_cm is not None:
            return 0.1 * self.conductivity_ms_per_cm
        t = self.transference_number
        assert self.diffusion_m2_per_s is not None
        both = self.diffusion_m2_per_s / (2 * t * (1 - t))  # D+ + D-
        return conductivity_of_diffusion(both, self.concentration, self.temperature_k)

    @property
    def diffusion(self) -> float:
        """Return D of the salt, m²/s: 2 D+ D- / (D+ + D-)."""
        if self.diffusion_m2_per_s is not None:
            return self.diffusion_m2_per_s
        t = self.transference_number
        both = diffusion_of_conductivity(
            self.conductivity, self.concentration, self.temperature_k
        )
        return 2 * t * (1 - t) * both

    @property
    def potential_slope(self) -> float:
        """Return a of φ = a (RT/F) ln c without anion flux; 1 for independent ions."""
        t, c = self.transference_number, self.concentration
        share = FARADAY * self.diffusion * c / (
            (1 - t) * self.conductivity * self.thermal_voltage
        )  # fmt: skip
        return share - (2 * t - 1)

    def scaled(self, factor: float) -> Electrolyte:
        """Return it with D multiplied, and with it a conductivity that follows."""
        if self.diffusion_m2_per_s is None:
            assert self.conductivity_ms_per_cm is not None
            changed = {"conductivity_ms_per_cm": self.conductivity_ms_per_cm * factor}
        else:
            changed = {"diffusion_m2_per_s": self.diffusion_m2_per_s * factor}
        return replace(self, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Kinetics:
    """Butler-Volmer kinetics with surface energy.

    i = i0 [(c/c0) exp(-αc Fη/RT) - exp(αa Fη/RT)], plating positive; η contains
    γ Vm κ/F, by which a convex front is the harder to plate.

    Attributes:
        exchange_current_a_per_m2: i0 at the mean concentration.
        exponents: "default" for αa, αc = 0.5, 0.5, which sum to the one electron of
            lithium; "paper" for 1.5, 0.5, whose equilibrium shifts by 29.6 mV per
            decade of concentration, as a metal of two electrons does.
        surface_energy_j_per_m2: γ of the metal against the electrolyte.
        source: where the numbers come from.
    """

    __pydantic_config__: ClassVar = FORBID

    exchange_current_a_per_m2: Positive = 10.0
    exponents: Literal["default", "paper"] = "default"
    surface_energy_j_per_m2: Positive = 0.5
    source: str = "assumed"

    @property
    def anodic(self) -> float:
        """Return αa."""
        return 0.5 if self.exponents == "default" else 1.5

    @property
    def cathodic(self) -> float:
        """Return αc."""
        return 0.5


@dataclass(frozen=True)
class Geometry:
    """A strip of the cell, mirrored at both sides.

    Attributes:
        width_um: of the strip, along the front.
        thickness_um: of the electrolyte.
        columns: elements along the front.
        rows: elements across the electrolyte, thinner towards the front.
    """

    __pydantic_config__: ClassVar = FORBID

    width_um: Positive = 20.0
    thickness_um: Positive = 100.0
    columns: Columns = 40
    rows: Columns = 40

    @property
    def width(self) -> float:
        """Return it in m."""
        return MICRON * self.width_um

    @property
    def thickness(self) -> float:
        """Return it in m."""
        return MICRON * self.thickness_um


@dataclass(frozen=True)
class Seed:
    """The shape of the front at the start.

    Attributes:
        shape: "wave" with crests at the left side and every wavelength, or "bump", a
            Gaussian in the middle.
        amplitude_um: height of a crest over the mean, or of the bump.
        wavelength_um: of the wave, or four standard deviations of the bump; the strip's
            width if not given.
    """

    __pydantic_config__: ClassVar = FORBID

    shape: Literal["wave", "bump"] = "wave"
    amplitude_um: Positive = 0.5
    wavelength_um: Positive | None = None


@dataclass(frozen=True)
class DepositionSpec:
    """Growth of lithium in one cell at constant current.

    Attributes:
        name: of the cell.
        current_ma_per_cm2: of plating.
        capacity_mah_per_cm2: plated in all.
        electrolyte: its transport properties.
        kinetics: of the front.
        geometry: and mesh.
        seed: of the front.
        steps: of time, at least; more where the front would become unstable.
        method: "moving-mesh", or "level-set" with a diffuse front as the paper has it.
    """

    __pydantic_config__: ClassVar = FORBID

    name: str
    electrolyte: Electrolyte
    current_ma_per_cm2: Positive = 2.0
    capacity_mah_per_cm2: Positive = 0.5
    kinetics: Kinetics = field(default_factory=Kinetics)
    geometry: Geometry = field(default_factory=Geometry)
    seed: Seed = field(default_factory=Seed)
    steps: Annotated[int, Ge(10)] = 130
    method: Literal["moving-mesh", "level-set"] = "moving-mesh"

    def __post_init__(self) -> None:
        """Refuse a wave that the mirrors at both sides would break."""
        halves = 2 * self.geometry.width_um / self.wavelength_um
        if self.seed.shape == "wave" and abs(halves - round(halves)) > 1e-6:
            raise AnalysisError(
                f"a wave of {self.wavelength_um:g} µm does not fit a strip of "
                f"{self.geometry.width_um:g} µm with mirrors at both sides; make the "
                "width a multiple of half the wavelength"
            )
        if self.seed.amplitude_um > 0.25 * self.geometry.thickness_um:
            raise AnalysisError(
                f"a seed of {self.seed.amplitude_um:g} µm in an electrolyte of "
                f"{self.geometry.thickness_um:g} µm; start with a quarter at most"
            )

    @property
    def wavelength_um(self) -> float:
        """Return the wavelength of the seed."""
        return self.seed.wavelength_um or self.geometry.width_um

    @property
    def current(self) -> float:
        """Return i, A/m²."""
        return MA_PER_CM2 * self.current_ma_per_cm2

    @property
    def duration(self) -> float:
        """Return the time that the capacity takes, s."""
        return MAH_PER_CM2 * self.capacity_mah_per_cm2 / self.current

    def initial_front(self, x: Any) -> Any:
        """Return the height of the front over its mean, m, at positions x, m."""
        import numpy as np

        amplitude, wave = MICRON * self.seed.amplitude_um, MICRON * self.wavelength_um
        if self.seed.shape == "wave":
            return amplitude * np.cos(2 * math.pi * x / wave)
        front = amplitude * np.exp(-8 * ((x - self.geometry.width / 2) / wave) ** 2)
        return front - np.trapezoid(front, x) / self.geometry.width


TABLE_S1 = "σ: Table S1 of the LAGP | P-DOL paper's SI; t+, c and D: assumed"
PRESETS = {
    "qcpe": Electrolyte(conductivity_ms_per_cm=0.96, source=f"qcpe, {TABLE_S1}"),
    "qcpe-pdol": Electrolyte(
        conductivity_ms_per_cm=1.48, source=f"qcpe-pdol, {TABLE_S1}"
    ),
}
"""Electrolytes by name. They differ in conductivity and, with it, in D alone."""


def preset(name: str) -> Electrolyte:
    """Return a preset electrolyte.

    Raises:
        AnalysisError: there is none of this name.
    """
    if name not in PRESETS:
        raise AnalysisError(
            f"unknown electrolyte {name!r}; have {sorted(PRESETS)}, or give its "
            "conductivity_ms_per_cm and concentration_mol_per_l"
        )
    return PRESETS[name]
