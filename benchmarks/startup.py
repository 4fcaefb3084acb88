"""How long the command line takes to answer `ionface --help`.

    python benchmarks/startup.py [RUNS]

Prints the shortest and the median of so many starts (20). The bar is 0.4 s on a quiet
machine; a test counts the imported modules instead, since it may not depend on a clock.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds() -> float:
    """Return the wall time of one start."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ionface", "--help"], capture_output=True, check=True
    )
    return time.perf_counter() - begun


def main() -> None:
    """Print the times."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds()  # compiles
    times = [seconds() for _ in range(runs)]
    print(f"{min(times):.2f} s at best, {statistics.median(times):.2f} s in the median")


if __name__ == "__main__":
    main()
