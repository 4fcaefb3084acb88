"""Whether a run may be trusted: temperature, conserved energy, time step, gaps.

Every check compares a number with a threshold whose reason is told beside it, and says
'sound', 'doubtful: why' or 'unknown: what is missing'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance, Result, number_of, plain
from ionface.analysis.run_checks.checks import (
    SIGNIFICANT,
    Check,
    conserved,
    expected_deviation,
    fluctuation,
    gaps,
    mean_temperature,
    pressure,
    temperature_trend,
    time_step,
)
from ionface.analysis.run_checks.temperature import degrees_of_freedom, temperatures
from ionface.analysis.statistics import correlated_mean, equilibrated_from, trend
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
