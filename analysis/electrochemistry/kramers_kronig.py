"""Whether a spectrum can be that of a linear cell that does not change.

Real and imaginary part of such a cell belong together. A sum of RC elements obeys these
relations whatever its resistances, so what no such sum fits violates them (Boukamp, J.
Electrochem. Soc. 142, 1885 (1995), doi:10.1149/1.2044210).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.electrochemistry.spectrum import Spectrum
from ionface.analysis.trajectory.frames import FloatArray

PER_DECADE = 6
"""RC elements; a constant-phase element is then met to 1e-4."""

BEYOND = 10.0
"""Time constants reach so far outside the measured range: a blocking tail goes on."""

LIMIT = 0.01
"""Of |Z|; root mean square above which a spectrum is refused belief. Good instruments
measure to 0.1-0.5 %, and drifting cells miss by several per cent."""


@dataclass(frozen=True)
class KramersKronig:
    """How well a sum of RC elements explains a spectrum.

    Attributes:
        residuals: complex, relative to |Z|, shape (n,).
        frequency: Hz, shape (n,).
        elements: number of RC elements.
    """

    residuals: NDArray[np.complex128]
    frequency: FloatArray
    elements: int

    @property
    def rms(self) -> float:
        """Return the root mean square of the residuals."""
        return float(np.sqrt(np.mean(np.abs(self.residuals) ** 2)))

    @property
    def passed(self) -> bool:
        """Tell whether the spectrum is that of a linear, steady cell."""
        return self.rms <= LIMIT

    @property
    def verdict(self) -> str:
        """Return what follows, in one sentence."""
        worst = int(np.argmax(np.abs(self.residuals)))
        most, at = abs(self.residuals[worst]), self.frequency[worst]
        told = (
            f"residuals of {100 * self.rms:.2g} % (root mean square), "
            f"{100 * most:.2g} % at {at:.3g} Hz"
        )
        if self.passed:
            return f"obeys Kramers-Kronig: {told}"
        return (
            f"FAILS Kramers-Kronig: {told}, more than {100 * LIMIT:g} %; the cell "
            "drifted, was driven beyond its linear range, or the reading is noisy: its "
            "numbers are not trustworthy, measure again"
        )


def kramers_kronig(spectrum: Spectrum) -> KramersKronig:
    """Return how well a sum of RC elements, a coil and a capacity fits a spectrum."""
    omega, z = spectrum.omega, spectrum.impedance
    slowest, fastest = omega.min() / BEYOND, omega.max() * BEYOND
    decades = np.log10(fastest / slowest)
    # real and imaginary parts must outnumber the elements, or anything is explained
    count = int(max(2, min(len(z) // 2, round(PER_DECADE * decades))))
    tau = 1 / np.geomspace(slowest, fastest, count)
    elements = 1 / (1 + 1j * omega[:, None] * tau)
    rest = np.stack([np.ones_like(z), 1j * omega, 1 / (1j * omega)], axis=1)
    design = np.concatenate([elements, rest], axis=1) / np.abs(z)[:, None]
    stacked = np.concatenate([design.real, design.imag])
    scale = np.linalg.norm(stacked, axis=0)
    target = z / np.abs(z)
    wanted = np.concatenate([target.real, target.imag])
    weights = np.linalg.lstsq(stacked / scale, wanted, rcond=1e-10)[0] / scale
    return KramersKronig(target - design @ weights, spectrum.frequency, count)
