"""The entry point: runs the command line and turns failures into messages."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

from ionface.workflows.cli.app import app

RESUMED = ("run", "submit", "worker", "recover")
AGAIN = "run the same command again to go on"


class _Interrupted(BaseException):
    """Ctrl-C, SIGTERM, SIGHUP; no library on the way up takes it for its own error."""


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise _Interrupted


def main() -> None:
    """Run the command line of this process, and end it with a status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, _interrupt)
    raise SystemExit(answer(sys.argv[1:]))


def answer(words: Sequence[str]) -> int:
    """Run a command line; turn every failure into one message; return the status.

    Args:
        words: after the name of the program.
    """
    debug = "--debug" in words
    with warnings.catch_warnings():
        if not debug:
            # libraries warn developers; users get our messages
            warnings.simplefilter("ignore")
        try:
            app(words, prog_name="ionface")
        except SystemExit as end:  # click ends every command in this way
            return end.code if isinstance(end.code, int) else 0
        except _Interrupted:
            with suppress(OSError):  # the terminal may be what went away
                goes_on = words[:1] and words[0] in RESUMED
                typer.echo(
                    "\nionface: interrupted"
                    + ("; nothing finished is lost: " + AGAIN if goes_on else ""),
                    err=True,
                )
        except Exception as error:  # the last line of defense
            if debug:
                raise
            typer.echo(f"ionface: {_message(error)}", err=True)
    return 1


def _message(error: Exception) -> str:
    from ionface.errors import IonfaceError

    if isinstance(error, IonfaceError):
        from ionface.workflows.cli.wording import in_flags

        return in_flags(str(error))
    if isinstance(error, OSError):
        from ionface.files import disk_message

        return disk_message(error, Path())
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a defect of ionface: please report it with the output of "
        "the same command after `ionface --debug`."
    )
