"""Failures that the user can mend, told by rule, value and way out."""

from __future__ import annotations


class AnalysisError(ValueError):
    """An input cannot be analyzed: the file, the choice or the physics forbids it."""


class LedgerError(AnalysisError):
    """Energies must not be combined: they differ in level, cell, atoms or state."""


class TrajectoryError(AnalysisError):
    """A trajectory cannot be read, written or joined."""
