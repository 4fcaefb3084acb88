"""The application that the commands register with."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

DAILY = "Commands"
RESULTS = "Commands on results"
CLUSTER = "Commands for VASP and clusters"

EXIT = """
Exit status: 0 success; 1 failure, told in one message, also `status` of failed or lost
jobs, `doctor` of something broken, `analyze checks` of a doubtful run; 2 wrong usage;
3 `analyze checks` of a run of which not all is known.
"""


class WholeHelp(TyperGroup):
    """A group whose help says of every command all of its first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by their groups; lines break, and nothing is cut."""
        by_group: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            if command := self.get_command(ctx, name):
                # typer keeps the group under this name, also where rich prints nothing
                group = getattr(command, "rich_help_panel", None)
                shown = by_group.setdefault(group if group else DAILY, [])
                shown.append((name, command.get_short_help_str(limit=1000)))
        for group, shown in by_group.items():
            with formatter.section(group):
                formatter.write_dl(shown)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the completions; zsh and fish show the whole sentence beside each."""
        found = super().shell_complete(ctx, incomplete)
        for item in found:
            if command := self.get_command(ctx, item.value):
                item.help = command.get_short_help_str(limit=1000)
        return found


app = typer.Typer(
    cls=WholeHelp,
    name="ionface",
    help="Solid-state-battery interfaces from first principles.",
    epilog=EXIT,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("ionface"))
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print and exit."
        ),
    ] = False,
) -> None:
    del version
    context.obj = debug
