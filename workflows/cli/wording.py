"""Arguments in messages, worded as the flags that a user of the terminal gave.

The library speaks of its arguments, in backticks (`project`) or with a value
(windows=0); here they become what stands in the help of a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ionface.errors import IonfaceError

NAMES = ("again", "out", "project", "quick", "workers")
WORDED = {
    **{f"`{name}`": f"--{name}" for name in NAMES},
    "`lattice`": "--cell",
    "`ionface.run`": "`ionface run --project`",
    "call `Project.trust()`": "give --trust",
}
"""What means the same in every command."""


def in_flags(text: str) -> str:
    """Return a message with its arguments as flags.

    >>> in_flags("it was made without `quick`; give another `project`")
    'it was made without --quick; give another --project'
    """
    for said, flag in WORDED.items():
        text = text.replace(said, flag)
    return valued_flags(text, {"engine": "--engine", "workers": "--workers"})


def valued_flags(text: str, flags: Mapping[str, str]) -> str:
    """Return a message in which `name=value` is a flag and its value.

    >>> valued_flags("windows=0 must be at least 1", {"windows": "--windows"})
    '--windows 0 must be at least 1'
    """
    names = "|".join(map(re.escape, flags))
    return re.sub(rf"\b({names})=", lambda match: f"{flags[match[1]]} ", text)


@contextmanager
def told_in_flags(flags: Mapping[str, str]) -> Iterator[None]:
    """Word the arguments that an error names, as `name=value`, as the flags they were.

    Args:
        flags: by the names of the arguments, of the command that is run.
    """
    try:
        yield
    except IonfaceError as error:
        error.args = (valued_flags(str(error), flags),)
        raise
