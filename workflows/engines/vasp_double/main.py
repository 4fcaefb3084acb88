"""ionface-vasp: an executable that stands in for vasp_std in a run directory.

It is started without arguments, as custodian starts VASP, and told by the environment
what to be: IONFACE_VASP_MODE, _CALCULATOR, _ARGUMENTS, _SHIFT, _FAULT, _MARKS,
_REGISTRY, _LIMIT, _RECORD.
"""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.faults import Faults, parse
from ionface.workflows.engines.vasp_double.messages import CrashError

MODES = ("emulate", "replay")
WRITE_FAILED = 38  # what the Fortran runtime exits with


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Run in the current directory; return the exit status."""
    options = _options(environment).parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn developers
            return _run(Path.cwd(), options)
    except InputError as error:
        sys.stdout.write(f" {error}\n")
        sys.stderr.write(f"ionface-vasp: {error}\n")
        return 1
    except CrashError:
        return 1
    except OSError as error:
        return _write_failed(error)


def _run(folder: Path, options: argparse.Namespace) -> int:
    if options.mode not in MODES:
        raise InputError(
            f"IONFACE_VASP_MODE={options.mode!r}; it is one of {', '.join(MODES)}"
        )
    if options.record:
        from ionface.workflows.engines.vasp_double.replay import record

        return record(folder, _registry(options), options.record, options.limit)
    if options.mode == "replay":
        from ionface.workflows.engines.vasp_double.replay import replay

        return replay(folder, _registry(options))
    from ionface.workflows.engines.vasp_double.calculators import model
    from ionface.workflows.engines.vasp_double.emulate import emulate

    faults = Faults(
        folder, parse(options.fault), sys.stdout, sys.stderr, _marks(options)
    )
    with redirect_stdout(sys.stderr):  # what models print is not VASP's
        chosen = model(options.calculator, options.arguments, options.shift)
    emulate(folder, chosen, faults)
    return 0


def _marks(options: argparse.Namespace) -> Path | None:
    if not options.marks:
        return None
    folder = Path(options.marks).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _registry(options: argparse.Namespace) -> Path:
    if not options.registry:
        raise InputError(
            "replay and record need a registry: give --registry DIR, or set "
            "IONFACE_VASP_REGISTRY"
        )
    return Path(options.registry).expanduser()


def _write_failed(error: OSError) -> int:
    """Say what the Fortran runtime says of a file that cannot be written."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
        raise error
    sys.stderr.write(
        f"forrtl: {error.strerror}\nforrtl: severe (38): error during write, unit 8, "
        f"file {Path.cwd() / str(error.filename)}\n"
    )
    return WRITE_FAILED


def _options(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    given = {
        key.removeprefix("IONFACE_VASP_").lower(): value
        for key, value in environment.items()
        if key.startswith("IONFACE_VASP_")
    }
    parser = argparse.ArgumentParser(
        prog="ionface-vasp",
        description="Stands in for VASP in the current directory.",
    )
    parser.add_argument("--mode", choices=MODES, default=given.get("mode", "emulate"))
    parser.add_argument(
        "--calculator",
        default=given.get("calculator", "sevennet"),
        help="sevennet, chgnet, emt, lj, spheres, or an ASE calculator's import path",
    )
    parser.add_argument(
        "--arguments",
        default=given.get("arguments", ""),
        help="of the calculator, as JSON",
    )
    parser.add_argument(
        "--shift",
        type=float,
        default=given.get("shift", "0"),
        help="added to energies, eV per atom",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[given["fault"]] if given.get("fault") else [],
        metavar="NAME[:ARG]",
        help="see workflows/engines/vasp_double/faults.py; repeatable, or with commas",
    )
    parser.add_argument(
        "--marks",
        default=given.get("marks", ""),
        metavar="DIR",
        help="one folder for all runs, so that a fault strikes once in all of them",
    )
    parser.add_argument("--registry", default=given.get("registry", ""))
    parser.add_argument(
        "--limit",
        type=float,
        default=given.get("limit", "10"),
        metavar="MB",
        help="larger wave functions and charge densities are not recorded",
    )
    parser.add_argument(
        "--record",
        nargs=argparse.REMAINDER,
        default=shlex.split(given.get("record", "")),
        metavar="CMD",
        help="run a command and keep its outputs in the registry; comes last",
    )
    return parser
