"""Which waves of a growing front grow, in closed form.

A front h exp(ikx) on the planar steady state. No anion crosses it, so that c obeys
Laplace's equation and φ = a (RT/F) ln c near it; the far electrode passes a fixed
current. With g = i(1-t+)/(FD), the gradient of c at the front,

    ω = (Vm/F) K (B g - S) / (B + K)
    K = F D k tanh(kL) / (1-t+)          how easily salt is brought sideways
    B = ∂i/∂c + (∂i/∂φ) a RT / (F c)     how much more a crest plates in richer salt
    S = (∂i/∂φ) γ Vm k² / F              what its curvature costs

Limits: Mullins and Sekerka's ω = v k for fast kinetics, a constant for slow. Compare
Sundström and Bark, Electrochim. Acta 40, 599 (1995), doi:10.1016/0013-4686(94)00379-F;
Monroe and Newman, J. Electrochem. Soc. 151, A880 (2004), doi:10.1149/1.1710893.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.deposition.cell import (
    MOLAR_VOLUME,
    DepositionSpec,
    Electrolyte,
    Kinetics,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY, GAS
from ionface.errors import AnalysisError

FloatArray = NDArray[np.float64]


def amplitude_of(front: FloatArray) -> float:
    """Return half the difference of the highest and lowest point, in its unit."""
    return 0.5 * float(np.ptp(front))


@dataclass(frozen=True)
class Regime:
    """What closed forms say of a run before it starts; printed with every one.

    Attributes:
        limiting_current_a_per_m2: 2FDc/((1-t+)L): above it no steady state exists.
        sands_time_s: after which the salt at the front would be used up without the
            other electrode.
        wagner_number: resistance of the kinetics over that of the electrolyte; far
            above 1 a front plates evenly whatever its shape.
        surface_concentration: c/c0 at a flat front in the steady state; None above the
            limiting current.
        fastest_wavelength_um: of the wave that grows fastest; None if none grows.
        fastest_wavelength_error_um: from the error of D.
        fastest_growth_per_s: ω of that wave.
        critical_wavelength_um: shorter waves shrink; None if none grows.
        seed_growth_per_s: ω of the seed's own wavelength; None above the limiting
            current.
    """

    limiting_current_a_per_m2: float
    sands_time_s: float
    wagner_number: float
    surface_concentration: float | None
    fastest_wavelength_um: float | None
    fastest_wavelength_error_um: float
    fastest_growth_per_s: float
    critical_wavelength_um: float | None
    seed_growth_per_s: float | None

    @property
    def fastest_told(self) -> str:
        """Return the fastest wavelength, µm, to the digits that its error leaves."""
        value, error = self.fastest_wavelength_um, self.fastest_wavelength_error_um
        if value is None or not error:
            return "none" if value is None else f"{value:.3f}"
        digits = max(0, 1 - math.floor(math.log10(error)))
        return f"{value:.{digits}f} ± {error:.{digits}f}"


def limiting_current(electrolyte: Electrolyte, thickness: float) -> float:
    """Return the limiting current of a symmetric cell, A/m².

    Args:
        electrolyte: between its electrodes.
        thickness: of it, m.
    """
    share = 1 - electrolyte.transference_number
    full = 2 * FARADAY * electrolyte.diffusion * electrolyte.concentration
    return full / (share * thickness)


def sands_time(electrolyte: Electrolyte, current: float) -> float:
    """Return Sand's time, πD(Fc0/(2i(1-t+)))², s.

    Args:
        electrolyte: at its mean concentration.
        current: A/m².
    """
    share = 1 - electrolyte.transference_number
    ratio = FARADAY * electrolyte.concentration / (2 * current * share)
    return math.pi * electrolyte.diffusion * ratio**2


def plating(
    kinetics: Kinetics, u: FloatArray, eta: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return i, ∂i/∂u and -∂i/∂η of Butler-Volmer kinetics, A/m².

    Args:
        kinetics: of the front.
        u: c/c0 at the front.
        eta: Fη/RT, the overpotential; negative where lithium is plated.
    """
    i0 = kinetics.exchange_current_a_per_m2
    reduced = i0 * np.exp(-kinetics.cathodic * eta)
    oxidized = i0 * np.exp(kinetics.anodic * eta)
    slope = kinetics.cathodic * u * reduced + kinetics.anodic * oxidized
    return u * reduced - oxidized, reduced, slope


def overpotential(kinetics: Kinetics, u: float, current: float) -> float:
    """Return Fη/RT at which a flat front plates this current, A/m²."""
    from scipy.optimize import brentq

    def off(eta: float) -> float:
        return float(plating(kinetics, np.array(u), np.array(eta))[0]) - current

    far = 1.0
    while off(-far) < 0 or off(far) > 0:
        far *= 2
    return float(brentq(off, -far, far, xtol=1e-14))


@dataclass(frozen=True)
class FlatFront:
    """The planar steady state, of which waves are perturbations.

    Attributes:
        electrolyte: its transport.
        kinetics: of the front.
        thickness: of the electrolyte, m.
        current: A/m², below the limiting one.
    """

    electrolyte: Electrolyte
    kinetics: Kinetics
    thickness: float
    current: float

    @property
    def surface(self) -> float:
        """Return c/c0 at the front."""
        return 1 - self.current / limiting_current(self.electrolyte, self.thickness)

    def growth_rate(self, k: FloatArray) -> FloatArray:
        """Return ω of waves, 1/s.

        Args:
            k: wave numbers, 1/m.
        """
        per_potential, gain = self._kinetics()
        sideways = self._exchange() * k * np.tanh(k * self.thickness)
        smoothing = per_potential * self._capillary() * k**2
        net = sideways * (gain * self._gradient() - smoothing) / (gain + sideways)
        return np.asarray(MOLAR_VOLUME / FARADAY * net)

    def critical(self) -> float:
        """Return the wavelength below which waves shrink, m."""
        per_potential, gain = self._kinetics()
        capillary = per_potential * self._capillary()
        return 2 * math.pi / math.sqrt(gain * self._gradient() / capillary)

    def fastest(self) -> tuple[float, float]:
        """Return the wavelength that grows fastest, m, and its ω, 1/s."""
        from scipy.optimize import minimize_scalar

        shortest = math.log(self.critical())

        def slow(log: float) -> float:
            return -float(self.growth_rate(np.array(2 * math.pi / math.exp(log))))

        found = minimize_scalar(
            slow, bounds=(shortest, shortest + 12), method="bounded",
            options={"xatol": 1e-10},
        )  # fmt: skip
        return math.exp(found.x), -float(found.fun)

    def _kinetics(self) -> tuple[float, float]:
        """Return ∂i/∂φ, A/(m² V), and B, A m/mol."""
        e, u = self.electrolyte, self.surface
        eta = overpotential(self.kinetics, u, self.current)
        _, per_u, slope = plating(self.kinetics, np.array(u), np.array(eta))
        per_potential = float(slope) / e.thermal_voltage
        gain = float(per_u) + float(slope) * e.potential_slope / u
        return per_potential, gain / e.concentration

    def _exchange(self) -> float:
        e = self.electrolyte
        return FARADAY * e.diffusion / (1 - e.transference_number)

    def _gradient(self) -> float:
        return self.current / self._exchange()

    def _capillary(self) -> float:
        return self.kinetics.surface_energy_j_per_m2 * MOLAR_VOLUME / FARADAY


def capillary_length(kinetics: Kinetics, electrolyte: Electrolyte) -> float:
    """Return γVm/(RT), m: curvature times this is Fη/RT."""
    thermal = GAS * electrolyte.temperature_k
    return kinetics.surface_energy_j_per_m2 * MOLAR_VOLUME / thermal


def regime(spec: DepositionSpec) -> Regime:
    """Return what closed forms say of a run."""
    e, i, thickness = spec.electrolyte, spec.current, spec.geometry.thickness
    most = limiting_current(e, thickness)
    flat = FlatFront(e, spec.kinetics, thickness, i)
    # at no current: the slope of i against η there
    alphas = spec.kinetics.anodic + spec.kinetics.cathodic
    slope = spec.kinetics.exchange_current_a_per_m2 * alphas / e.thermal_voltage
    below = i < most
    wave, growth = flat.fastest() if below else (None, 0.0)
    error = 0.0
    if below and e.relative_error:
        each = [
            _fastest(spec, e.scaled(math.exp(sign * e.relative_error)))
            for sign in (-1, 1)
        ]
        error = 0.5 * abs(each[1] - each[0])
    seed = 2 * math.pi / (1e-6 * spec.wavelength_um)
    return Regime(
        limiting_current_a_per_m2=most,
        sands_time_s=sands_time(e, i),
        wagner_number=e.conductivity / (slope * thickness),
        surface_concentration=flat.surface if below else None,
        fastest_wavelength_um=1e6 * wave if wave else None,
        fastest_wavelength_error_um=1e6 * error,
        fastest_growth_per_s=growth,
        critical_wavelength_um=1e6 * flat.critical() if below else None,
        seed_growth_per_s=float(flat.growth_rate(np.array(seed))) if below else None,
    )


def _fastest(spec: DepositionSpec, electrolyte: Electrolyte) -> float:
    """Return the fastest wavelength with another electrolyte, m; 0 where none is."""
    thickness = spec.geometry.thickness
    if spec.current >= limiting_current(electrolyte, thickness):
        return 0.0
    return FlatFront(electrolyte, spec.kinetics, thickness, spec.current).fastest()[0]


PER_WAVE = 2.5
"""Elements that the critical wavelength needs. Two are the shortest wave of a mesh: if
that one grows, it is the mesh that chooses what grows."""


def check(spec: DepositionSpec) -> Regime:
    """Return the closed forms of a run that can be computed.

    Raises:
        AnalysisError: more than the limiting current for longer than Sand's time, or a
            mesh too coarse for the critical wavelength.
    """
    found, g = regime(spec), spec.geometry
    if found.critical_wavelength_um is None:
        if spec.duration < found.sands_time_s:
            return found
        raise AnalysisError(
            f"{spec.name}: {spec.current_ma_per_cm2:g} mA/cm² is above the limiting "
            f"current of {found.limiting_current_a_per_m2 / 10:.3g} mA/cm²: the salt "
            f"at the front is used up after about {found.sands_time_s:.4g} s (Sand's "
            f"time), and {spec.capacity_mah_per_cm2:g} mAh/cm² take "
            f"{spec.duration:.4g} s; lower the current or the capacity"
        )
    size = g.width_um / g.columns
    if PER_WAVE * size > found.critical_wavelength_um:
        needed = math.ceil(PER_WAVE * g.width_um / found.critical_wavelength_um)
        raise AnalysisError(
            f"{spec.name}: elements of {size:.3g} µm are too coarse for the critical "
            f"wavelength of {found.critical_wavelength_um:.3g} µm, which needs "
            f"{PER_WAVE:g} of them; give {needed} columns or a narrower strip"
        )
    return found
