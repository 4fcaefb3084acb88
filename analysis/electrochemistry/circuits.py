"""Three equivalent circuits, and where their fits start.

    blocking   R - Q                 electrolyte between metals that block its ions
    li-se-li   R - (R1 | Q)          electrolyte between electrodes that react
    randles    R - ((R1 - W) | Q)    the same, with diffusion in front of the electrode

Q is a constant-phase element, Z = 1 / (Q (jω)^n), W a semi-infinite Warburg element,
Z = σ ω^-1/2 (1 - j). Users fail at initial guesses most of all; these come from the
spectrum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.electrochemistry.spectrum import Spectrum
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

Impedance = NDArray[np.complex128]
FLATTEST, IDEAL = 0.3, 1.1
"""Limits of n. Above 1 is noise, which an error bar must be allowed to reach."""


@dataclass(frozen=True)
class Circuit:
    """One equivalent circuit.

    Attributes:
        name: as users call it.
        parameters: units by name, in the order of `impedance`'s argument; "n" and what
            begins with "n" is an exponent.
        impedance: of (ω in rad/s, parameters), Ω.
        guess: where the fit of a spectrum starts.
        electrolyte: the parameter that is the electrolyte's resistance.
    """

    name: str
    parameters: Mapping[str, str]
    impedance: Callable[[FloatArray, FloatArray], Impedance]
    guess: Callable[[Spectrum], FloatArray]
    electrolyte: str = "R"

    @property
    def exponents(self) -> NDArray[np.bool_]:
        """Tell which parameters are exponents; all others are positive."""
        return np.array([name.startswith("n") for name in self.parameters])


def constant_phase(omega: FloatArray, q: float, n: float) -> Impedance:
    """Return the impedance of a constant-phase element, Ω."""
    return np.asarray(1 / (q * (1j * omega) ** n))


def warburg(omega: FloatArray, coefficient: float) -> Impedance:
    """Return the impedance of semi-infinite diffusion, Ω."""
    return np.asarray(coefficient * omega**-0.5 * (1 - 1j))


def _parallel(a: Impedance | float, b: Impedance) -> Impedance:
    return a * b / (a + b)


def _blocking(omega: FloatArray, p: FloatArray) -> Impedance:
    return p[0] + constant_phase(omega, p[1], p[2])


def _symmetric(omega: FloatArray, p: FloatArray) -> Impedance:
    return p[0] + _parallel(p[1], constant_phase(omega, p[2], p[3]))


def _randles(omega: FloatArray, p: FloatArray) -> Impedance:
    faradaic = p[1] + warburg(omega, p[4])
    return p[0] + _parallel(faradaic, constant_phase(omega, p[2], p[3]))


def _blocking_guess(spectrum: Spectrum) -> FloatArray:
    """Return R where the phase is nearest to zero, Q and n from the lowest decade."""
    z, omega = spectrum.impedance, spectrum.omega
    resistance = z.real[np.argmin(np.abs(np.angle(z)))]
    low = np.arange(len(z)) >= len(z) - max(3, len(z) // 4)
    height = np.maximum(-z.imag[low], 1e-12)
    slope = -np.polyfit(np.log(omega[low]), np.log(height), 1)[0]
    n = float(np.clip(slope, 0.5, 1.0))
    q = np.sin(n * np.pi / 2) / (height[-1] * omega[low][-1] ** n)
    return np.array([resistance, q, n])


def _arc(spectrum: Spectrum) -> tuple[float, float, float]:
    """Return where an arc begins, how wide it is, and ω at its top."""
    z = spectrum.impedance
    start = float(max(z.real.min(), 1e-9))
    height = -z.imag
    inner = (height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:])
    tops = np.flatnonzero(inner) + 1
    # the first top counts that stands out: noise at high frequency has tops too
    tall = [k for k in tops if height[k] > 0.1 * height.max()]
    top = int(tall[0]) if tall else int(np.argmax(height))
    behind = height[top:]
    valley = top + (int(np.argmin(behind)) if tall else len(behind) - 1)
    width = max(float(z.real[valley]) - start, 1e-3 * abs(start))
    return start, width, float(spectrum.omega[top])


def _symmetric_guess(spectrum: Spectrum) -> FloatArray:
    start, width, omega = _arc(spectrum)
    n = 0.9
    return np.array([start, width, 1 / (width * omega**n), n])


def _randles_guess(spectrum: Spectrum) -> FloatArray:
    start, width, omega = _arc(spectrum)
    n = 0.9
    low = slice(-max(3, len(spectrum.omega) // 4), None)
    root = spectrum.omega[low] ** -0.5
    slope = float(np.polyfit(root, -spectrum.impedance.imag[low], 1)[0])
    slowest = abs(spectrum.impedance.imag[-1]) / root[-1]
    coefficient = slope if slope > 0 else max(float(slowest), 1e-9)
    return np.array([start, width, 1 / (width * omega**n), n, coefficient])


CIRCUITS = {
    circuit.name: circuit
    for circuit in (
        Circuit(
            "blocking",
            {"R": "Ω", "Q": "S s^n", "n": ""},
            _blocking,
            _blocking_guess,
        ),
        Circuit(
            "li-se-li",
            {"R": "Ω", "R1": "Ω", "Q": "S s^n", "n": ""},
            _symmetric,
            _symmetric_guess,
        ),
        Circuit(
            "randles",
            {"R": "Ω", "R1": "Ω", "Q": "S s^n", "n": "", "W": "Ω s^-1/2"},
            _randles,
            _randles_guess,
        ),
    )
}


def circuit(name: str) -> Circuit:
    """Return one of the circuits.

    Raises:
        AnalysisError: there is none of this name.
    """
    if name not in CIRCUITS:
        raise AnalysisError(f"unknown circuit {name!r}; have {sorted(CIRCUITS)}")
    return CIRCUITS[name]
