"""The Slurm script of one directory: hand on, run in stages, go on in parts."""

from __future__ import annotations

import json

from ionface.workflows.planning.planned_jobs import PlannedJob
from ionface.workflows.study.naming import slug
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
    body = _dynamics_body(job) if job.kind == "dynamics" else _body(job)
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
    """Return the lines that put the final positions of the job before into POSCAR.

    Velocities that the POSCAR holds stay: only the rows of positions are replaced.
    """
    count = len(job.run.structure)
    stages = ["first/POSCAR", "POSCAR"] if job.stages == 2 else ["POSCAR"]
    keep = [
        "if [ ! -e .started ]; then",
        f"  test -s ../{before}/CONTCAR  # the job before has to be finished",
    ]
    for poscar in stages:
        keep += [
            f"  awk -v n={count} 'function head(f) {{ return (f ~ /^[Ss]/) ? 9 : 8 }}"
            " FNR == NR { line[FNR] = $0; if (FNR == 8) h = head($1); next }"
            " FNR == 8 { g = head($1) }"
            " { i = FNR - g; print (FNR > 8 && i >= 1 && i <= n) ? line[h + i] : $0 }'"
            f" ../{before}/CONTCAR {poscar} > POSCAR.new && mv POSCAR.new {poscar}",
        ]
    return [*keep, "  touch .started", "fi", ""]


def _body(job: PlannedJob) -> list[str]:
    lines = []
    if job.stages == 2:
        lines += [
            "if [ ! -s first/WAVECAR ]; then run_vasp first; fi",
            "if [ ! -s WAVECAR ]; then cp first/WAVECAR WAVECAR; fi",
        ]
    if job.kind == "relax":
        lines += ["if [ -s CONTCAR ]; then cp CONTCAR POSCAR; fi  # submitted again"]
    return [*lines, "run_vasp ."]


def _dynamics_body(job: PlannedJob) -> list[str]:
    return [
        f"STEPS={job.steps}",
        "done_steps() {  # frames of all parts; each later part repeats one",
        "  local n=0 k=0 f",
        "  for f in part-*/vasprun.xml; do",
        '    [ -e "$f" ] || continue',
        "    n=$((n + $(grep -c '</calculation>' \"$f\" || true))); k=$((k + 1))",
        "  done",
        "  echo $((n - (k > 1 ? k - 1 : 0)))",
        "}",
        "# a part that died before its first step, or while it wrote where it stood",
        "for part in $(ls -dr part-* 2> /dev/null || true); do",
        '  if [ -s "$part/CONTCAR" ] && \\',
        "     grep -qs '</calculation>' \"$part/vasprun.xml\"; then break; fi",
        '  mv "$part" "$(mktemp -d aside-XXXXXX)"  # kept for a look; not counted',
        "done",
        "finished=$(done_steps)",
        'if [ "$finished" -ge $STEPS ]; then exit 0; fi',
        "last=$(ls -d part-* 2> /dev/null | tail -1 || true)",
        "number=1",
        'if [ -n "$last" ]; then number=$((10#${last#part-} + 1)); fi',
        "part=$(printf 'part-%03d' $number)",
        'mkdir "$part"; cp INCAR KPOINTS POTCAR "$part"',
        'if [ -n "$last" ] && [ -s "$last/CONTCAR" ] && [ "$finished" -gt 0 ]; then',
        '  cp "$last/CONTCAR" "$part/POSCAR"  # positions, velocities, thermostat',
        '  sed -i "s/^NSW = .*/NSW = $((STEPS - finished + 1))/" "$part/INCAR"',
        '  if [ -s "$last/WAVECAR" ]; then mv "$last/WAVECAR" "$part/WAVECAR"; fi',
        "else",
        '  cp POSCAR "$part/POSCAR"',
        "fi",
        'run_vasp "$part"',
        "now=$(done_steps)",
        'if [ "$now" -lt $STEPS ] && [ "$now" -gt "$finished" ]; then',
        # by hand, on a machine that has sbatch, nothing is submitted behind one's back
        '  if [ -n "${SLURM_JOB_ID:-}" ]; then sbatch job.sh; fi',
        "fi",
    ]
