"""Whether a run may be trusted, as an analysis: its setting and what is shown."""

from __future__ import annotations

from dataclasses import dataclass

from ionface.analysis.kind import Kind, Progress
from ionface.analysis.report import tables
from ionface.analysis.run_checks.run_checks import RunChecks, check_run
from ionface.analysis.trajectory.trajectory import Trajectory


@dataclass(frozen=True)
class CheckChoices:
    """Whether a run may be trusted: temperature, energy, time step, gaps.

    Attributes:
        temperature: of the thermostat, K; what the run tells by default.
    """

    temperature: float | None = None


def _checks(
    trajectory: Trajectory, settings: CheckChoices, progress: Progress | None = None
) -> RunChecks:
    del progress
    return check_run(trajectory, settings.temperature)


CHECKS = Kind(
    RunChecks,
    "Checks of the runs",
    tables.check_contents,
    "A flat conserved energy is a sound integration.",
    CheckChoices,
    _checks,
)
