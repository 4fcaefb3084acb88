"""The libraries of the system that GPAW is built against: which are there.

What is installed says it itself, by the names in its compiled module; before it is
built, the system is asked.
"""

from __future__ import annotations

import re
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {
    "xc": "libxc-dev",
    "openblas": "libopenblas-dev",
    "scalapack": "libscalapack-openmpi-dev",
    "fftw3": "libfftw3-dev",
}
"""How the name of each library begins, and Debian's package."""

MODULE = "_gpaw"
SYSTEM = {"scalapack": "scalapack-openmpi"}  # where its name is longer
NEEDED = re.compile(rb"\0lib([\w+-]+)\.so")


def is_built() -> bool:
    """Tell whether there is a GPAW that has been compiled."""
    return _module() is not None


def there() -> list[str]:
    """Return those of `PACKAGES` that GPAW was linked with, or could be."""
    module = _module()
    if module is None:
        return [name for name in PACKAGES if find_library(SYSTEM.get(name, name))]
    linked = [found.decode() for found in NEEDED.findall(module.read_bytes())]
    return [name for name in PACKAGES if any(each.startswith(name) for each in linked)]


def _module() -> Path | None:
    spec = find_spec(MODULE)
    return Path(spec.origin) if spec and spec.origin else None
