"""What the parts of the `mmm` command share: options, the settings in force, and errors that can be read."""

from __future__ import annotations

import os
import signal
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
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.file_errors import told_of
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home, find_config, load_effective_settings

__all__ = ["ConfigOption", "HomeOption", "QuickOption", "ReadableCommand", "ReadableErrors", "SourceOption"]
__all__ += ["config_in_force", "fail", "settings_of"]

INTERRUPTED = "interrupted; earlier results are intact, finished fits are kept for the next run"
INTERRUPTED_STATUS = 130  # what a shell gives to a command that Ctrl-C ended

SourceOption = Annotated[
    Path | None, typer.Option("--source", help="Campaign file: CSV, XLSX or Parquet.", show_default=False)
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Settings file. Default: pipeline.yaml here, else the home's last run.", show_default=False
    ),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Fewer draws: to look around, not to decide.")]
HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar=HOME_VARIABLE, help="Folder that holds everything; deleting it resets everything."),
]


def config_in_force(home: Home, config: Path | None) -> Path | None:
    """The file named, else that of the environment, else the settings of the home's last run, else the folder's."""
    if config is None and home.settings_file.is_file() and CONFIG_VARIABLE not in os.environ:
        return home.settings_file
    return config.resolve() if config else find_config(home)


def settings_of(
    home: Home | None, config: Path | None, source: Path | None, *, demo: bool = False, quick: bool = False
) -> Settings:
    """Settings of the file in force, with the command line's overrides."""
    if demo and source is not None:
        raise SettingsError("--demo and --source exclude each other")
    if config is None:
        named = os.environ.get(CONFIG_VARIABLE)
        config = Path(named) if named else Path("pipeline.yaml") if Path("pipeline.yaml").is_file() else None
    settings = load_effective_settings(config)
    changes: dict[str, Any] = {}
    if demo:
        changes["source"] = SourceSettings(kind="demo", demo_seed=settings.source.demo_seed)
    if source is not None:
        changes["source"] = SourceSettings(kind="file", path=source.resolve())
    settings = settings.model_copy(update=changes)
    return settings.for_quick_look() if quick else settings


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
    """SIGTERM (a supervisor, `docker stop`) ends a command as Ctrl-C does: its temporary files go, and it says so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def fail(*problems: str, hint: str | None = None, status: int = 1) -> NoReturn:
    """End the command with these messages and this exit status."""
    told = console(stderr=True)
    for problem in problems:
        told.print(f"[bold red]error:[/bold red] {escape(problem)}", highlight=False, soft_wrap=True)
    if hint:
        told.print(escape(hint), highlight=False, soft_wrap=True)
    raise typer.Exit(status)
