"""Whether a question is about a project here or about a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ionface.workflows.cluster.settings import is_configured

MARK = "submission.json"


def submission_of(project: Path, by_default: bool, cluster: bool) -> str | None:
    """Return the submission that is meant.

    Args:
        project: that was named.
        by_default: it was not named by the user.
        cluster: everything on the cluster is asked for.

    Returns:
        The digest of a project's submission; an empty text for all of the cluster;
        None for a project that is run here.
    """
    if cluster:
        return ""
    if mark := _told(project).get("submission"):
        return str(mark)
    if (project / "project.json").is_file() or not by_default:
        return None
    return "" if is_configured() else None


def manager_of(project: Path) -> str:
    """Return what manages a project's jobs."""
    return str(_told(project).get("manager", "fireworks"))


def _told(project: Path) -> dict[str, Any]:
    try:
        told = json.loads((project / MARK).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
