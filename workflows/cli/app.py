"""The application that the commands register with."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class WholeHelp(TyperGroup):
    """A group whose help says of every command all of its first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands; lines break, and nothing is cut."""
        commands = [(name, self.get_command(ctx, name)) for name in
                    self.list_commands(ctx)]  # fmt: skip
        with formatter.section("Commands"):
            formatter.write_dl(
                [(n, c.get_short_help_str(limit=1000)) for n, c in commands if c]
            )


app = typer.Typer(
    cls=WholeHelp,
    name="ionface",
    help="Solid-state-battery interfaces from first principles.",
    no_args_is_help=True,
    add_completion=False,
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
