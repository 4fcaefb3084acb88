"""Writes a project's report: results, figures, one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

from workflows.project import Project
from workflows.results import Results, write_results


def write_report(project: Project) -> tuple[Results, Path]:
    """Write results/, figures and report.html; return the results and the path."""
    results = write_results(project)
    return results, project.root / "report.html"
