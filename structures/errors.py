"""The exception for structures that cannot or must not be built."""

from __future__ import annotations


class StructureError(ValueError):
    """A structure that was refused; the message says where, why and what to do."""
