"""Whether a run may be trusted: temperature, conserved energy, time step, gaps.

Every check compares a number with a threshold whose reason is told beside it, and says
'sound', 'doubtful: why' or 'unknown: what is missing'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.diffusion.unwrapped_positions import (
    Reference,
    fixed_atoms,
    masses,
    unwrapped_blocks,
)
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance, Result, number_of, plain
from ionface.analysis.run_checks.pressure import pressures
from ionface.analysis.statistics import (
    TOO_SHORT,
    correlated_mean,
    equilibrated_from,
    inefficiency,
    trend,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

_NUMBERS = {
    "temperature_k": "temperature",
    "temperature_error_k": "temperature_error",
    "temperature_std_k": "temperature_std",
    "canonical_std_k": "canonical_std",
    "equilibrated_fs": "equilibrated_fs",
    "target_k": "target",
}
_SERIES = {
    "times_fs": "times_fs",
    "temperatures_k": "temperatures",
    "potential_energy_ev": "potential_energy",
    "conserved_ev": "conserved",
}
"""Names in the file, which carry the unit, and attributes; null stands for NaN."""


@dataclass(frozen=True, repr=False)
class RunChecks(Result):
    """What a run's own records say about it.

    Attributes:
        checks: each of them.
        verdict: 'sound', 'doubtful: why', or 'unknown: what is missing'.
        duration_ps: from the first to the last frame.
        frames: how many.
        temperature: mean after equilibration, K; NaN if unknown.
        temperature_error: its standard error, K.
        temperature_std: standard deviation, K.
        canonical_std: what it should be, K.
        equilibrated_fs: time from which the temperature is steady.
        target: temperature of the thermostat, K; NaN if unknown.
        times_fs: of all frames, shape (n_frames,).
        temperatures: K, shape (n_frames,); NaN where unknown.
        potential_energy: eV, shape (n_frames,).
        conserved: conserved energy, eV, shape (n_frames,).
        n_atoms: number of atoms.
        notes: what else one should know, as the trend of the potential energy.
    """

    kind: ClassVar[str] = "checks"
    figure: ClassVar[str] = "ionface.analysis.figures.checks_figure:figure_checks"

    checks: tuple[Check, ...]
    verdict: str
    duration_ps: float
    frames: int
    temperature: float
    temperature_error: float
    temperature_std: float
    canonical_std: float
    equilibrated_fs: float
    target: float
    times_fs: FloatArray
    temperatures: FloatArray
    potential_energy: FloatArray
    conserved: FloatArray
    n_atoms: int
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per check, for a table."""
        for check in self.checks:
            yield {
                "check": check.name,
                "value": check.value,
                "lowest": check.allowed[0],
                "highest": check.allowed[1],
                "unit": check.unit,
                "verdict": check.verdict,
                "why": check.why,
            }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; what is unknown or unbounded is null."""
        return {
            "verdict": self.verdict,
            "checks": [plain(row) for row in self.rows()],
            "duration_ps": self.duration_ps,
            "frames": self.frames,
            **{key: plain(getattr(self, name)) for key, name in _NUMBERS.items()},
            "notes": list(self.notes),
            "n_atoms": self.n_atoms,
            **{key: plain(getattr(self, name)) for key, name in _SERIES.items()},
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the checks that `values` wrote."""
        known: dict[str, Any] = {}
        known |= {name: number_of(data[key]) for key, name in _NUMBERS.items()}
        known |= {name: np.array(data[k], dtype=float) for k, name in _SERIES.items()}
        return cls(
            checks=tuple(Check.from_row(row) for row in data["checks"]),
            verdict=data["verdict"],
            duration_ps=data["duration_ps"],
            frames=data["frames"],
            n_atoms=data["n_atoms"],
            notes=tuple(data["notes"]),
            provenance=provenance,
            **known,
        )

    def summary(self) -> str:
        """Return the verdict."""
        return self.verdict


def check_run(trajectory: Any, target_temperature: float | None = None) -> RunChecks:
    """Return the checks of a run with a thermostat, and the verdict of all together.

    Args:
        trajectory: whatever `open_trajectory` takes, with temperature and conserved
            energy where the source has them.
        target_temperature: of the thermostat, K; by default what the trajectory itself
            says (meta 'temperature_K').

    Raises:
        TrajectoryError: there are fewer than three frames.
    """
    trajectory = open_trajectory(trajectory)
    times = trajectory.times_fs
    if len(times) < 3:
        raise TrajectoryError(
            f"{len(times)} frames say nothing about a run; three are the least"
        )
    target = target_temperature
    if target is None:
        target = float(trajectory.meta.get("temperature_K") or np.nan)
    heat = temperatures(trajectory)
    known = np.isfinite(heat)
    usual = float(heat[known].mean()) if known.any() else target
    freedom = degrees_of_freedom(trajectory, usual)
    start = equilibrated_from(heat[known]) if known.sum() >= 3 else 0
    steady, when = heat[known][start:], times[known][start:]
    checks = (
        mean_temperature(steady, target),
        fluctuation(steady, target, freedom),
        temperature_trend(when, steady),
        conserved(trajectory),
        time_step(trajectory),
        gaps(trajectory),
        *pressure(trajectory),
    )
    enough = len(steady) >= 3
    return RunChecks(
        checks=checks,
        verdict=_verdict(checks),
        duration_ps=float(times[-1] - times[0]) / 1000,
        frames=len(times),
        temperature=float(steady.mean()) if enough else np.nan,
        temperature_error=correlated_mean(steady).error if enough else np.nan,
        temperature_std=float(steady.std(ddof=1)) if enough else np.nan,
        canonical_std=expected_deviation(steady, target, freedom),
        equilibrated_fs=float(when[0]) if enough else np.nan,
        target=target,
        times_fs=times,
        temperatures=heat,
        potential_energy=trajectory.scalars["potential_energy"],
        conserved=trajectory.scalars["conserved"],
        n_atoms=trajectory.n_atoms,
        notes=_notes(trajectory),
        provenance=Provenance.of(trajectory),
    )


def _notes(trajectory: Trajectory) -> tuple[str, ...]:
    energy = trajectory.scalars["potential_energy"]
    known = np.isfinite(energy) & np.isfinite(trajectory.times_fs)
    notes = list(trajectory.notes)
    if known.sum() >= 10:
        line = trend(
            trajectory.times_fs[known] / 1000, energy[known] / trajectory.n_atoms
        )
        if abs(line.slope) > SIGNIFICANT * line.error:
            notes.append(
                f"the potential energy changes by {1000 * line.slope:+.2f} ± "
                f"{1000 * line.error:.2f} meV/atom/ps: a reaction or relaxation goes on"
            )
    return tuple(notes)


def _verdict(checks: tuple[Check, ...]) -> str:
    doubts = [f"{c.name} ({c.why})" for c in checks if c.verdict == "doubtful"]
    if doubts:
        return f"doubtful: {'; '.join(doubts)}"
    missing = [f"{c.name} ({c.why})" for c in checks if c.verdict == "unknown"]
    return f"unknown: {'; '.join(missing)}" if missing else "sound"


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
    significant = not abs(mean) < SIGNIFICANT * error  # an unknown error excuses none
    wrong = abs(mean) > HIGHEST_PRESSURE and significant
    word = "pressure" if mean > 0 else "tension"
    why = f"{mean:+.2f} ± {error:.2f} GPa" + (f": under {word}" if wrong else "")
    allowed = (-HIGHEST_PRESSURE, HIGHEST_PRESSURE)
    return (Check("mean pressure", mean, allowed, "GPa", _word(wrong), why),)


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


KB = 8.617333262e-5
"""Boltzmann's constant, eV/K (CODATA 2018)."""

ACCELERATION = 0.009648533212331
"""Å²/fs² in one eV/u: a mass of 1 u with an energy of 1 eV."""


RESTS = 0.05
"""Of its thermal speed sqrt(3 kB T / M): slower, the center of mass rests; thermostats
that let it move give it all of that, rounding and drift far less."""

LOOKED = 256
"""Frames at the start from which the motion of the center of mass is seen."""


def degrees_of_freedom(trajectory: Trajectory, temperature: float = np.nan) -> int:
    """Return how many degrees of freedom carry the kinetic energy.

    Those of the atoms that are not fixed; three fewer where the center of mass rests.

    Args:
        trajectory: two frames at least.
        temperature: K, to tell a center of mass that rests from one that moves as atoms
            do; taken to rest if unknown.
    """
    held = len(fixed_atoms(trajectory))
    free = 3 * (trajectory.n_atoms - held)
    if held or free <= 3:
        return max(1, free)
    return free - 3 if _center_rests(trajectory, temperature) else free


def _center_rests(trajectory: Trajectory, temperature: float) -> bool:
    part = trajectory.between(0, min(len(trajectory), LOOKED))
    times = part.times_or_nan_fs
    steps = np.diff(times)
    if not (temperature > 0 and len(times) > 1 and (steps > 0).all()):
        return True
    weights = masses(part.species)
    base = Reference(np.arange(part.n_atoms), weights / weights.sum(), "")
    center = np.concatenate([base.of(b.positions) for b in unwrapped_blocks(part)])
    speed = np.linalg.norm(np.diff(center, axis=0), axis=1) / steps  # Å/fs
    thermal = np.sqrt(3 * KB * temperature / weights.sum() * ACCELERATION)
    return bool(np.sqrt(np.mean(speed**2)) < RESTS * thermal)


def temperatures(trajectory: Trajectory) -> FloatArray:
    """Return the temperature of each frame, K; NaN where nothing tells it.

    Of the kinetic energies where they are stored, T = 2 E_kin / (N_freedom kB): what a
    program calls temperature may count a center of mass that rests. Else as stored.

    Returns:
        Shape (n_frames,).
    """
    stored = trajectory.scalars["temperature"]
    kinetic = trajectory.scalars["kinetic_energy"]
    known = np.isfinite(kinetic)
    if not known.any():
        return stored
    rough = 2 * float(kinetic[known].mean()) / (3 * trajectory.n_atoms * KB)
    freedom = degrees_of_freedom(trajectory, rough)
    return np.asarray(2 * kinetic / (freedom * KB), dtype=np.float64)
