"""The command that looks at everything that ionface needs."""

from __future__ import annotations

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what is installed, configured, reachable, and what to do about the rest."""
    from ionface.workflows.cluster.doctor import examine_all

    raise typer.Exit(examine_all(as_json))
