"""Run a study here from Python, as `ionface run` does from the command line."""

from __future__ import annotations

from pathlib import Path

from ionface.errors import IonfaceError
from ionface.workflows.projects import runner
from ionface.workflows.projects.notebook_progress import notebook_observer
from ionface.workflows.projects.observer import Observer
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import Results
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study import Study, quickened
from ionface.workflows.study.study_files import load


def run(
    study: Study | str | Path,
    project: str | Path,
    *,
    engine: str | None = None,
    quick: bool = False,
    workers: int = 1,
    observer: Observer | None = None,
) -> Results:
    """Run a study in a project directory, or go on with it; return what it found.

    Finished jobs are never computed again, so that running again resumes after an
    interruption and costs nothing after the end. The report lies in
    `project/report.html`.

    >>> from tempfile import TemporaryDirectory
    >>> from ionface.workflows.study.study_files import parse
    >>> facets = "surfaces: [{material: Al, miller: [1, 1, 1], layers: 2}]"
    >>> text = "{name: al, engine: ase.calculators.emt.EMT, %s}" % facets
    >>> with TemporaryDirectory() as folder:
    ...     found = run(parse(text, "al"), folder)
    >>> type(found).__name__
    'Results'

    Args:
        study: a Study, the name of a built-in one, or the path of a YAML file.
        project: directory; made if it is not there.
        engine: of all energies and dynamics, instead of the study's own.
        quick: small models and short runs: a rehearsal, no result.
        workers: jobs that run at a time, each in a process of its own if more than
            one; a script must then guard its start with `if __name__ == "__main__":`.
        observer: hears how far the run is; in a notebook, a bar is shown if none is
            given.

    Raises:
        IonfaceError: the study is not valid, the directory holds another one, or a
            job failed; the others are finished and kept.
    """
    if workers < 1:
        raise IonfaceError(f"workers={workers} must be at least 1")
    resolved = study if isinstance(study, Study) else load(study)
    resolved = resolved.with_engine(engine)
    opened = Project.create(Path(project), quickened(resolved) if quick else resolved)
    observer = observer or notebook_observer()
    outcome = runner.run(opened, observer, workers=workers)
    results, _ = write_report(opened)
    if outcome.failed:
        name, message = next(iter(outcome.failed.items()))
        raise IonfaceError(
            f"{len(outcome.failed)} jobs failed; the first is {name}: {message}. "
            "What finished is kept: mend the cause and run again"
        )
    return results
