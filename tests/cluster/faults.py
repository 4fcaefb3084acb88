"""Faults on a real Slurm and a real MongoDB, each with what was lost: run by hand.

    python tests/cluster/faults.py [--only NAME] [--rounds N] [--write docs/cluster.md]

Needs root. Every case submits a study, lets VASP's stand-in run in a batch job, breaks
something, and then does what a user does: `ionface recover`, until all is done. Counted
are finished jobs that were lost, jobs computed more than once, jobs of which two ran at
the same time, and steps of dynamics that were computed again.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lab import Lab, why_not
from named_faults import CASES, papers
from random_faults import soak


def table(counts):
    lines = [
        "| fault | jobs done | finished jobs lost | computed twice | two at once | "
        "steps repeated | noticed after, s | remark |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in counts:
        noticed = "-" if c.noticed_s is None else f"{c.noticed_s:.0f}"
        lines.append(
            f"| {c.name} | {c.done} of {c.jobs} | {c.lost} | {c.doubled} "
            f"| {c.together} | {c.repeated} | {noticed} | {c.note} |"
        )
    return "\n".join(lines) + "\n"


def write_table(path, counts):
    """Put the table between the marks of a document."""
    text = path.read_text()
    begin, end = "<!-- faults -->\n", "<!-- end of faults -->"
    head, _, rest = text.partition(begin)
    path.write_text(head + begin + table(counts) + end + rest.partition(end)[2])


def run(case, lab, **options):
    begun = time.monotonic()
    count = case(lab, **options)
    count.name = case.__doc__.strip()
    count.wall_s = time.monotonic() - begun
    return count


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=0, help="of random faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--keep", type=Path, help="folder of the lab, kept")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(f"no lab here: {reason}")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="ionface-lab-"))
    counts = []
    with Lab(folder) as lab:
        for case in [*CASES, papers]:
            if options.only and case.__name__ not in options.only:
                continue
            counts.append(run(case, lab))
            say(json.dumps(counts[-1].__dict__))
        if options.rounds:
            counts.append(run(soak, lab, rounds=options.rounds, seed=options.seed))
            counts[-1].name = f"{counts[-1].faults} random faults, 30 jobs"
            say(json.dumps(counts[-1].__dict__))
    say(table(counts))
    if options.write:
        write_table(options.write, counts)
    sys.exit(not all(count.good for count in counts))


if __name__ == "__main__":
    main()
