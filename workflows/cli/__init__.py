"""The command line: ionface studies, build, run, submit, status, analyze, report, ...

Exit status 0: success. 1: the computation or its input failed, one clear message on
stderr. 2: wrong usage. Heavy imports stand inside the commands, so that --help is fast.
One module per group of commands; importing it registers them, in the order of --help.
"""

from . import project, vasp, submit, status, recover, worker  # isort: skip
from . import transfer, init_cluster, doctor, analyze  # isort: skip
from .app import app
from .entry import main

__all__ = [
    "analyze",
    "app",
    "doctor",
    "init_cluster",
    "main",
    "project",
    "recover",
    "status",
    "submit",
    "transfer",
    "vasp",
    "worker",
]
