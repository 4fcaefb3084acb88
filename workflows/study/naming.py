"""Names that are safe as file names."""

from __future__ import annotations

import re


def seed_name(subject: str, seed: int) -> str:
    """Return how one of several runs of an interface is called."""
    return f"{subject} seed {seed}"


def slug(name: str) -> str:
    """Return a name that is safe as a file name, as in "LAGP|Li" -> "LAGP-Li"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
