"""The command learn: a potential fine-tuned on first-principles labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson

if TYPE_CHECKING:
    from ionface.workflows.learn import Learned


@app.command()
def learn(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PROJECT|DATA...",
            help="Projects with spot checks, extended XYZ files, VASP folders.",
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="The potential that learns: a SevenNet.")
    ] = "sevennet",
    stored: Annotated[
        bool, typer.Option(help="Learn from the stored structures too.")
    ] = True,
    epochs: Annotated[int, typer.Option(help="Passes over the data.", min=1)] = 25,
    folder: Annotated[
        Path,
        typer.Option(
            "--folder",
            help="Of trainings, each by its data: the same go on, others start anew.",
        ),
    ] = Path("ionface-learn"),
    as_json: AsJson = False,
) -> None:
    """Fine-tune a potential, judge it by structures kept back, and keep it."""
    import json

    from ionface.analysis.yardstick.training_set import cutoffs_told
    from ionface.workflows.cli.console import job_progress, tell_notes
    from ionface.workflows.engines.ase.learned import record_of
    from ionface.workflows.engines.ase.sevennet_training import TrainingSettings
    from ionface.workflows.learn import (
        Learning,
        expected_minutes,
        frames_to_learn_from,
    )
    from ionface.workflows.learn import learn as learn_from

    frames = frames_to_learn_from(sources or [], with_stored=stored)
    tell_notes(cutoffs_told(frames))
    settings = Learning(base, TrainingSettings(epochs=epochs))
    minutes = expected_minutes(frames, settings)
    tell_notes(
        [
            f"{len(frames)} structures, {epochs} epochs: about {minutes:.0f} min of "
            "one core, within a factor of two; what was stopped goes on"
        ]
    )
    with job_progress("learn") as shown:
        found = learn_from(frames, settings, folder.resolve(), shown.stage)
    if as_json:
        typer.echo(json.dumps({"engine": found.engine, **record_of(found.engine)}))
    else:
        _tell(found)


def _tell(found: Learned) -> None:
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli.analyze_files import print_result
    from ionface.workflows.cli.console import tell_notes

    print_result(kinds()["yardstick"], found.held_out)
    if found.decay is not None:
        typer.echo(f"forces of other chemistry moved by {found.decay:.3f} eV/Å (rms)")
    typer.echo(f"engine: {found.engine}")
    tell_notes(
        f"no better, and kept only to be looked at: {why}" for why in found.refusals
    )
