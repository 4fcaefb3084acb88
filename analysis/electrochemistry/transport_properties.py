"""Formulas from measurements to transport properties, in SI units throughout.

Sources: Bruce, Evans, Vincent, Solid State Ionics 28-30, 918 (1988),
doi:10.1016/0167-2738(88)90304-9 (transference number); Bard and Faulkner,
Electrochemical Methods, 2nd ed., section 10.3 (Warburg impedance).
"""

from __future__ import annotations

from ionface.errors import AnalysisError

# exact by the definition of the SI; scipy.constants costs a fifth of a second
AVOGADRO = 6.02214076e23
"""1/mol."""

FARADAY = 1.602176634e-19 * AVOGADRO
"""C/mol."""

GAS = 1.380649e-23 * AVOGADRO
"""J/(mol K)."""

STANDARD_TEMPERATURE = 298.15
"""K, 25 °C; where measurements tell no temperature."""


def positive(**values: float) -> None:
    """Refuse quantities that are not positive numbers, by name.

    Raises:
        AnalysisError: names the first of them.
    """
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise AnalysisError(
                f"{name.replace('_', ' ')} must be a positive number, got {value:g}"
            )


def ionic_conductivity(thickness: float, resistance: float, area: float) -> float:
    """Return σ = L / (R S), S/m.

    Args:
        thickness: L of the electrolyte, m.
        resistance: R of the electrolyte alone, Ω.
        area: S of one electrode, m².

    >>> round(0.01 * ionic_conductivity(0.548e-3, 18.6, 1e-4), 6)  # S/cm
    0.002946
    """
    positive(thickness=thickness, resistance=resistance, area=area)
    return thickness / (resistance * area)


def transference_number(
    initial_current: float,
    steady_current: float,
    initial_resistance: float,
    steady_resistance: float,
    voltage: float,
) -> float:
    """Return the cation's transference number, after Bruce and Vincent.

    t+ = Is (ΔV - I0 R0) / (I0 (ΔV - Is Rs)), for a small voltage on a symmetric cell.

    Args:
        initial_current: I0, A.
        steady_current: Is, A.
        initial_resistance: R0 of both interfaces before, Ω.
        steady_resistance: Rs of both interfaces in the steady state, Ω.
        voltage: ΔV, V.

    Raises:
        AnalysisError: currents of mixed sign, or interfaces that would take all of the
            voltage.

    >>> round(transference_number(10e-6, 6e-6, 300, 320, 10e-3), 5)
    0.5198
    """
    signs = {value > 0 for value in (initial_current, steady_current, voltage)}
    if 0 in (initial_current, steady_current, voltage) or len(signs) > 1:
        raise AnalysisError(
            f"currents of {initial_current:g} and {steady_current:g} A under "
            f"{voltage:g} V: both flow the way of the voltage; give all with one sign"
        )
    positive(initial_resistance=initial_resistance)
    positive(steady_resistance=steady_resistance)
    pairs = (
        ("I0 R0", initial_current, initial_resistance),
        ("Is Rs", steady_current, steady_resistance),
    )
    for name, current, resistance in pairs:
        if abs(current * resistance) >= abs(voltage):
            raise AnalysisError(
                f"the interfaces alone take {name} = {abs(current * resistance):.4g} V,"
                f" no less than the voltage of {abs(voltage):.4g} V, which leaves "
                "nothing for the electrolyte; check the units, and give the "
                "resistance of the interfaces without that of the electrolyte"
            )
    top = steady_current * (voltage - initial_current * initial_resistance)
    return top / (initial_current * (voltage - steady_current * steady_resistance))


def warburg_diffusion(
    coefficient: float,
    area: float,
    concentration: float,
    temperature: float = STANDARD_TEMPERATURE,
    charge: int = 1,
    *,
    as_printed: bool = False,
) -> float:
    """Return D = R²T² / (2 A² n⁴ F⁴ C² σ²) of a Warburg impedance, m²/s.

    Args:
        coefficient: σ of Z = σ ω^-1/2 (1 - j), Ω s^-1/2.
        area: A of the electrode, m².
        concentration: C of the ions that diffuse, mol/m³.
        temperature: K.
        charge: n of an ion.
        as_printed: with n²F² instead, as some papers print it. That is no diffusion
            coefficient: its unit is not m²/s, its number 10¹⁰ times as large.

    >>> f"{warburg_diffusion(20.0, 1.131e-4, 1000.0):.3g}"
    '6.93e-15'
    """
    positive(coefficient=coefficient, area=area, concentration=concentration)
    positive(temperature=temperature, charge=charge)
    power = 2 if as_printed else 4
    below = 2 * (area * concentration * coefficient) ** 2 * (charge * FARADAY) ** power
    return (GAS * temperature) ** 2 / below


def conductivity_of_diffusion(
    diffusion: float,
    concentration: float,
    temperature: float = STANDARD_TEMPERATURE,
    charge: float = 1.0,
) -> float:
    """Return σ = z²F²cD / (RT) of ions that move independently (Nernst-Einstein), S/m.

    Args:
        diffusion: D, m²/s.
        concentration: of the ions, mol/m³.
        temperature: K.
        charge: z of an ion.
    """
    positive(diffusion=diffusion, concentration=concentration, temperature=temperature)
    return (charge * FARADAY) ** 2 * concentration * diffusion / (GAS * temperature)


def diffusion_of_conductivity(
    conductivity: float,
    concentration: float,
    temperature: float = STANDARD_TEMPERATURE,
    charge: float = 1.0,
) -> float:
    """Return the D that a conductivity asks for (Nernst-Einstein), m²/s.

    Args:
        conductivity: σ, S/m.
        concentration: of the ions, mol/m³.
        temperature: K.
        charge: z of an ion.
    """
    positive(conductivity=conductivity)
    per = conductivity_of_diffusion(1.0, concentration, temperature, charge)
    return conductivity / per
