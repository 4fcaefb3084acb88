"""The ionic conductivity that a diffusion coefficient stands for."""

from __future__ import annotations

BOLTZMANN = 1.380649e-23  # J/K
CHARGE = 1.602176634e-19  # C


def nernst_einstein(
    coefficient: float,
    number: int,
    volume: float,
    temperature: float,
    charge: float = 1.0,
) -> float:
    """Return the ionic conductivity, S/cm, as if ions moved independently.

    Args:
        coefficient: D, Å²/fs.
        number: of mobile ions in the volume.
        volume: Å³; of the phase, not of a cell with vacuum.
        temperature: K.
        charge: of an ion, elementary charges.
    """
    density = number / volume * 1e30  # per m³
    mobility = charge * CHARGE * coefficient * 1e-5 / (BOLTZMANN * temperature)
    return density * charge * CHARGE * mobility / 100  # S/m to S/cm
