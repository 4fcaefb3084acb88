"""What the commands `inputs` and `plan` do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.console import job_progress, messages, table
from ionface.workflows.engines.registry import configured
from ionface.workflows.study import study_files
from ionface.workflows.study.study import quickened

if TYPE_CHECKING:
    from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
    from ionface.workflows.study.study import Study

ENGINES = ("vasp", "vasp-double")


def vasp_study(name: str, engine: str, quick: bool) -> tuple[Study, VaspEngine]:
    """Return a study with a VASP engine that its settings configure.

    Raises:
        IonfaceError: the engine is not VASP.
    """
    from ionface.workflows.engines.vasp.vasp_engine import vasp, vasp_double

    if engine not in ENGINES:
        raise IonfaceError(
            f"--engine {engine}: inputs and plans are made for VASP; give one of "
            f"{', '.join(ENGINES)}, or use ionface run"
        )
    study = study_files.load(name).with_engine(engine)
    study = quickened(study) if quick else study
    found = vasp() if engine == "vasp" else vasp_double()
    return study, configured(found, study)


def show_plan(
    name: str,
    engine: str,
    budget: float | None,
    project: Path | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Print what a study costs, and refuse what exceeds the budget."""
    from ionface.workflows.planning.plan import (
        check_budget,
        check_memory,
        check_walltime,
        plan,
        table_rows,
    )

    study, configured = vasp_study(name, engine, quick)
    with job_progress(f"building {study.name}"):
        found = plan(study, configured, project)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        table(*table_rows(found))
        source = (
            f"the model times {found.correction:.2f}, from {found.measured} runs"
            if found.measured
            else "the model alone, good to a factor of three"
        )
        typer.echo(
            f"{found.core_hours:,.0f} core-hours on {found.cores} cores a job, "
            f"{found.disk_gb:.1f} GB on disk ({source})"
        )
    settings = configured.waves.settings
    check_walltime(found, settings)
    check_memory(found, settings.memory)
    check_budget(found, budget)


def write_by_hand(name: str, engine: str, out: Path, quick: bool, spec: bool) -> None:
    """Write the input directories of a study."""
    from ionface.workflows.planning.input_folders import write_inputs

    study, configured = vasp_study(name, engine, quick)
    with job_progress(f"building {study.name}"):
        written = write_inputs(study, configured, out, spec=spec or None)
    table(
        ["directory", "atoms", "after"],
        [
            [
                str(entry.folder.relative_to(out)),
                str(len(entry.job.run.structure)),
                entry.job.after or "",
            ]
            for entry in written
        ],
    )
    kind = "POTCAR" if (written[0].folder / "POTCAR").is_file() else "POTCAR.spec"
    messages.print(f"wrote {len(written)} directories with {kind}; see {out}/README.md")
