"""Read, validate and summarise a campaign source without fitting anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmm_pipeline.ingestion.events import load_events
from mmm_pipeline.ingestion.features import load_features
from mmm_pipeline.ingestion.input_warnings import input_warnings
from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
from mmm_pipeline.ingestion.model_inputs import build_model_inputs
from mmm_pipeline.ingestion.own_kpi import OwnKpi, kpi_series, read_own_kpi
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.rows.load import LoadSummary
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import WarehouseSettings
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["CheckReport", "check_source"]


@dataclass(frozen=True)
class CheckReport:
    """What a run would use.

    Attributes:
        step: of the periods: day, week or month.
        start: first day, ISO.
        end: last day, ISO.
        holdout_start: first day of the holdout, ISO.
        rows: what became of the rows.
        channels: channels that the model would see.
        excluded_channels: (channel, reason) of the others.
        warnings: what is accepted but should be known.
        columns: what each column is read as -> its header.
        kpi_total: KPI of all accepted rows.
        totals: (channel, media units, spend) of all accepted rows.
        reading: how the files were read, where that could have been otherwise.
    """

    step: str
    start: str
    end: str
    holdout_start: str
    rows: LoadSummary
    channels: tuple[str, ...]
    excluded_channels: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    columns: Mapping[str, str]
    kpi_total: float
    totals: tuple[tuple[str, float, float], ...]
    reading: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the keys are those of `summary.json`."""
        return {
            "source": {"name": self.rows.source, "sheets": list(self.rows.sheets), "reading": list(self.reading)},
            "window": {
                "step": self.step,
                "start": self.start,
                "end": self.end,
                "holdout_start": self.holdout_start,
            },
            "rows": {
                "accepted": self.rows.accepted,
                "rejected": self.rows.rejected,
                "reasons": dict(self.rows.reasons),
            },
            "excluded_channels": [{"channel": channel, "reason": reason} for channel, reason in self.excluded_channels],
            "channels": list(self.channels),
            "columns": dict(self.columns),
            "totals": {
                "kpi": self.kpi_total,
                "channels": [
                    {"channel": channel, "media": media, "spend": spend} for channel, media, spend in self.totals
                ],
            },
            "warnings": list(self.warnings),
        }


def check_source(settings: Settings, *, also: Callable[[xr.Dataset], Sequence[str]] = lambda inputs: ()) -> CheckReport:
    """Do what a run does before its first fit, in a temporary warehouse.

    Args:
        settings: of the run.
        also: further questions to the model inputs; returns what should be known.

    Raises:
        CampaignDataError: the run would stop there.
        SettingsError: the settings do not fit the data.
        ModelInputError: more rolling origins than the days allow.
    """
    # A BigQuery source is judged where it is; nothing is written to a dataset.
    settings = settings.model_copy(update={"warehouse": WarehouseSettings()})
    said: list[str] = []
    with scratch_folder("check") as folder:
        warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
        rows = load_campaigns(warehouse, settings)
        own_kpi = read_own_kpi(warehouse, settings)
        said += own_kpi.notes if own_kpi else ()
        matrix = build_media_matrix(warehouse, settings, own_kpi=own_kpi, tell=said.append)
        by_market = build_market_matrix(warehouse, settings, own_kpi=own_kpi)
        dataset, excluded = build_model_inputs(
            matrix,
            settings,
            load_features(settings, said.append),
            load_events(settings, said.append),
            by_market,
            kpi_series(matrix, by_market, own_kpi),
        )
        if settings.split.rolling_origins > 1:
            from mmm_pipeline.mmm.evaluation.rolling import rolling_windows

            rolling_windows(dataset, settings.split.rolling_origins)
        kpi_total, totals = _totals(warehouse.read_table("campaign_totals"), own_kpi)
        warnings = (*rows.warnings, *input_warnings(dataset, excluded, settings), *also(dataset))
    return CheckReport(
        step=str(TimeGrid.of_dates(dataset["time"].to_numpy()).step),
        start=str(dataset.attrs["start"]),
        end=str(dataset.attrs["end"]),
        holdout_start=str(dataset.attrs["holdout_start"]),
        rows=rows,
        channels=tuple(str(channel) for channel in dataset["channel"].to_numpy()),
        excluded_channels=tuple(
            (str(channel), str(reason)) for channel, reason in excluded[["channel", "reason"]].to_numpy()
        ),
        warnings=warnings,
        columns=_columns(settings, rows),
        kpi_total=kpi_total,
        totals=totals,
        reading=(*rows.notes, *said),
    )


def _columns(settings: Settings, rows: LoadSummary) -> dict[str, str]:
    """Role -> header; of a table with columns per channel, what the settings say of them."""
    columns = settings.columns
    if not columns.is_wide:
        return {**rows.columns, "kpi": columns.kpi}
    found = {"date": columns.date, "kpi": columns.kpi}
    found |= {"market": columns.market} if columns.market is not None else {}
    found |= {f"{part} of any channel": pattern for part, pattern in columns.patterns if pattern is not None}
    for name, channel in columns.wide.items():
        found |= {f"{part} of {name}": header for part, header in channel if header is not None}
    return found


def _totals(totals: pd.DataFrame, own_kpi: OwnKpi | None) -> tuple[float, tuple[tuple[str, float, float], ...]]:
    """The KPI of all accepted rows, and media units and spend by channel, largest spend first."""
    accepted = totals.loc[totals["reason"].isna() & totals["channel"].notna()]
    kpi = float(own_kpi.sums["kpi"].sum() if own_kpi is not None else accepted["kpi"].sum())
    sums = accepted.groupby("channel")[["media_units", "spend"]].sum().sort_values("spend", ascending=False)
    amounts = zip(sums.index, sums["media_units"].astype(float), sums["spend"].astype(float), strict=True)
    return kpi, tuple((str(channel), float(media), float(spend)) for channel, media, spend in amounts)
