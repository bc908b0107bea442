"""The tables that are read row by row: media (with the KPI in the same rows, or without), and a KPI of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mmm_pipeline.ingestion.sources.headers import OPTIONAL_ROLES, WantedColumns
from mmm_pipeline.ingestion.sources.wide import matched_channels, wide_roles
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.settings.tables import ColumnSettings

__all__ = ["RowTable", "campaign_columns", "kpi_table", "media_table"]


@dataclass(frozen=True)
class RowTable:
    """A table as the settings describe it.

    Attributes:
        name: which one.
        source: where its rows are.
        setting: the section that says so.
        wanted: its columns.
        is_wide: it has columns per channel.
        kpi_per: what its KPI is given per (`columns.kpi_per`).
    """

    name: Literal["media", "kpi"]
    source: SourceSettings
    setting: str
    wanted: WantedColumns
    is_wide: bool = False
    kpi_per: Literal["row", "date"] = "row"


def media_table(settings: Settings) -> RowTable:
    """The media, of which the rows have the KPI, too, unless that has a table of its own."""
    columns, own_kpi = settings.columns, settings.own_kpi_source is not None
    kpi_per = "row" if own_kpi else columns.kpi_per or "row"
    if columns.is_wide:
        wanted = _wide_columns(columns, _taken(settings))
    else:
        wanted = campaign_columns(columns, "source.sheet", with_kpi=not own_kpi)
    return RowTable("media", settings.source, "source", wanted, is_wide=columns.is_wide, kpi_per=kpi_per)


def kpi_table(settings: Settings) -> RowTable | None:
    """The KPI's own table; None where the KPI stands in the rows of the media."""
    source = settings.own_kpi_source
    if source is None:
        return None
    columns, is_shared = settings.columns, settings.kpi.source.kind is None
    required = {"date": settings.kpi.date or columns.date, "kpi": columns.kpi, **_market(columns)}
    setting = "source" if is_shared else "kpi.source"
    kpi_per = columns.kpi_per or "row"
    return RowTable("kpi", source, setting, WantedColumns(required, "columns", f"{setting}.sheet"), kpi_per=kpi_per)


def campaign_columns(
    columns: ColumnSettings, sheet_setting: str, *, needs_all: bool = False, with_kpi: bool = True
) -> WantedColumns:
    """The columns of rows per day and channel; where markets are to be told apart, `market` is a required one."""
    required = {"date": columns.date}
    for number, header in enumerate(columns.channel_headers, 1):
        required["channel" if number == 1 else f"channel_{number}"] = header
    numbers = {"media": columns.media, "spend": columns.spend, "kpi": columns.kpi if with_kpi else None}
    required |= {role: header for role, header in numbers.items() if header is not None}
    required |= _market(columns)
    return WantedColumns(required, "columns", sheet_setting, OPTIONAL_ROLES, needs_all)


def _wide_columns(columns: ColumnSettings, taken: Mapping[str, str]) -> WantedColumns:
    required = {"date": columns.date, **_market(columns), **wide_roles(columns.wide)}
    matched = partial(matched_channels, columns, taken)
    return WantedColumns(required, "columns", "source.sheet", OPTIONAL_ROLES, matched=matched)


def _market(columns: ColumnSettings) -> dict[str, str]:
    return {} if columns.market is None else {"market": columns.market}


def _taken(settings: Settings) -> dict[str, str]:
    """Headers of a wide table that are no channel's: header -> what they are."""
    columns, shared = settings.columns, settings.kpi.source.kind is None
    taken = {columns.date: "the date"}
    if columns.market is not None:
        taken[columns.market] = "the market"
    if shared:
        taken[columns.kpi] = "the KPI"
    if settings.controls.source.kind is None:
        taken |= dict.fromkeys(settings.controls.columns, "a control")
    return taken
