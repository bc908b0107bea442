"""The backtest: past dates rerun and scored, launched by hand; no part of the refresh."""

# Dagster reads the types of `context` and the resources itself, so annotations are not postponed here.
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.operations.backtest_dates import BacktestOptions
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.rebuilding import RebuildResource
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL
from mmm_pipeline.storage.settings_in_force import require_same_source

__all__ = ["BACKTEST_TABLES", "backtest", "checked_dates"]

BACKTEST_TABLES = ("backtest", "backtest_channels")
_GROUP = "backtest"
_STEP = "backtest_dates"  # the job has the name of the table, and Dagster wants the step to have another one


# Plain types: those of `dg.Config` also take {env: NAME}, which would put any secret of the environment into the run.
_OPTIONS = {
    "first_date": dg.Field(
        str, default_value="", description="YYYY-MM-DD; empty: up to four steps before the last date"
    ),
    "last_date": dg.Field(
        str, default_value="", description="YYYY-MM-DD; empty: the last date with a whole horizon after it"
    ),
    "every": dg.Field(
        str,
        default_value="",
        description="step from date to date: 7d, 4w, 1m or periods; empty: a week, or a month of monthly data",
    ),
    "horizon": dg.Field(
        dg.Noneable(int),
        default_value=None,
        description="periods after each date that are scored; empty: budget.horizon of pipeline.yaml",
    ),
}
"""Which dates are rerun, and how far ahead each is scored. Everything is optional."""


def _options(given: Mapping[str, Any]) -> BacktestOptions:
    """Raises SettingsError when a value cannot be read."""
    return BacktestOptions(given["first_date"], given["last_date"], given["every"], given["horizon"])


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    _options(given)
    return {"ops": {_STEP: {"config": dict(given)}}}


checked_dates = dg.ConfigMapping(config_schema=_OPTIONS, config_fn=_checked)
"""The launchpad of the job `backtest`: a value that cannot be read is refused before a run is created."""


@dg.multi_asset(
    outs={name: table_out(name, group=_GROUP) for name in BACKTEST_TABLES},
    name=_STEP,
    pool=FIT_POOL,
    config_schema=_OPTIONS,
)
def backtest(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, rebuild: RebuildResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Rebuild every date in a home of its own below `as-of/`, and score it; the present results stay."""
    from mmm_pipeline.operations import backtest as backtests
    from mmm_pipeline.orchestration.runs import progress

    settings, home = workspace.settings(), workspace.folder()
    require_same_source(home, settings.source)
    fits: set[str] = set()

    def log_fit(fit: progress.FitProgress) -> None:
        if fit.fit not in fits:
            fits.add(fit.fit)
            context.log.info(f"fitting {fit.fit}")

    def log_step(step: backtests.BacktestStep) -> None:
        fits.clear()
        context.log.info(step.told)

    with progress.listening(log_fit):
        finished = backtests.run_backtest(
            home, settings, _options(context.op_execution_context.op_config), rebuild, log_step
        )
    folder = backtests.publish(home, settings, finished)
    figures = {name: float(value) for name, value in finished.summary.items() if value is not None}
    return (
        dg.Output(
            finished.table,
            metadata={
                "table": preview(finished.table, rows=60),
                "picture": inline_picture((folder / "backtest.png").read_bytes(), "backtest"),
                **figures,
                "folder": dg.MetadataValue.path(str(folder)),
            },
        ),
        dg.Output(finished.channels, metadata={"table": preview(finished.channels, rows=50)}),
    )
