"""`mmm backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmm_pipeline.cli.command_line import (
    ConfigOption,
    HomeOption,
    QuickOption,
    ReadableErrors,
    ReplaceOption,
    SourceOption,
    in_force,
    may_replace,
)
from mmm_pipeline.cli.output import console, display_console, print_json
from mmm_pipeline.storage.home import Home

__all__ = ["backtest"]


def backtest(
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First date. Default: four steps before the last.")
    ] = "",
    last: Annotated[
        str,
        typer.Option("--to", metavar="DATE", help="Last date. Default: the last with a whole horizon after it."),
    ] = "",
    every: Annotated[
        str,
        typer.Option(
            "--every", help="Step from date to date: 7d, 4w or 1m. Default: a week, or a month of monthly data."
        ),
    ] = "",
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", help="What is scored after each date: 4w, 28d, 3m or periods. Default: settings."),
    ] = None,
    source: SourceOption = None,
    config: ConfigOption = None,
    quick: QuickOption = False,
    replace: ReplaceOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Backtest: rerun past dates and score their forecasts and advice."""
    folder = Home(home.resolve())
    with ReadableErrors():
        from mmm_pipeline.cli.result_tables import backtest_tables
        from mmm_pipeline.cli.terminal import RunDisplay
        from mmm_pipeline.operations import backtest as backtests
        from mmm_pipeline.orchestration.headless import rebuild_decisions
        from mmm_pipeline.orchestration.runs import progress

        settings = in_force(folder, config, source=source).settings
        may_replace(folder, settings.source, replace)
        settings = settings.for_quick_look() if quick else settings
        options = backtests.BacktestOptions(first, last, every, horizon)
        with RunDisplay(display_console(stderr=True), 0) as display, progress.listening(display.fit):
            finished = backtests.run_backtest(folder, settings, options, rebuild_decisions, display.finished)
        backtests.store(folder, settings, finished)
        written = backtests.publish(folder, settings, finished)
    if as_json:
        print_json({**finished.to_dict(), "folder": str(written)})
        return
    shown = console()
    for table in backtest_tables(finished):
        shown.print(table)
    shown.print(f"picture and tables: {written}", highlight=False, soft_wrap=True)
