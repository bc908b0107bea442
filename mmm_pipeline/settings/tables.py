"""The sections of `pipeline.yaml` that say how tables are read: headers, channels, controls."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mmm_pipeline.settings.plain_names import DistinctNames, Name
from mmm_pipeline.settings.section import Section, Share
from mmm_pipeline.settings.sources import Source, SourceSettings

__all__ = [
    "ChannelKind",
    "ChannelSettings",
    "ColumnPatterns",
    "ColumnSettings",
    "ControlSettings",
    "SignName",
    "WideChannel",
    "kind_of",
]

SignName = Literal["positive", "negative"]

ChannelKind = Literal["paid", "spend_only", "organic"]
"""What is known of a channel: media and spend; spend, which is its media; media that cost nothing."""

_PATTERN = re.compile(r"[^*]*\*[^*]*")


def kind_of(*, media: bool, spend: bool) -> ChannelKind:
    """The kind of a channel with these columns, of which it has one at least."""
    if media and spend:
        return "paid"
    return "spend_only" if spend else "organic"


class WideChannel(Section):
    """The columns of one channel in a wide table: media and spend, spend only, or media only (organic)."""

    media: str | None = Field(None, min_length=1, description="column of its media units")
    spend: str | None = Field(None, min_length=1, description="column of its spend")

    @model_validator(mode="after")
    def _has_columns(self) -> WideChannel:
        if self.media is None and self.spend is None:
            raise ValueError("needs a column: spend, media, or both")
        return self


class ColumnPatterns(Section):
    """Headers of a wide table, with `*` in the place of the channel's name."""

    media: str | None = Field(None, description="e.g. `*_impressions`")
    spend: str | None = Field(None, description="e.g. `*_spend`")

    @model_validator(mode="after")
    def _has_one_star(self) -> ColumnPatterns:
        for part in ("media", "spend"):
            pattern = getattr(self, part)
            if pattern is not None and (not _PATTERN.fullmatch(pattern) or pattern == "*"):
                raise ValueError(f"{part} = {pattern!r}: accepted is a header with one * for the name, e.g. '*_{part}'")
        return self


class ColumnSettings(Section):
    """Which column plays which role. Case, spaces, `_`, `-` and `/` in headers do not matter."""

    date: str = Field("Date", description="date of the row: its day, or a day of its week or month")
    channel: str | Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        "Ad group alias", description="what gets a coefficient and a budget line; a list of columns is joined"
    )
    media: str | None = Field(
        "Impressions", description="media units per row, e.g. impressions; empty: there are none, spend stands for them"
    )
    spend: str | None = Field("Spend", description="currency per row; empty: the media cost nothing")
    kpi: str = Field("Sales", description="what the model explains, e.g. sales in currency")
    market: str | None = Field(
        None,
        description="e.g. Marketplace: one model over its values, each with effects of its own; empty: all together",
    )
    kpi_per: Literal["row", "date"] | None = Field(
        None,
        description="row: the KPI of a date is the sum of its rows; date: every row repeats the KPI of its date (and "
        "market), which counts once; empty: row, and a KPI that looks repeated is an error",
    )
    wide: Annotated[dict[Name, WideChannel], DistinctNames] = Field(
        default_factory=dict,
        description="of a table with columns per channel, e.g. {tv: {spend: tv_S}, search: {spend: search_S, media: "
        "search_clicks}}; channel, media and spend then play no part",
    )
    patterns: ColumnPatterns = Field(
        ColumnPatterns(), description="the same by the headers, beside the channels of `wide`"
    )

    @property
    def is_wide(self) -> bool:
        """Whether the media have columns per channel."""
        return bool(self.wide) or self.patterns != ColumnPatterns()

    @property
    def channel_headers(self) -> tuple[str, ...]:
        """The columns that a long table's channel is made of."""
        return (self.channel,) if isinstance(self.channel, str) else self.channel

    @model_validator(mode="after")
    def _uses_each_column_once(self) -> ColumnSettings:
        seen: dict[str, str] = {}
        for name, channel in self.wide.items():
            for header in (channel.media, channel.spend):
                if header is not None and header.casefold() in seen:
                    raise ValueError(f"columns.wide: {seen[header.casefold()]!r} and {name!r} both have {header!r}")
                if header is not None:
                    seen[header.casefold()] = name
        return self

    @model_validator(mode="after")
    def _has_media_or_spend(self) -> ColumnSettings:
        if self.media is None and self.spend is None:
            raise ValueError("columns.media and columns.spend are both empty: a channel needs one of them")
        return self


class ChannelSettings(Section):
    """A channel that fails a rule in the train window is excluded, with its reason, from the model."""

    min_active_periods: int = Field(1, ge=1, le=36_500, description="periods before the holdout with media > 0")
    min_spend: float = Field(0.0, ge=0, description="train spend must be above this, in currency")
    exclude: tuple[Name, ...] = Field((), description="channels to leave out by name")
    merge: Annotated[dict[Name, tuple[Name, ...]], DistinctNames] = Field(
        default_factory=dict, description="channels that are added up to one, e.g. {Small search: [Brand, Generic]}"
    )

    @model_validator(mode="after")
    def _merges_each_once(self) -> ChannelSettings:
        seen: set[str] = set()
        for parts in self.merge.values():
            for part in parts:
                if part in seen:
                    raise ValueError(f"channels.merge names {part!r} twice")
                seen.add(part)
        return self


class ControlSettings(Section):
    """Optional controls: a table with a date and numeric columns, one row per period or finer (and market)."""

    source: Source = Field(
        SourceSettings(),
        description="where the controls are, as the section source, but not BigQuery; empty: `columns` of that source",
    )
    date: str | None = Field(None, description="its date column; empty: columns.date")
    columns: tuple[str, ...] = Field((), description="empty: of a source of their own, every column but the date")
    max_leakage_r2: Share = Field(
        0.5, description="a control that explains more of the same period's KPI is asked about; 1: none is"
    )
    independent: tuple[Name, ...] = Field(
        (), description="controls not computed from the KPI, though they move with it, e.g. a competitor's sales"
    )
    signs: Annotated[dict[Name, SignName], DistinctNames] = Field(
        default_factory=dict, description="control or event: `positive` or `negative`, the only way its value may act"
    )
