"""The KPI of a table of its own: summed by SQL where its rows are, and held against the periods of the media."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.periods import Periods, step_of_dates
from mmm_pipeline.ingestion.rows.campaign_rows import CampaignRows, own_kpi_rows
from mmm_pipeline.ingestion.rows.sums import without_noise
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import Dialect
from mmm_pipeline.storage.warehouses import Warehouse

__all__ = ["OwnKpi", "kpi_series", "read_own_kpi"]

_SEVERAL_SHARE = 0.5
_EQUAL_SHARE = 0.95
_LEAST_DAYS = 14
_LEAST_VALUES = 5
_SHOWN = 5


@dataclass(frozen=True)
class OwnKpi:
    """The KPI by date, and by market where markets are kept apart.

    Attributes:
        sums: `date`, `market` (missing where all are taken together), `kpi`, `first_line`.
        where: its source, for messages.
        step: of the dates.
        weeks_end: whether weekly dates are the last days of their weeks.
        notes: what should be known of how it was read.
    """

    sums: pd.DataFrame
    where: str
    step: Step
    weeks_end: bool = False
    notes: tuple[str, ...] = ()

    @property
    def first_lines(self) -> pd.Series:
        """Line of the first row of each date, of all markets."""
        return self.sums.groupby("date")["first_line"].min()

    def by_period(self, grid: TimeGrid) -> pd.DataFrame:
        """`date`, `market`, `kpi` by period of a grid: where dates are of a finer step, their sums."""
        return Periods(grid, (self.step,), self.weeks_end).sums(self.sums[["date", "market", "kpi"]], ["kpi"])

    def total(self, grid: TimeGrid) -> pd.Series:
        """KPI of all markets by period of a grid."""
        dates = pd.DatetimeIndex(grid.dates.astype("datetime64[ns]"), name="date")
        return self.by_period(grid).groupby("date")["kpi"].sum().reindex(dates, fill_value=0.0)

    def require_markets(self, media_markets: pd.Series) -> None:
        """Refuse media and KPI of different markets.

        Raises:
            CampaignDataError: a market has one without the other.
        """
        media, sold = set(media_markets), set(self.sums["market"])
        for what, other, missing in (("media", "KPI", media - sold), ("KPI", "media", sold - media)):
            if missing:
                listed = ", ".join(map(repr, sorted(missing)[:_SHOWN]))
                raise CampaignDataError(
                    f"{len(missing)} market(s) have {what} and no {other}: {listed}. Are they spelled alike in both "
                    "tables (columns.market)? Leave their rows out of both, or take all markets together"
                )


def read_own_kpi(warehouse: Warehouse, settings: Settings) -> OwnKpi | None:
    """The KPI of the last load, where it has a table of its own.

    Raises:
        CampaignDataError: several rows of one date that can be read in two ways, or rows that are neither daily, weekly
            nor monthly.
        StoredResultError: nothing has been loaded.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    rows = own_kpi_rows(warehouse, settings)
    if rows is None:
        return None
    daily = rows.engine.query(_query(rows.engine.dialect, rows), rows.parameters).to_pandas(date_as_object=False)
    sums = without_noise(daily.astype({"date": "datetime64[ns]"}), ["kpi", "least", "most"])
    rows.require_unchanged(int(sums["row_count"].sum()))
    notes = _notes_on_several_rows(sums, rows.where, settings)
    step = step_of_dates(pd.DatetimeIndex(sums["date"].unique()))
    kept = sums[["date", "market", "kpi", "first_line"]]
    return OwnKpi(kept, rows.where, step, settings.time.week_date == "end", notes)


def kpi_series(matrix: pd.DataFrame, by_market: pd.DataFrame | None, own: OwnKpi | None) -> pd.DataFrame:
    """The table `kpi_series`.

    Args:
        matrix: the table `media_matrix`; its periods count.
        by_market: the table `market_matrix`; None or empty: markets are taken together.
        own: the KPI where it has a table of its own.
    """
    days = pd.DatetimeIndex(matrix["date"].unique())
    if own is None:
        source = matrix.assign(market=None) if by_market is None or by_market.empty else by_market
        ordered = source.sort_values(["date", "channel"])  # sums of floats depend on the order
        summed = ordered.groupby(["date", "market"], dropna=False)["kpi"].sum().reset_index()
    else:
        summed = own.by_period(TimeGrid.of_dates(days.to_numpy()))
    markets = summed["market"].drop_duplicates().sort_values()
    full = pd.DataFrame({"date": days}).merge(markets.to_frame(), how="cross")
    series = full.merge(summed, on=["date", "market"], how="left").fillna({"kpi": 0.0})
    return series.sort_values(["date", "market"], ignore_index=True)


def _query(dialect: Dialect, rows: CampaignRows) -> str:
    return f"""
        SELECT date, market, {dialect.exact_sum.format("kpi")} AS kpi, COUNT(*) AS row_count,
            MIN(line_number) AS first_line, MAX(line_number) AS last_line, MIN(kpi) AS least, MAX(kpi) AS most,
            SUM(CASE WHEN is_timed THEN 0 ELSE 1 END) AS untimed
        FROM {rows.relation} AS kpi_rows GROUP BY date, market ORDER BY date, market"""


def _notes_on_several_rows(sums: pd.DataFrame, where: str, settings: Settings) -> tuple[str, ...]:
    """What to know of dates with several rows.

    Raises:
        CampaignDataError: they can be read in two ways.
    """
    if settings.columns.kpi_per is not None:
        return ()
    several = sums.loc[(sums["row_count"] > 1) & (sums["untimed"] > 0)]
    if several.empty:
        return ()
    example = several.iloc[0]
    market = "" if pd.isna(example["market"]) else f" in {example['market']!r}"
    lines = (
        ""
        if pd.isna(example["first_line"])
        else (f" (lines {int(example['first_line'])} and {int(example['last_line'])})")
    )
    day = f"{example['date']:%Y-%m-%d}{market}{lines}"
    of_all = f"{len(several):,} of {len(sums):,} dates{' and markets' if sums['market'].notna().any() else ''}"
    choice = (
        "They can be read two ways. They add up, as orders or the sales of several shops do: set columns.kpi_per: row. "
        "Every row repeats the KPI of its date, which counts once: set columns.kpi_per: date"
    )
    equal = several.loc[several["least"] == several["most"]]
    same = len(equal) >= _EQUAL_SHARE * len(several) and equal["most"].nunique() >= _LEAST_VALUES
    if len(several) >= _LEAST_DAYS and same:
        raise CampaignDataError(
            f"{where}: several rows of a date have the same KPI on {of_all}, e.g. {example['most']:,.2f} on {day}. "
            + choice
        )
    if len(several) > _SEVERAL_SHARE * len(sums):
        return (f"{where}: {of_all} have several KPI rows, which add up (columns.kpi_per)",)
    raise CampaignDataError(
        f"{where}: {of_all} have more than one KPI row, first {day}, with a KPI from {example['least']:,.2f} to "
        f"{example['most']:,.2f}. {choice}. A row sent twice: remove it"
    )
