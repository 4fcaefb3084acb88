"""Names that are safe as file names."""

from __future__ import annotations

import re


def seed_name(subject: str, seed: int) -> str:
    """Return how one of several runs of an interface is called."""
    return f"{subject} seed {seed}"


def interface_name(subject: str, which: int) -> str:
    """Return how one of a sandwich's two interfaces is called, 0 or 1.

    The first lies on the substrate, the second on the film.
    """
    return f"{subject} interface {which + 1}"


def slug(name: str) -> str:
    """Return a name that is safe as a file name, as in "LAGP|Li" -> "LAGP-Li"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
