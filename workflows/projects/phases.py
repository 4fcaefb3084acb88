"""The phases of a project as one set, and what is known of their systems."""

from __future__ import annotations

from ionface.analysis.thermodynamics.literature import Literature
from ionface.structures.phases.library import known_phases, system_remarks


def literature() -> Literature:
    """Return what the phase library knows besides the cells."""
    return Literature(known_phases(), system_remarks())
