"""`mmm backtest`."""

from __future__ import annotations

from functools import partial
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
        str,
        typer.Option("--from", metavar="DATE", help="First date: the end of a partition. Default: four before --to."),
    ] = "",
    last: Annotated[
        str,
        typer.Option("--to", metavar="DATE", help="Last date. Default: the last with a whole horizon after it."),
    ] = "",
    every: Annotated[
        str, typer.Option("--every", help="Step from date to date: partitions, or the same as 14d, 4w, 3m.")
    ] = "1",
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", help="What is scored after each date: 4w, 28d, 3m or periods. Default: settings."),
    ] = None,
    source: SourceOption = None,
    config: ConfigOption = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Fill partitions that are filled already, too, by today's settings.")
    ] = False,
    quick: QuickOption = False,
    replace: ReplaceOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Backtest: fill past partitions, and score their forecasts and advice against what happened since."""
    folder = Home(home.resolve())
    with ReadableErrors():
        from mmm_pipeline.cli.result_tables import backtest_tables
        from mmm_pipeline.cli.terminal import RunDisplay
        from mmm_pipeline.operations import backtest as backtests
        from mmm_pipeline.orchestration.headless import fill_partition
        from mmm_pipeline.orchestration.runs import progress

        settings = in_force(folder, config, source=source).settings
        replace = may_replace(folder, settings.source, replace)
        options = backtests.BacktestOptions(first, last, every, horizon, anew)
        with RunDisplay(display_console(stderr=True), 0) as display, progress.listening(display.fit):
            fill = partial(fill_partition, folder, settings, quick=quick, replace=replace)
            finished = backtests.run_backtest(folder, settings, options, fill, display.finished)
        written = backtests.publish(folder, settings, finished)
    if as_json:
        print_json({**finished.to_dict(), "folder": str(written)})
        return
    shown = console()
    for table in backtest_tables(finished):
        shown.print(table)
    shown.print(f"picture and tables: {written}", highlight=False, soft_wrap=True)
