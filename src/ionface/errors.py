"""Failures that a user can mend: the message names the rule, the value, the way out."""

from __future__ import annotations


class IonfaceError(Exception):
    """A failure that a user caused or can cure; shown without a traceback.

    The message names the rule, the value and the way out.

    >>> import ionface
    >>> try:
    ...     ionface.engine("sevenet")
    ... except IonfaceError as error:
    ...     print(str(error)[:50])
    unknown engine 'sevenet'; did you mean 'sevennet'?
    """


class StructureError(IonfaceError, ValueError):
    """A structure that was refused; the message says where, why and what to do."""


class AnalysisError(IonfaceError, ValueError):
    """An input cannot be analyzed: the file, the choice or the physics forbids it."""


class LedgerError(AnalysisError):
    """Energies must not be combined: they differ in level, cell, atoms or state."""


class TrajectoryError(AnalysisError):
    """A trajectory cannot be read, written or joined."""


class UnknownTimeError(AnalysisError):
    """What was asked needs the time between frames, which nothing tells."""


class InputError(IonfaceError):
    """The input is wrong, or asks for what is not emulated; VASP would stop too."""


class NotInstalledError(IonfaceError):
    """A package is not installed on this machine; the input may be right."""


class BusyError(IonfaceError):
    """Another process holds what is needed; trying again later may succeed."""


class KilledError(IonfaceError):
    """A program was killed: not by its own fault, so running it again may succeed."""
