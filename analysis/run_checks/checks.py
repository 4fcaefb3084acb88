"""Each check of a run: one number against a threshold, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.result import number_of
from ionface.analysis.run_checks.pressure import pressures
from ionface.analysis.statistics import TOO_SHORT, correlated_mean, inefficiency, trend
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory

TEMPERATURE_OFFSET = 0.02
"""Of the target: 2 % change a diffusion coefficient with Ea = 0.3 eV at 300 K by a
quarter (Ea/kT times 2 %), as much as a good error bar."""

TEMPERATURE_TREND = 0.05
"""Of the mean, over the run: beyond, the two ends of the run are different states."""

FLUCTUATION = (0.75, 1.33)
"""Measured over canonical standard deviation: a quarter off means that the thermostat
damps or drives the motion (a canonical ensemble has sqrt(2 / N_freedom) T; McQuarrie,
Statistical Mechanics, section 3-3)."""

CONSERVED_DRIFT = 1e-3
"""eV/atom/ps: the heat of 1 meV per atom is 4 K (3 kB per atom, half of it kinetic), so
that a run of 20 ps would be off by 80 K but for the thermostat. Sound AIMD stays ten
times below."""

HIGHEST_PRESSURE = 0.3
"""GPa, of the mean: with bulk moduli of 20 to 100 GPa, lattice constants are off by 0.1
to 0.5 %; published cells in a potential's hands are under 2 to 5 GPa."""

STEP_WITH_HYDROGEN = 1.0
"""fs: a tenth of the shortest period, that of X-H stretching (9-11 fs)."""

STEP_WITHOUT_HYDROGEN = 3.0
"""fs: a tenth of the period of P-O or C-O stretching (about 30 fs); 2 fs are usual."""

NO_STEP = 10.0
"""fs: nobody integrates with longer steps; the frames are then numbered one by one, and
the files do not tell how many steps lie between them."""

SIGNIFICANT = 3.0
"""Standard errors that a deviation must have, beside its size."""


@dataclass(frozen=True)
class Check:
    """One number against its threshold.

    Attributes:
        name: what is checked.
        value: as measured, in `unit`; NaN if unknown.
        allowed: lowest and highest value that is sound.
        unit: of both.
        verdict: 'sound', 'doubtful' or 'unknown'.
        why: in a sentence.
    """

    name: str
    value: float
    allowed: tuple[float, float]
    unit: str
    verdict: str
    why: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Check:
        """Return the check that a row of `RunChecks` tells."""
        allowed = (number_of(row["lowest"]), number_of(row["highest"]))
        value = number_of(row["value"])
        return cls(
            row["check"], value, allowed, row["unit"], row["verdict"], row["why"]
        )


def canonical_deviation(temperature: float, freedom: int) -> float:
    """Return the standard deviation of the temperature in a canonical ensemble, K.

    Args:
        temperature: K.
        freedom: degrees of freedom: 3N, less 3 where the center of mass rests.
    """
    return float(temperature * np.sqrt(2.0 / freedom))


def mean_temperature(steady: FloatArray, target: float) -> Check:
    """Return whether the mean is the thermostat's temperature."""
    name, unit = "mean temperature", "K"
    if len(steady) < 3:
        return _unknown(name, unit, "no temperatures are stored")
    mean, error = float(steady.mean()), correlated_mean(steady).error
    if not np.isfinite(target):
        return Check(
            name, mean, (np.nan, np.nan), unit, "unknown", "no target temperature given"
        )
    low, high = (target * (1 + s * TEMPERATURE_OFFSET) for s in (-1, 1))
    wrong = not low <= mean <= high
    word = _judged(wrong, abs(mean - target), error, float(steady.std()))
    why = f"{_with_error(mean, error, 1)} K, target {target:g} K"
    return Check(name, mean, (low, high), unit, word, why)


def expected_deviation(steady: FloatArray, target: float, freedom: int) -> float:
    """Return the canonical deviation at the target, or at the mean, K."""
    mean = float(steady.mean()) if len(steady) else np.nan
    return canonical_deviation(target if np.isfinite(target) else mean, freedom)


def fluctuation(steady: FloatArray, target: float, freedom: int) -> Check:
    """Return whether the temperature fluctuates as in a canonical ensemble."""
    name, unit = "temperature fluctuation", "of the canonical one"
    if len(steady) < 10:
        return _unknown(name, unit, "fewer than ten temperatures are stored")
    expected = expected_deviation(steady, target, freedom)
    ratio = float(steady.std(ddof=1)) / expected
    # squared deviations are correlated half as long, and half as many count
    squares = (steady - steady.mean()) ** 2
    independent = len(steady) / float(inefficiency(squares))
    noise = SIGNIFICANT / np.sqrt(2 * max(independent, 2.0))  # of a sound run's own
    low, high = FLUCTUATION
    why = (
        f"{steady.std(ddof=1):.1f} K, canonical {expected:.1f} K for {freedom} degrees "
        "of freedom"
    )
    if not low * (1 - noise) <= ratio <= high * (1 + noise):
        return Check(name, ratio, FLUCTUATION, unit, "doubtful", why)
    if low <= ratio <= high and independent >= TOO_SHORT:
        return Check(name, ratio, FLUCTUATION, unit, "sound", why)
    why += f"; {independent:.0f} independent values are too few to tell"
    return Check(name, ratio, FLUCTUATION, unit, "unknown", why)


def temperature_trend(when: FloatArray, steady: FloatArray) -> Check:
    """Return whether the run heats up or cools down."""
    name, unit = "temperature trend", "of the mean, over the run"
    if len(steady) < 10:
        return _unknown(name, unit, "fewer than ten temperatures are stored")
    line = trend(when, steady)
    change, error = (x * (when[-1] - when[0]) for x in (line.slope, line.error))
    share = change / float(steady.mean())
    word = _judged(abs(share) > TEMPERATURE_TREND, abs(change), error, line.scatter)
    why = f"{_with_error(change, error, 1, '+')} K over {_ps(when[-1] - when[0])} ps"
    allowed = (-TEMPERATURE_TREND, TEMPERATURE_TREND)
    return Check(name, share, allowed, unit, word, why)


def conserved(trajectory: Trajectory) -> Check:
    """Return whether the conserved energy is conserved."""
    name, unit = "drift of the conserved energy", "eV/atom/ps"
    energy = trajectory.scalars["conserved"]
    known = np.isfinite(energy) & np.isfinite(trajectory.times_fs)
    if known.sum() < 10:
        return _unknown(name, unit, "fewer than ten conserved energies are stored")
    line = trend(trajectory.times_fs[known] / 1000, energy[known] / trajectory.n_atoms)
    span = np.ptp(trajectory.times_fs[known]) / 1000
    word = _judged(
        abs(line.slope) > CONSERVED_DRIFT,
        abs(line.slope) * span,
        line.error * span,
        line.scatter,
    )
    why = f"{_with_error(1000 * line.slope, 1000 * line.error, 3, '+')} meV/atom/ps"
    allowed = (-CONSERVED_DRIFT, CONSERVED_DRIFT)
    return Check(name, line.slope, allowed, unit, word, why)


def time_step(trajectory: Trajectory) -> Check:
    """Return whether the time step resolves the fastest vibration."""
    name, unit = "time step", "fs"
    times, steps = np.diff(trajectory.times_fs), np.diff(trajectory.steps)
    good = np.isfinite(times) & (times > 0) & (steps > 0)
    if not good.any():
        return _unknown(name, unit, "the files tell no time step")
    step = float(np.median(times[good] / steps[good]))
    if step > NO_STEP and int(np.median(steps[good])) == 1:
        why = f"frames are {step:g} fs apart and numbered one by one, not by steps"
        return _unknown(name, unit, why)
    hydrogen = bool({"H", "D"} & set(trajectory.species))
    most = STEP_WITH_HYDROGEN if hydrogen else STEP_WITHOUT_HYDROGEN
    wrong = step > most * (1 + 1e-6)
    why = (
        f"{step:g} fs {'with' if hydrogen else 'without'} hydrogen, at most {most:g} fs"
    )
    return Check(name, step, (0.0, most), unit, _word(wrong), why)


def gaps(trajectory: Trajectory) -> Check:
    """Return whether frames are missing, unreadable, or out of order."""
    name, unit = "missing frames", "frames"
    steps = np.diff(trajectory.steps)
    usual = int(np.median(steps)) if len(steps) else 1
    if usual <= 0 or (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        why = f"the steps do not grow after frame {at}: segments overlap"
        return Check(name, np.nan, (0.0, 0.0), unit, "doubtful", why)
    missing = int(np.sum(np.maximum(0, np.rint(steps / usual) - 1)))
    lost = trajectory.skipped.count
    why = f"{missing} missing between steps, {lost} unreadable"
    if missing:
        at = int(np.argmax(steps > usual))
        why += f"; the first gap follows step {trajectory.steps[at]}"
    total = float(missing + lost)
    return Check(name, total, (0.0, 0.0), unit, _word(missing + lost > 0), why)


def pressure(trajectory: Trajectory) -> tuple[Check, ...]:
    """Return whether the cell is at rest; nothing where no stress is told."""
    series = pressures(trajectory)
    if series is None:
        return ()
    known = series[np.isfinite(series)]
    mean = float(known.mean())
    error = correlated_mean(known).error if len(known) > 2 else np.nan
    verdict = _pressed(abs(mean), error)
    word = "pressure" if mean > 0 else "tension"
    why = f"{_with_error(mean, error, 2, '+')} GPa"
    if verdict == "doubtful":
        why += f": under {word}"
    elif np.isfinite(reach := abs(mean) + SIGNIFICANT * error) and verdict != "sound":
        why += f": up to {reach:.2f} GPa of {word} are within three standard errors"
    allowed = (-HIGHEST_PRESSURE, HIGHEST_PRESSURE)
    return (Check("mean pressure", mean, allowed, "GPa", verdict, why),)


def _pressed(size: float, error: float) -> str:
    """Return the verdict on the size of a mean pressure, GPa.

    It is known to be high, or to be low, or not known; no error excuses none.
    """
    if np.isnan(error):
        return "doubtful" if size > HIGHEST_PRESSURE else "unknown"
    if size > max(HIGHEST_PRESSURE, SIGNIFICANT * error):
        return "doubtful"
    return "sound" if size + SIGNIFICANT * error <= HIGHEST_PRESSURE else "unknown"


def _unknown(name: str, unit: str, why: str) -> Check:
    return Check(name, np.nan, (np.nan, np.nan), unit, "unknown", why)


def _judged(large: bool, deviation: float, error: float, scatter: float) -> str:
    """Return the verdict on a deviation: it must be large, and more than noise.

    A series that is too short for an error may still be far from where it should be:
    farther than it strays within itself.
    """
    if not large:
        return "sound"
    if np.isnan(error):
        return "doubtful" if deviation > SIGNIFICANT * scatter else "unknown"
    return _word(deviation > SIGNIFICANT * error)


def _with_error(value: float, error: float, digits: int, sign: str = "") -> str:
    if np.isnan(error):
        return f"{value:{sign}.{digits}f} (too short for an error)"
    return f"{value:{sign}.{digits}f} ± {error:.{digits}f}"


def _ps(time_fs: float) -> str:
    return f"{time_fs / 1000:.3g}"


def _word(wrong: bool) -> str:
    return "doubtful" if wrong else "sound"
