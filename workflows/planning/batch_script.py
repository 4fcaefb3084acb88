"""The Slurm script of one directory: take the structure before, run VASP in stages.

It needs no ionface where it runs. Started again, it goes on: a relaxation from its
CONTCAR, dynamics in another run folder from the CONTCAR of the last one. How many steps
these have together is for the user to say; `ionface analyze` joins them, checks each
restart and leaves out what a later run repeats.
"""

from __future__ import annotations

import json

from ionface.workflows.planning.walk import PlannedJob
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.vasp_settings import VaspSettings

DEFAULT_WALLTIME_S = 24 * 3600


def batch_script(job: PlannedJob, before: str | None) -> str:
    """Return the Slurm script of a job.

    Args:
        job: what it computes.
        before: directory beside it whose CONTCAR it starts from.
    """
    settings = job.run.waves.settings
    seconds = settings.walltime_s or DEFAULT_WALLTIME_S
    gamma = all(n == 1 for n in job.run.kpoints().kpts[0])
    lines = [
        *_header(job.name, settings, seconds),
        f"VASP={json.dumps(_command(settings, gamma))}",
        f"RESERVE={settings.reserve}",
        f"SECONDS_LEFT={seconds}",
        "",
        *_stop_watch(),
        "",
        *(_from_contcar(before, job) if before else []),
    ]
    lines += [
        "[ -s POSCAR ] || { echo 'no POSCAR yet: see README.md' >&2; exit 1; }",
        "",
    ]
    body = _dynamics_body() if job.kind == "dynamics" else _body(job)
    return "\n".join([*lines, *body]) + "\n"


def _header(name: str, settings: VaspSettings, seconds: int) -> list[str]:
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    memory = f"#SBATCH --mem={settings.memory:g}G" if settings.memory else ""
    return [
        "#!/bin/bash",
        f"#SBATCH --job-name={slug(name.replace(' ', '-'))}",
        f"#SBATCH --ntasks={settings.cores}",
        f"#SBATCH --time={hours:02d}:{minutes:02d}:00",
        *([memory] if memory else []),
        "# partition, account and modules are the cluster's own: add them here",
        "set -euo pipefail",
        'cd "${SLURM_SUBMIT_DIR:-$(dirname "$0")}"',
        "",
    ]


def _command(settings: VaspSettings, gamma: bool) -> str:
    standard = settings.vasp_cmd or "srun vasp_std"
    own = settings.vasp_gamma_cmd or (
        standard if settings.vasp_cmd else "srun vasp_gam"
    )
    return own if gamma else standard


def _stop_watch() -> list[str]:
    return [
        "run_vasp() {  # in directory $1; asked to stop before the wall time is over",
        "  ( sleep $((SECONDS_LEFT - RESERVE - SECONDS)) & nap=$!",
        "    trap 'kill $nap' TERM  # no sleeper may outlive VASP and hold the job",
        '    wait $nap && echo "LSTOP = .TRUE." > "$1/STOPCAR" ) > /dev/null 2>&1 &',
        "  watch=$!",
        "  local failed=0",
        '  ( cd "$1" && $VASP > vasp.out ) || failed=$?',
        "  kill $watch 2> /dev/null || true",
        "  wait $watch 2> /dev/null || true",
        "  return $failed",
        "}",
    ]


def _from_contcar(before: str, job: PlannedJob) -> list[str]:
    """Return the lines that put the final structure of the job before into POSCAR.

    Both files have the same atoms and flags, so the same number of rows up to the last
    position; velocities that the POSCAR holds below them stay.
    """
    poscar = job.run.poscar()
    rows = 8 + len(job.run.structure) + (poscar.selective_dynamics is not None)
    stages = ["first/POSCAR", "POSCAR"] if job.description.stages == 2 else ["POSCAR"]
    take = [
        f"  {{ head -n {rows} ../{before}/CONTCAR; tail -n +{rows + 1} {poscar}; }} "
        f"> POSCAR.new && mv POSCAR.new {poscar}"
        for poscar in stages
    ]
    return [
        "if [ ! -e .started ]; then",
        f"  test -s ../{before}/CONTCAR  # the job before has to be finished",
        *take,
        "  touch .started",
        "fi",
        "",
    ]


def _body(job: PlannedJob) -> list[str]:
    lines = []
    if job.description.stages == 2:
        lines += [
            "if [ ! -s first/WAVECAR ]; then run_vasp first; fi",
            "if [ ! -s WAVECAR ]; then cp first/WAVECAR WAVECAR; fi",
        ]
    if job.kind == "relax":
        lines += ["if [ -s CONTCAR ]; then cp CONTCAR POSCAR; fi  # submitted again"]
    return [*lines, "run_vasp ."]


def _dynamics_body() -> list[str]:
    return [
        "# every start makes another run folder; a run that died before its first step",
        "# has no CONTCAR to go on from: remove its folder",
        "last=$(ls -d run-[0-9][0-9][0-9] 2> /dev/null | tail -1 || true)",
        "number=${last#run-}; next=$(printf 'run-%03d' $((10#${number:-0} + 1)))",
        'start=POSCAR; if [ -n "$last" ]; then start=$last/CONTCAR; fi',
        'test -s "$start"',
        'mkdir "$next"; cp INCAR KPOINTS POTCAR "$next"',
        'cp "$start" "$next/POSCAR"  # positions, velocities, thermostat',
        'run_vasp "$next"',
    ]
