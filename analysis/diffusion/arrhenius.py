"""Activation energies from diffusion coefficients at several temperatures.

ln D = ln D0 - Ea / (kB T), fitted with the error of every D; both parameters come with
their covariance, without which an extrapolation has no error bar worth the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.arrhenius_line import (
    EXTRAPOLATED_TO,
    ArrheniusLine,
    arrhenius_line,
    check_points,
)
from ionface.analysis.diffusion.diffusion import CM2_PER_S, Diffusion
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.statistics import TWO_SIDED
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class Extrapolation:
    """A diffusion coefficient at a temperature that was not simulated.

    Attributes:
        temperature: K.
        coefficient: D, Å²/fs.
        log_error: standard error of ln D.
        outside: the temperature lies outside those of the fit.
    """

    temperature: float
    coefficient: float
    log_error: float
    outside: bool

    @property
    def cm2_per_s(self) -> float:
        """Return D in cm²/s."""
        return self.coefficient * CM2_PER_S

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % confidence interval, Å²/fs."""
        factor = float(np.exp(TWO_SIDED * self.log_error))
        return self.coefficient / factor, self.coefficient * factor


@dataclass(frozen=True, repr=False)
class Arrhenius(Result):
    """The straight line through ln D against 1/T.

    Attributes:
        ea: activation energy, eV.
        log_d0: ln of D0 in Å²/fs.
        covariance: of (log_d0, ea), shape (2, 2).
        temperatures: K, ascending, shape (n,).
        coefficients: Å²/fs, shape (n,).
        errors: Å²/fs, shape (n,).
        chi2_per_freedom: about 1 if the line explains the data; None for two points.
            Above 1 it has widened the covariance.
        notes: what else one should know.
        species: whose diffusion it is.
        runs: the coefficients of single runs, by temperature in K.
        room: temperature at which one wants to know D, K.
    """

    kind: ClassVar[str] = "arrhenius"
    figure: ClassVar[str] = "ionface.analysis.figures.arrhenius_figure:figure_arrhenius"

    ea: float
    log_d0: float
    covariance: FloatArray
    temperatures: FloatArray
    coefficients: FloatArray
    errors: FloatArray
    chi2_per_freedom: float | None
    notes: tuple[str, ...] = ()
    species: str = ""
    runs: Mapping[float, Diffusion] = field(default_factory=dict)
    room: float = EXTRAPOLATED_TO

    @property
    def line(self) -> ArrheniusLine:
        """Return the line through ln D against 1/T."""
        return ArrheniusLine(
            self.log_d0, self.ea, self.covariance, self.chi2_per_freedom
        )

    @property
    def d0(self) -> float:
        """Return D0, Å²/fs."""
        return float(np.exp(self.log_d0))

    @property
    def ea_error(self) -> float:
        """Return the standard error of the activation energy, eV."""
        return self.line.ea_error

    @property
    def log_d0_error(self) -> float:
        """Return the standard error of ln D0."""
        return float(np.sqrt(self.covariance[0, 0]))

    def at(self, temperature: float) -> Extrapolation:
        """Return D at a temperature, with the error that both parameters cause.

        Raises:
            AnalysisError: the temperature is not positive.
        """
        value, error = self.line.log_value(temperature)
        low, high = self.temperatures[0], self.temperatures[-1]
        outside = not low <= temperature <= high
        return Extrapolation(temperature, float(np.exp(value)), error, outside)

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per temperature, for a table."""
        for t, d, e in zip(
            self.temperatures, self.coefficients, self.errors, strict=True
        ):
            yield {
                "temperature (K)": float(t),
                "D (cm²/s)": float(d) * CM2_PER_S,
                "error (cm²/s)": float(e) * CM2_PER_S,
                "fit (cm²/s)": self.at(float(t)).cm2_per_s,
            }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values, with D extrapolated to 300 K."""
        room, runs = self.at(300.0), self.runs
        return {
            "species": self.species,
            "ea_ev": self.ea,
            "ea_error_ev": self.ea_error,
            "d0_cm2_per_s": self.d0 * CM2_PER_S,
            "log_d0_error": self.log_d0_error,
            "covariance": plain(self.covariance),
            "points": list(self.rows()),
            "chi2_per_freedom": self.chi2_per_freedom,
            "d_300k_cm2_per_s": room.cm2_per_s,
            "d_300k_interval_cm2_per_s": [v * CM2_PER_S for v in room.interval],
            "d_300k_extrapolated": room.outside,
            "notes": list(self.notes),
            "diffusion": {f"{t:.1f}": runs[t].as_dict() for t in sorted(runs)},
            "room_k": self.room,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the line that `values` wrote."""
        points, runs = data["points"], data["diffusion"]
        return cls(
            ea=data["ea_ev"],
            log_d0=float(np.log(data["d0_cm2_per_s"] / CM2_PER_S)),
            covariance=np.array(data["covariance"], dtype=np.float64),
            temperatures=np.array([p["temperature (K)"] for p in points]),
            coefficients=np.array([p["D (cm²/s)"] for p in points]) / CM2_PER_S,
            errors=np.array([p["error (cm²/s)"] for p in points]) / CM2_PER_S,
            chi2_per_freedom=data["chi2_per_freedom"],
            notes=tuple(data["notes"]),
            species=data["species"],
            runs={float(t): Diffusion.from_dict(d) for t, d in runs.items()},
            room=data["room_k"],
            provenance=provenance,
        )

    def summary(self) -> str:
        """Return the activation energy."""
        return f"{self.species} Ea = {self.ea:.3f} ± {self.ea_error:.3f} eV".strip()


def arrhenius(
    temperatures: Sequence[float] | FloatArray,
    coefficients: Sequence[float] | FloatArray,
    errors: Sequence[float] | FloatArray,
) -> Arrhenius:
    """Return the weighted fit of ln D against 1/T.

    Where the points scatter more than their errors allow, the covariance is scaled by
    chi² per degree of freedom.

    Args:
        temperatures: K, shape (n,), two different ones at least.
        coefficients: D, Å²/fs, shape (n,).
        errors: standard errors of D, Å²/fs, shape (n,).

    Raises:
        AnalysisError: fewer than two temperatures, or a value that is not positive.
    """
    t, d, e = (np.asarray(v, dtype=float) for v in (temperatures, coefficients, errors))
    check_points(t, d, e, "coefficients")
    order = np.argsort(t, kind="stable")
    t, d, e = t[order], d[order], e[order]
    line = arrhenius_line(t, d, e)
    return Arrhenius(
        ea=line.ea,
        log_d0=line.log_prefactor,
        covariance=line.covariance,
        temperatures=t,
        coefficients=d,
        errors=e,
        chi2_per_freedom=line.chi2_per_freedom,
        notes=_notes(e / d, line.chi2_per_freedom),
    )


def arrhenius_of(results: Mapping[float, Diffusion]) -> Arrhenius:
    """Return the fit of the results of several runs, by temperature in K.

    Raises:
        AnalysisError: fewer than two temperatures, or a run that is not diffusive: its
            number is no coefficient.
    """
    if wrong := {t: r.verdict for t, r in results.items() if not r.diffusive}:
        told = "; ".join(f"{t:g} K: {verdict}" for t, verdict in wrong.items())
        raise AnalysisError(
            f"an upper bound is no point of an Arrhenius line ({told}); leave these "
            "temperatures out, or run them longer"
        )
    line = arrhenius(
        list(results),
        [result.coefficient for result in results.values()],
        [result.error for result in results.values()],
    )
    each = list(results.values())
    return replace(
        line,
        species=each[0].species,
        runs=dict(results),
        provenance=Provenance.joint(d.provenance for d in each),
    )


def _notes(relative: FloatArray, chi2: float | None) -> tuple[str, ...]:
    notes = []
    if chi2 is None:
        notes.append("two temperatures: nothing tests whether the line is straight")
    elif chi2 > 2:
        notes.append(
            f"chi² per degree of freedom is {chi2:.1f}: the points scatter more than "
            "their errors allow, or the mechanism changes"
        )
    if relative.max() > 0.5:
        notes.append("a coefficient is uncertain by more than half: ln D is skewed")
    return tuple(notes)
