"""The command line: ionface studies, build, run, submit, status, analyze, report, ...

Exit status 0: success. 1: the computation or its input failed, one clear message on
stderr. 2: wrong usage. Heavy imports stand inside the commands, so that --help is fast.
One module per group of commands; importing it registers them, in the order of --help.
"""

# the order of these lines is the order of --help
# isort: off
from ionface.workflows.cli import project_commands, vasp_command, submit_command
from ionface.workflows.cli import status_command, recover_command, worker_command
from ionface.workflows.cli import transfer_commands, init_cluster, doctor_command
from ionface.workflows.cli import analyze

# isort: on
from ionface.workflows.cli.app import app
from ionface.workflows.cli.entry import main

__all__ = [
    "analyze",
    "app",
    "doctor_command",
    "init_cluster",
    "main",
    "project_commands",
    "recover_command",
    "status_command",
    "submit_command",
    "transfer_commands",
    "vasp_command",
    "worker_command",
]
