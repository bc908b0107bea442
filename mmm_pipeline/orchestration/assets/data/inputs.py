"""Stage 2: the media matrix by period, and what the models are fitted on."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.ingestion.events import load_events
from mmm_pipeline.ingestion.features import load_features
from mmm_pipeline.ingestion.input_warnings import INPUT_WARNINGS, input_warnings
from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
from mmm_pipeline.ingestion.own_kpi import kpi_series, read_own_kpi
from mmm_pipeline.ingestion.rows.campaign_rows import campaign_rows
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.operations.budget_requests import require_possible_budget
from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.assets.fits.specs import told_prior_change
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.metadata.warehouse_jobs import job_metadata
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.text_safety.printable import printable

_GROUP = "inputs"


@dg.multi_asset(
    outs={
        "media_matrix": table_out("media_matrix", group=_GROUP),
        "market_matrix": table_out("market_matrix", group=_GROUP),
        "kpi_series": table_out("kpi_series", group=_GROUP),
    },
    deps=["media_rows", "kpi_rows"],
    name="media_matrix",
)
def media_matrix(
    workspace: WorkspaceResource,
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Aggregate the accepted rows to periods and channels by SQL where they are."""
    warehouse, settings = workspace.warehouse(), workspace.settings()
    rows = campaign_rows(warehouse, settings)
    own_kpi = read_own_kpi(warehouse, settings)
    notes = list(own_kpi.notes if own_kpi else ())
    matrix = build_media_matrix(warehouse, settings, rows, own_kpi, notes.append)
    grid = TimeGrid.of_dates(np.unique(matrix["date"].to_numpy()))
    by_market = build_market_matrix(warehouse, settings, rows, own_kpi)
    series = kpi_series(matrix, by_market, own_kpi)
    dg.get_dagster_logger().info(
        f"{grid.step.counted(len(grid))}, {grid.start} to {grid.end}, {matrix['channel'].nunique()} channels"
    )
    for note in notes:
        dg.get_dagster_logger().info(note)
    _require_whole_periods(grid, workspace)
    enough = settings.split.holdout_periods(grid.step) + grid.step.least_train
    workspace.home.know_first(grid.last_day(enough - 1))
    total = dg.Output(
        matrix,
        metadata={
            INPUT_WARNINGS: dg.MetadataValue.json(notes),
            "step": str(grid.step),
            "periods": len(grid),
            "channels": int(matrix["channel"].nunique()),
            "spend": float(matrix["spend"].sum()),
            "kpi": float(series["kpi"].sum()),
            "first_day": str(grid.start),
            "last_day": str(grid.end),
            **job_metadata(rows.engine.take_jobs()),
        },
    )
    return (
        total,
        dg.Output(by_market, metadata={"markets": int(by_market["market"].nunique())}),
        dg.Output(series, metadata={"kpi": float(series["kpi"].sum())}),
    )


def _require_whole_periods(grid: TimeGrid, workspace: WorkspaceResource) -> None:
    """Rows of weeks or months are dated by their first day: the last of a partition must not reach beyond its end.

    Raises:
        SettingsError: partitions and the periods of the data end on different days.
    """
    settings = workspace.full_settings()
    end, period = grid.end, workspace.period()
    if grid.step is Step.DAY or not settings.calendar.is_past(period) or end <= period.last:
        return
    raise SettingsError(
        f"the data is {grid.step.adverb} and its last {grid.step} ends on {end:%A} {end}, after the partition "
        f"{period.key}, which ends on {period.last:%A} {period.last}: more would be seen than was known then. Let "
        "schedule.cron run on the first day of the data's weeks, or set refreshes.every: month for monthly data"
    )


@dg.multi_asset(
    outs={
        "model_inputs": dg.AssetOut(
            io_manager_key="arrays",
            group_name=_GROUP,
            kinds={"xarray"},
            description="Train and holdout windows, mean-scaled by the train window's statistics only; scalers too.",
        ),
        "excluded_channels": table_out("excluded_channels", group=_GROUP),
    },
    name="model_inputs",
)
def model_inputs(
    context: dg.AssetExecutionContext,
    media_matrix: pd.DataFrame,
    market_matrix: pd.DataFrame,
    kpi_series: pd.DataFrame,
    workspace: WorkspaceResource,
) -> tuple[dg.Output[Any], dg.Output[pd.DataFrame]]:
    """Split by date, apply the channel rules, scale."""
    from mmm_pipeline.ingestion.model_inputs import build_model_inputs
    from mmm_pipeline.mmm.evaluation.rolling import rolling_windows

    settings = workspace.settings()
    dataset, excluded = build_model_inputs(
        media_matrix,
        settings,
        load_features(settings, context.log.info),
        load_events(settings, context.log.info),
        market_matrix,
        kpi_series,
    )
    # Too many origins for the days is an error now, not after an hour of fitting.
    rolling_windows(dataset, settings.split.rolling_origins)
    warnings = input_warnings(dataset, excluded, settings) + require_possible_budget(settings.budget, dataset)
    warnings += _prior_change(workspace, settings)
    for warning in warnings:
        context.log.warning(printable(warning))
    return (
        dg.Output(
            dataset,
            metadata={
                INPUT_WARNINGS: dg.MetadataValue.json(warnings),
                "channels": int(dataset.sizes["channel"]),
                "markets": int(dataset.sizes.get("market", 1)),
                "periods": int(dataset.sizes["time"]),
                "holdout_start": str(dataset.attrs["holdout_start"]),
            },
        ),
        dg.Output(excluded, metadata={"channels": preview(excluded)}),
    )


def _prior_change(workspace: WorkspaceResource, settings: Settings) -> list[str]:
    """What changes because the prior on media is another than that of the champion in the home."""
    artifacts = workspace.artifacts()
    if not artifacts.has(CHAMPION_MODEL):
        return []
    try:
        told = told_prior_change(artifacts.read_fit_spec(CHAMPION_MODEL).media_prior, settings)
    except StoredResultError:
        return []  # it is fitted anew, and read by nobody before
    return [told] if told else []
