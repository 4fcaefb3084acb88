"""The fit of an equivalent circuit to an impedance spectrum, with its errors.

`fit_spectrum(spectrum, circuit, cell)` is the function one came for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.electrochemistry.cell import Cell
from ionface.analysis.electrochemistry.circuits import (
    FLATTEST,
    IDEAL,
    Circuit,
    circuit,
)
from ionface.analysis.electrochemistry.kramers_kronig import (
    KramersKronig,
    kramers_kronig,
)
from ionface.analysis.electrochemistry.spectrum import Spectrum
from ionface.analysis.electrochemistry.transport_properties import (
    ionic_conductivity,
    warburg_diffusion,
)
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray

STARTS = (0.1, 1.0, 10.0)
"""Factors on the first guess of R1 and Q: an arc may hide another one."""

MISFIT = 2.0
"""A circuit that misses by so many times what the spectrum itself is off by, and by
more than 1 %, describes another cell."""

VAGUE = 0.5
"""Relative error from which on a parameter was not measured."""


@dataclass(frozen=True, repr=False)
class Eis(Result):
    """A spectrum, the circuit that was fitted to it, and what follows for the cell.

    Attributes:
        spectrum: as it was measured.
        circuit: that was fitted.
        parameters: shape (p,), in the order and units of the circuit.
        covariance: of them, shape (p, p).
        consistency: the Kramers-Kronig check.
        cell: geometry, as far as it is known.
    """

    kind: ClassVar[str] = "eis"
    figure: ClassVar[str] = "ionface.analysis.figures.eis_figure:figure_eis"

    spectrum: Spectrum
    circuit: Circuit
    parameters: FloatArray
    covariance: FloatArray
    consistency: KramersKronig
    cell: Cell

    @property
    def errors(self) -> FloatArray:
        """Return the standard errors of the parameters."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def parameter(self, name: str) -> tuple[float, float]:
        """Return one parameter and its standard error."""
        k = list(self.circuit.parameters).index(name)
        return float(self.parameters[k]), float(self.errors[k])

    def fitted(self, omega: FloatArray | None = None) -> NDArray[np.complex128]:
        """Return the circuit's impedance, Ω, at the measured frequencies by default."""
        where = self.spectrum.omega if omega is None else omega
        return self.circuit.impedance(where, self.parameters)

    @property
    def misfit(self) -> float:
        """Return the root mean square of what the circuit misses, relative to |Z|."""
        off = (self.fitted() - self.spectrum.impedance) / np.abs(
            self.spectrum.impedance
        )
        return float(np.sqrt(np.mean(np.abs(off) ** 2)))

    @property
    def conductivity(self) -> tuple[float, float] | None:
        """Return σ of the electrolyte and its error, S/cm; None without geometry."""
        if self.cell.thickness is None or self.cell.area is None:
            return None
        resistance, error = self.parameter(self.circuit.electrolyte)
        value = 0.01 * ionic_conductivity(
            self.cell.thickness, resistance, self.cell.area
        )
        return value, value * error / resistance

    @property
    def diffusion(self) -> tuple[float, float] | None:
        """Return D of a Warburg element and its error, m²/s; None without one."""
        area, concentration = self.cell.area, self.cell.concentration
        if "W" not in self.circuit.parameters or area is None or concentration is None:
            return None
        coefficient, error = self.parameter("W")
        value = warburg_diffusion(
            coefficient, area, concentration, self.cell.temperature
        )
        return value, 2 * value * error / coefficient

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what one should know before one believes the numbers."""
        found = [*self.spectrum.notes]
        floor = max(self.consistency.rms, 0.01 / MISFIT)
        if self.misfit > MISFIT * floor:
            found.append(
                f"the circuit misses the spectrum by {100 * self.misfit:.2g} %, the "
                f"Kramers-Kronig fit by {100 * self.consistency.rms:.2g} %: the cell "
                "does not work like this circuit, choose another one"
            )
        errors = self.errors / np.abs(self.parameters)
        for name, error in zip(self.circuit.parameters, errors, strict=True):
            if not error < VAGUE:
                found.append(
                    f"{name} is uncertain by {100 * error:.0f} %: the spectrum does "
                    "not tell it; measure a wider range of frequencies"
                )
        return tuple(found)

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per frequency."""
        fitted, off = self.fitted(), self.consistency.residuals
        for k, f in enumerate(self.spectrum.frequency):
            yield {
                "frequency (Hz)": float(f),
                "Z' (Ohm)": float(self.spectrum.impedance[k].real),
                "Z'' (Ohm)": float(self.spectrum.impedance[k].imag),
                "fit Z' (Ohm)": float(fitted[k].real),
                "fit Z'' (Ohm)": float(fitted[k].imag),
                "Kramers-Kronig residual Z'": float(off[k].real),
                "Kramers-Kronig residual Z''": float(off[k].imag),
            }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found: dict[str, Any] = {
            "circuit": self.circuit.name,
            "parameters": {
                name: {"value": value, "error": plain(error), "unit": unit}
                for (name, unit), value, error in zip(
                    self.circuit.parameters.items(),
                    self.parameters.tolist(),
                    self.errors.tolist(),
                    strict=True,
                )
            },
            "covariance": plain(self.covariance),
            "misfit": self.misfit,
            "kramers_kronig": {
                "passed": self.consistency.passed,
                "rms": self.consistency.rms,
                "elements": self.consistency.elements,
                "verdict": self.consistency.verdict,
            },
            "cell": plain(self.cell),
            "points": list(self.rows()),
            "notes": list(self.notes),
            "read": list(self.spectrum.notes),
        }
        if (sigma := self.conductivity) is not None:
            found["conductivity_s_per_cm"], found["conductivity_error_s_per_cm"] = sigma
        if (diffusion := self.diffusion) is not None:
            found["diffusion_m2_per_s"], found["diffusion_error_m2_per_s"] = diffusion
        return found

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the fit that `values` wrote."""
        points = data["points"]
        f = np.array([p["frequency (Hz)"] for p in points])
        z = np.array([complex(p["Z' (Ohm)"], p["Z'' (Ohm)"]) for p in points])
        off = [
            complex(p["Kramers-Kronig residual Z'"], p["Kramers-Kronig residual Z''"])
            for p in points
        ]
        source = provenance.sources[0] if provenance.sources else ""
        return cls(
            Spectrum(f, z, source, tuple(data["read"])),
            circuit(data["circuit"]),
            np.array([p["value"] for p in data["parameters"].values()]),
            np.array(data["covariance"], dtype=np.float64),
            KramersKronig(np.array(off), f, data["kramers_kronig"]["elements"]),
            Cell(**data["cell"]),
            provenance=provenance,
        )

    def summary(self) -> str:
        """Return the parameters."""
        pairs = zip(self.circuit.parameters, self.parameters, strict=True)
        return ", ".join(f"{name} = {value:.4g}" for name, value in pairs)


def fit_spectrum(
    spectrum: Spectrum, chosen: Circuit | str, cell: Cell | None = None
) -> Eis:
    """Return the least-squares fit of a circuit, every point weighted by its own |Z|.

    The covariance is that of the curvature at the minimum, with what is left of scatter
    as the error of a point.

    Args:
        spectrum: measured.
        chosen: the circuit or its name.
        cell: geometry, for the conductivity and the diffusion coefficient.
    """
    model = circuit(chosen) if isinstance(chosen, str) else chosen
    from scipy.optimize import least_squares

    exponents, start = model.exponents, model.guess(spectrum)
    weight = 1 / np.abs(spectrum.impedance)

    def natural(x: FloatArray) -> FloatArray:
        return np.where(exponents, x, np.exp(np.where(exponents, 0.0, x)))

    def off(x: FloatArray) -> FloatArray:
        z = model.impedance(spectrum.omega, natural(x))
        scaled = (z - spectrum.impedance) * weight
        return np.concatenate([scaled.real, scaled.imag])

    low = np.where(exponents, FLATTEST, -60.0)
    high = np.where(exponents, IDEAL, 60.0)
    fits = [
        least_squares(
            off, np.clip(x, low, high), bounds=(low, high), x_scale="jac",
            ftol=1e-14, xtol=1e-14, gtol=1e-14,
        )
        for x in _starts(start, exponents)
    ]  # fmt: skip
    best = min(fits, key=lambda fit: fit.cost)
    parameters = natural(best.x)
    # from logarithms to the parameters themselves
    slopes = np.where(exponents, 1.0, parameters)
    freedom = 2 * len(weight) - len(start)
    spread = 2 * best.cost / freedom
    covariance = (
        np.linalg.pinv(best.jac.T @ best.jac) * spread * np.outer(slopes, slopes)
    )
    return Eis(
        spectrum,
        model,
        parameters,
        covariance,
        kramers_kronig(spectrum),
        cell or Cell(),
        provenance=Provenance(sources=(spectrum.source,) if spectrum.source else ()),
    )


def _starts(guess: FloatArray, exponents: NDArray[np.bool_]) -> Iterator[FloatArray]:
    """Yield logarithms of the guess, and of guesses around it, for all but R."""
    inner = np.flatnonzero(~exponents)[1:3]
    for factors in product(STARTS, repeat=len(inner)):
        varied = guess.copy()
        varied[inner] *= factors
        yield np.where(exponents, varied, np.log(np.where(exponents, 1.0, varied)))
