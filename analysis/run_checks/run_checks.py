"""Whether a run may be trusted: temperature, conserved energy, time step, gaps.

Every check compares a number with a threshold whose reason is told beside it, and says
'sound', 'doubtful: why' or 'unknown: what is missing'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.diffusion.series import equilibrated_from, mean_error, trend
from ionface.analysis.run_checks.thermal import degrees_of_freedom, temperatures
from ionface.analysis.run_checks.thresholds import (
    SIGNIFICANT,
    Check,
    conserved,
    expected_deviation,
    fluctuation,
    gaps,
    mean_temperature,
    temperature_trend,
    time_step,
)
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError


@dataclass(frozen=True)
class RunChecks:
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
        notes: what else one should know, as the trend of the potential energy.
    """

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

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what is unknown or unbounded is null."""
        return {
            "verdict": self.verdict,
            "checks": [
                {name: _plain(value) for name, value in row.items()}
                for row in self.rows()
            ],
            "duration_ps": self.duration_ps,
            "frames": self.frames,
            "temperature_k": _plain(self.temperature),
            "temperature_error_k": _plain(self.temperature_error),
            "temperature_std_k": _plain(self.temperature_std),
            "canonical_std_k": _plain(self.canonical_std),
            "equilibrated_fs": _plain(self.equilibrated_fs),
            "target_k": _plain(self.target),
            "notes": list(self.notes),
        }


def check_run(
    trajectory: Trajectory, target_temperature: float | None = None
) -> RunChecks:
    """Return the checks of a run with a thermostat, and the verdict of all together.

    Args:
        trajectory: with temperature and conserved energy where the source has them.
        target_temperature: of the thermostat, K; by default what the trajectory itself
            says (meta 'temperature_K').

    Raises:
        TrajectoryError: there are fewer than three frames.
    """
    times = trajectory.times_fs
    if len(times) < 3:
        raise TrajectoryError(
            f"{len(times)} frames say nothing about a run; three are the least"
        )
    target = target_temperature
    if target is None:
        target = float(trajectory.meta.get("temperature_K") or np.nan)
    freedom = degrees_of_freedom(trajectory)
    heat = temperatures(trajectory)
    known = np.isfinite(heat)
    start = equilibrated_from(heat[known]) if known.sum() >= 3 else 0
    steady, when = heat[known][start:], times[known][start:]
    checks = (
        mean_temperature(steady, target),
        fluctuation(steady, target, freedom),
        temperature_trend(when, steady),
        conserved(trajectory),
        time_step(trajectory),
        gaps(trajectory),
    )
    enough = len(steady) >= 3
    return RunChecks(
        checks=checks,
        verdict=_verdict(checks),
        duration_ps=float(times[-1] - times[0]) / 1000,
        frames=len(times),
        temperature=float(steady.mean()) if enough else np.nan,
        temperature_error=mean_error(steady) if enough else np.nan,
        temperature_std=float(steady.std(ddof=1)) if enough else np.nan,
        canonical_std=expected_deviation(steady, target, freedom),
        equilibrated_fs=float(when[0]) if enough else np.nan,
        target=target,
        notes=_notes(trajectory),
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


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) or np.isfinite(value) else None
