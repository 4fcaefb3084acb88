"""How far a run is, in a notebook: one bar of jobs, one line for each job at work."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from ionface.workflows.projects.observer import Observer

EVERY_S = 0.3  # between two looks; more often, a browser only flickers


def notebook_observer() -> Observer | None:
    """Return what shows the progress in this notebook; None where there is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    # a terminal's IPython shows no HTML
    return NotebookObserver() if hasattr(shell, "kernel") else None


class NotebookObserver(Observer):
    """Shows jobs and steps below the cell that runs them."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html: Any = HTML
        self._shown: Any = display(HTML(""), display_id=True)
        self._working: dict[str, str] = {}
        self._number, self._total, self._told = 0, 1, 0.0

    def job(self, name: str, number: int, total: int) -> None:
        """Show that a job begins."""
        self._working[name] = ""
        self._number, self._total = number, total
        self._show()

    def step(self, name: str, done: int, total: int | None, note: str) -> None:
        """Show how far a job is."""
        self._working[name] = f"{done}{f' of {total}' if total else ''} {note}".strip()
        if time.monotonic() - self._told > EVERY_S:
            self._show()

    def ended(self, name: str) -> None:
        """Show that a job has ended."""
        self._working.pop(name, None)
        self._number += 1
        self._show()

    def html(self) -> str:
        """Return what is shown."""
        lines = "".join(
            f"<br><code>{escape(name)}</code> {escape(text)}"
            for name, text in self._working.items()
        )
        done = min(self._number, self._total)
        return (
            f'<progress value="{done}" max="{self._total}"></progress> '
            f"{done} of {self._total} jobs{lines}"
        )

    def _show(self) -> None:
        self._told = time.monotonic()
        self._shown.update(self._html(self.html()))
