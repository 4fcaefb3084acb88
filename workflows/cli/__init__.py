"""The command line: ionface studies, build, run, submit, status, analyze, report, ...

Exit statuses are those that `app.EXIT` tells, with --help. Heavy imports stand inside
the commands, so that --help is fast.
One module per group of commands; importing it registers them, in the order of --help.
"""

# the order of these lines is the order of --help
# isort: off
from ionface.workflows.cli import new_command, study_commands, build_command
from ionface.workflows.cli import vasp_command, cluster_commands
from ionface.workflows.cli import status_command, transfer_commands, doctor_command
from ionface.workflows.cli import analyze, analyze_cells, thermodynamics_commands
from ionface.workflows.cli import yardstick_command, learn_command

# isort: on
from ionface.workflows.cli.app import app
from ionface.workflows.cli.entry import main

__all__ = [
    "analyze",
    "analyze_cells",
    "app",
    "build_command",
    "cluster_commands",
    "doctor_command",
    "learn_command",
    "main",
    "new_command",
    "status_command",
    "study_commands",
    "thermodynamics_commands",
    "transfer_commands",
    "vasp_command",
    "yardstick_command",
]
