"""What `ionface doctor` says of one thing. Imports nothing, so that --help is fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what.
        state: "ok", "missing" (an option not installed) or "broken".
        detail: version, path or reason.
        way_out: what to do, where there is something to do.
    """

    subject: str
    state: str
    detail: str
    way_out: str = ""
