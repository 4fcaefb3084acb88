"""One run of CP2K in a folder, under MPI or not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ionface.files import write_atomically
from ionface.workflows.engines.cp2k.data_sets import program_path
from ionface.workflows.engines.cp2k.inputs import DENSITY
from ionface.workflows.engines.cp2k.outputs import OUTPUT
from ionface.workflows.engines.cp2k.settings import Cp2kSettings
from ionface.workflows.engines.dft.program import command, failure, starting

INPUT = "cp2k.inp"
LOOK_S = 2.0  # between two looks at how far a run is


def density_in(folder: Path, gamma: bool) -> bool:
    """Tell whether a folder has wave functions to begin with."""
    return (folder / DENSITY[gamma]).is_file()


def run(
    program: Cp2kSettings,
    folder: Path,
    text: str,
    look: Callable[[], None] | None = None,
) -> str:
    """Run CP2K with an input, and return its output.

    Args:
        program: with ranks and the command of MPI.
        folder: where it works.
        text: of the input.
        look: called now and then while it runs.

    Raises:
        IonfaceError: CP2K failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / OUTPUT
    output.unlink(missing_ok=True)  # CP2K would append
    write_atomically(folder / INPUT, text)
    words = command(program, [program_path(), "-i", INPUT, "-o", OUTPUT])
    with (
        starting(program, words) as environment,
        (folder / "cp2k.err").open("w") as errors,
    ):
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=errors, stderr=errors
        )
    try:
        _wait(process, look)
    except BaseException:
        process.terminate()
        process.wait()  # nobody else may begin here while it still writes
        raise
    said = output.read_text(errors="replace") if output.is_file() else ""
    if process.returncode:
        raise failure(_failure(said, folder), process)
    return said


def _wait(process: subprocess.Popen[bytes], look: Callable[[], None] | None) -> None:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_S)
            return
        if look is not None:
            look()


def _failure(said: str, folder: Path) -> str:
    """Return why CP2K ended: what it wrote into its box, else its last words."""
    _, found, box = said.rpartition("[ABORT]")
    if found:
        lines = [line.strip(" *|/\\_O") for line in box.split("\n")[1:6]]
        why = " ".join(line for line in lines if line and ".F:" not in line)
    else:
        errors = (folder / "cp2k.err").read_text(errors="replace")
        lines = [line.strip() for line in (said + errors).split("\n") if line.strip()]
        why = lines[-1] if lines else "nothing"
    return (
        f"CP2K failed: {why!r}; see {folder / OUTPUT}. If memory ran out, take a "
        "machine with more, or a smaller model"
    )
