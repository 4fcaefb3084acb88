"""How long the command line takes to answer `ionface --help`.

    python benchmarks/startup.py [RUNS]

Prints the shortest and the median of so many starts (20), and how they compare with an
interpreter that imports numpy. The bar is 1.5 times as long; a test counts the imported
modules instead, since it may not depend on a clock.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

HELP = ("-m", "ionface", "--help")
NUMPY = ("-c", "import numpy")


def seconds(words: Sequence[str]) -> float:
    """Return the wall time of one start of Python."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Print the times."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds(HELP)  # compiles
    times = [seconds(HELP) for _ in range(runs)]
    beside = [seconds(NUMPY) for _ in range(runs)]
    print(
        f"{min(times):.2f} s at best, {statistics.median(times):.2f} s in the median; "
        f"{min(times) / min(beside):.2f} times an interpreter with numpy"
    )


if __name__ == "__main__":
    main()
