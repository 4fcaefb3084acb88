"""How a run of the stand-in ends early."""

from __future__ import annotations

from workflows.errors import IonfaceError


class InputError(IonfaceError):
    """The input is wrong, or asks for what is not emulated; VASP would stop too."""
