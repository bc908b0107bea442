"""What the parts of the `mmm` command share: options, the settings in force, and errors that can be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from mmm_pipeline.errors import MmmError, SettingsError
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home, find_config, load_effective_settings

__all__ = ["ConfigOption", "HomeOption", "QuickOption", "ReadableErrors", "SourceOption", "config_in_force", "fail"]
__all__ += ["settings_of"]

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
        changes["source"] = SourceSettings(
            kind="file", path=source.resolve(), sheet=settings.source.sheet, decimal=settings.source.decimal
        )
    settings = settings.model_copy(update=changes)
    return settings.for_quick_look() if quick else settings


class ReadableErrors:
    """Errors meant for the user end the command with their message, without a traceback."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MmmError):
            fail(str(error))
        if isinstance(error, KeyboardInterrupt):
            fail("interrupted; earlier results are intact, finished fits are kept for the next run")


def fail(*problems: str, hint: str | None = None) -> NoReturn:
    """End the command with status 1 and these messages."""
    console = Console(stderr=True)
    for problem in problems:
        console.print(f"[bold red]error:[/bold red] {escape(problem)}", highlight=False, soft_wrap=True)
    if hint:
        console.print(escape(hint), highlight=False, soft_wrap=True)
    raise typer.Exit(1)
