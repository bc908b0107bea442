"""What the parts of the `mmm` command share: options, the settings in force, and errors that can be read."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import click
import typer
from rich.markup import escape
from typer.core import TyperGroup

from mmm_pipeline.cli.output import console, lasting_output
from mmm_pipeline.errors import MmmError, SettingsError
from mmm_pipeline.settings.sources import SourceSettings, located, require_source
from mmm_pipeline.storage.file_errors import told_of
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home
from mmm_pipeline.storage.settings_in_force import (
    SettingsInForce,
    settings_in_force,
    source_change,
)

__all__ = ["ConfigOption", "FileArgument", "HomeOption", "QuickOption", "ReadableCommand", "ReadableErrors"]
__all__ += ["ReplaceOption", "SourceOption", "fail", "in_force", "may_replace"]

INTERRUPTED = "interrupted; earlier results are intact, finished fits are kept for the next run"
INTERRUPTED_STATUS = 130  # what a shell gives to a command that Ctrl-C ended

FileArgument = Annotated[
    Path | None,
    typer.Argument(
        help="Campaign file: CSV, XLSX, Parquet or Arrow. Default: the source of the settings, else that of the home's "
        "last run.",
        show_default=False,
    ),
]
SourceOption = Annotated[
    Path | None, typer.Option("--source", help="The campaign file, as an option.", show_default=False)
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Replace the results of another source in this home, without asking.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help=f"Settings file. Default: what {CONFIG_VARIABLE} names, else pipeline.yaml in this folder, else the "
        "settings of the home's last run.",
        show_default=False,
    ),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Fewer draws: to look around, not to decide.")]
HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar=HOME_VARIABLE, help="Folder that holds everything; deleting it resets everything."),
]


def in_force(
    home: Home,
    config: Path | None,
    *,
    file: Path | None = None,
    source: Path | None = None,
    demo: bool = False,
) -> SettingsInForce:
    """The settings that count, with the rows that the command line names; says in one line what they are.

    Raises:
        SettingsError: they cannot be accepted, or the command line names two sources.
    """
    given = [name for name, is_given in (("FILE", file), ("--source", source), ("--demo", demo)) if is_given]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} exclude each other: give one")
    found = settings_in_force(home, config)
    named = file or source
    if demo:
        found = found.with_source(SourceSettings(kind="demo", demo_seed=found.settings.source.demo_seed), "--demo")
    elif named is not None:
        found = found.with_source(
            SourceSettings(
                kind="file",
                path=located(named),
                sheet=found.settings.source.sheet,
                decimal=found.settings.source.decimal,
                date_order=found.settings.source.date_order,
            ),
            "command line",
        )
        if found.file is None:
            found = _recognised(found)
    console(stderr=True).print(escape(found.line), highlight=False, soft_wrap=True, style="dim")
    return found


def _recognised(found: SettingsInForce) -> SettingsInForce:
    """A file without settings, read as what it looks like; says so."""
    from mmm_pipeline.operations.initialising import guessed_settings

    guess = guessed_settings(found.settings.source)
    if guess is None:
        return found
    settings, lines = guess
    told = console(stderr=True)
    told.print("there is no pipeline.yaml; the columns are read as they look:", style="dim")
    for line in lines:
        told.print(escape(line), highlight=False, soft_wrap=True, style="dim")
    return found.recognised(settings)


def may_replace(home: Home, source: SourceSettings, replace: bool) -> bool:
    """Whether rows of another source may take the place of those in the home: as `--replace` says, or after asking.

    Raises:
        SettingsError: they are others, and nobody is there to be asked.
    """
    require_source(source)
    change = None if replace else source_change(home, source)
    if change is None:
        return replace
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SettingsError(f"{change}. Give --replace to do so, or another --home to keep both")
    if not typer.confirm(f"{change}. Replace them?", default=False, err=True):
        fail("nothing was changed; another --home keeps both")
    return True


class ReadableErrors:
    """Errors meant for the user, and those of the machine, end the command with one message, without a traceback."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MmmError):
            fail(str(error))
        if isinstance(error, KeyboardInterrupt):
            fail(INTERRUPTED, status=INTERRUPTED_STATUS)
        if isinstance(error, OSError) and (told := told_of(error)):
            fail(told)


class ReadableCommand(TyperGroup):
    """The whole command: output that cannot be written never ends it, and no error is a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        with lasting_output() as lost, ReadableErrors(), _termination_as_interrupt():
            done = super().invoke(ctx)
        if lost:
            fail(f"the output could not be written: {lost[0]}")
        return done


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """SIGTERM (a supervisor, `docker stop`) and SIGHUP (a terminal that closes) end a command as Ctrl-C does.

    Its temporary files go, and it says so. A signal that is ignored, as SIGHUP is below `nohup`, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def fail(*problems: str, hint: str | None = None, status: int = 1) -> NoReturn:
    """End the command with these messages and this exit status."""
    told = console(stderr=True)
    for problem in problems:
        told.print(f"[bold red]error:[/bold red] {escape(problem)}", highlight=False, soft_wrap=True)
    if hint:
        told.print(escape(hint), highlight=False, soft_wrap=True)
    raise typer.Exit(status)
