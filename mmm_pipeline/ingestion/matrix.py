"""The media matrix by period and channel, aggregated by SQL in the warehouse so that only a small table leaves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.counted_twice import require_kpi_counts_once, require_no_total
from mmm_pipeline.ingestion.own_kpi import OwnKpi
from mmm_pipeline.ingestion.periods import Periods, periods_of_rows, require_periods_of_market
from mmm_pipeline.ingestion.rows.campaign_rows import CampaignRows, campaign_rows
from mmm_pipeline.ingestion.rows.sums import without_noise
from mmm_pipeline.ingestion.shapes.merging import merged_channels
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import Dialect
from mmm_pipeline.storage.warehouses import Warehouse
from mmm_pipeline.tables.catalog import empty_table

__all__ = [
    "build_market_matrix",
    "build_media_matrix",
    "check_window",
    "holdout_start",
    "media_matrix_query",
    "require_varying",
]

MEASURES = ("media_units", "spend", "kpi")
_MARKETS_SHOWN = 5


def build_media_matrix(
    warehouse: Warehouse,
    settings: Settings,
    rows: CampaignRows | None = None,
    own_kpi: OwnKpi | None = None,
    tell: Callable[[str], object] | None = None,
) -> pd.DataFrame:
    """The table `media_matrix`: one row per period and channel, every period of the window.

    The rows are summed where they are: in the warehouse, or in the BigQuery table that is the source.

    Args:
        warehouse: where the campaign rows were loaded to.
        settings: the sections `source`, `time`, `validation` and `split` count.
        rows: the accepted rows; default: those of the last load.
        own_kpi: of `read_own_kpi`, where the KPI has a table of its own: the periods are those of both.
        tell: gets a sentence for each thing to know about the periods: their step, or one that is left out.

    Raises:
        CampaignDataError: periods without any row (unless `validation.missing_kpi` is `zero`), rows that are neither
            daily, weekly nor monthly or count twice, sums beyond the range of numbers, a window that cannot carry a
            model (see `check_window`), or a source that changed meanwhile.
        StoredResultError: there are no campaign rows in the warehouse.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    rows = rows or campaign_rows(warehouse, settings)
    daily = rows.engine.query(media_matrix_query(rows.engine.dialect, rows.relation), rows.parameters)
    sums = without_noise(daily.to_pandas(date_as_object=False).astype({"date": "datetime64[ns]"}), MEASURES)
    rows.require_unchanged(int(sums["row_count"].sum()))
    if sums.empty:
        check_window(sums, settings)
    periods = _periods(sums, settings, own_kpi)
    if tell is not None:
        outside = () if own_kpi is None else _outside(sums, own_kpi, periods.grid)
        for note in (*periods.notes, *outside):
            tell(note)
    if own_kpi is None:
        require_kpi_counts_once(sums, settings)
    matrix = _dense(periods.sums(merged_channels(sums, settings.channels), MEASURES), periods.grid)
    check_window(matrix, settings, None if own_kpi is None else own_kpi.total(periods.grid))
    require_no_total(matrix, "channel", _channel_header(settings))
    return matrix


def build_market_matrix(
    warehouse: Warehouse, settings: Settings, rows: CampaignRows | None = None, own_kpi: OwnKpi | None = None
) -> pd.DataFrame:
    """The table `market_matrix`: one row per period, market and channel; empty unless `columns.market` names a column.

    What is asked of the periods of all rows is asked of every market's.

    Raises:
        CampaignDataError: periods that a market lacks (unless `validation.missing_kpi` is `zero`), rows of a coarser
            step than those of other markets or that count twice, or a source that changed meanwhile.
        StoredResultError: there are no campaign rows in the warehouse.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    if settings.columns.market is None:
        return empty_table("market_matrix")
    rows = rows or campaign_rows(warehouse, settings)
    query = media_matrix_query(rows.engine.dialect, rows.relation, ("market", "channel"))
    daily = rows.engine.query(query, rows.parameters).to_pandas(date_as_object=False)
    sums = without_noise(daily.astype({"date": "datetime64[ns]"}), MEASURES)
    rows.require_unchanged(int(sums["row_count"].sum()))
    if sums.empty:
        return empty_table("market_matrix")
    periods = _periods(sums, settings, own_kpi)
    if own_kpi is not None:
        own_kpi.require_markets(sums["market"])
    # A market needs rows of the KPI; without media it has none.
    problems = []
    for market, own in (sums if own_kpi is None else own_kpi.sums).groupby("market"):
        try:
            require_periods_of_market(_first_lines(own), periods, settings, str(market))
        except CampaignDataError as problem:
            problems.append(str(problem))
    if problems:
        more = [f"and {len(problems) - _MARKETS_SHOWN} more markets"] if len(problems) > _MARKETS_SHOWN else []
        raise CampaignDataError("\n".join([*problems[:_MARKETS_SHOWN], *more]))
    if own_kpi is None:
        require_kpi_counts_once(sums, settings)
    matrix = _dense(periods.sums(merged_channels(sums, settings.channels), MEASURES), periods.grid)
    require_no_total(matrix, "market", settings.columns.market)
    return matrix


def media_matrix_query(dialect: Dialect, campaigns: str, by: Sequence[str] = ("channel",)) -> str:
    """SELECT statement of the sums by date that the media matrix is made of; dates without rows are not in it.

    Args:
        dialect: spelling of the warehouse that runs it.
        campaigns: the accepted campaign rows: a quoted table name, or a statement in parentheses.
        by: columns that are kept apart within a date.
    """
    kept = ", ".join(["date", *by])
    sums = ", ".join(f"{dialect.exact_sum.format(column)} AS {column}" for column in MEASURES)
    return f"""
        SELECT {kept}, MIN(kind) AS kind, {sums}, COUNT(*) AS row_count, MIN(line_number) AS first_line
        FROM {campaigns} AS campaigns GROUP BY {kept} ORDER BY {kept}"""


def _periods(sums: pd.DataFrame, settings: Settings, own_kpi: OwnKpi | None) -> Periods:
    kpi_lines = None if own_kpi is None else own_kpi.first_lines
    return periods_of_rows(_first_lines(sums), settings, kpi_lines=kpi_lines)


def _first_lines(sums: pd.DataFrame) -> pd.Series:
    return sums.groupby("date")["first_line"].min()


def _dense(sums: pd.DataFrame, grid: TimeGrid) -> pd.DataFrame:
    """With every period of the grid for everything that is kept apart; what has no row is 0."""
    sums = sums.drop(columns=["row_count", "first_line"])
    by = [column for column in sums.columns if column not in ("date", "kind", *MEASURES)]
    known = sums.groupby(by)["kind"].min().reset_index()
    full = pd.DataFrame({"date": grid.dates.astype("datetime64[ns]")}).merge(known, how="cross")
    dense = full.merge(sums.drop(columns="kind"), on=["date", *by], how="left")
    return dense.fillna(dict.fromkeys(MEASURES, 0.0))


def _outside(sums: pd.DataFrame, own_kpi: OwnKpi, grid: TimeGrid) -> Iterator[str]:
    """What lies before or after the periods that media and KPI have in common, and so plays no part."""
    first, after = pd.Timestamp(grid.start), pd.Timestamp(grid.end) + pd.Timedelta(days=1)
    for what, column, table in (("spend", "spend", sums), ("KPI", "kpi", own_kpi.sums)):
        other = "KPI" if what == "spend" else "media"
        for side, there in (("before", table["date"] < first), ("after", table["date"] >= after)):
            if there.any():
                amount, dates = table.loc[there, column].sum(), table.loc[there, "date"]
                yield (
                    f"{what} of {amount:,.2f} from {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d} plays no part: "
                    f"there is no {other} {side} the model's {grid.step.plural}, {grid.start} to {grid.end}"
                )


def _channel_header(settings: Settings) -> str:
    """The column that a channel's rows can be told by."""
    columns = settings.columns
    return "channel" if columns.is_wide else columns.channel_headers[0]


def holdout_start(grid: TimeGrid, settings: Settings) -> dt.date:
    """First day of the holdout, by `split.holdout_start` or else `split.holdout`.

    Raises:
        CampaignDataError: train or holdout would be too short, or it would begin amid a period.
        SettingsError: `split.holdout` is no whole number of periods.
    """
    split, step = settings.split, grid.step
    window = f"the data covers {step.counted(len(grid))}, {grid.start} to {grid.end}"
    if split.holdout_start is not None:
        at = grid.position(split.holdout_start)
        if not 0 < at < len(grid):
            raise CampaignDataError(f"split.holdout_start = {split.holdout_start} is outside the data: {window}")
        if grid.date(at) != split.holdout_start:
            raise CampaignDataError(
                f"split.holdout_start = {split.holdout_start} is amid a {step}: give the first day of one, "
                f"{grid.date(at)} or {grid.date(at + 1)}"
            )
        if at < step.least_train:
            raise CampaignDataError(
                f"split.holdout_start = {split.holdout_start} leaves {step.counted(at)} to learn from, needed are at "
                f"least {step.least_train}: {window}"
            )
        return split.holdout_start
    holdout = split.holdout_periods(step)
    if len(grid) < holdout + step.least_train:
        raise CampaignDataError(
            f"{window}; needed are at least {holdout + step.least_train}: the holdout of {step.counted(holdout)} "
            f"(split.holdout) plus {step.counted(step.least_train)} to learn from"
        )
    return grid.date(len(grid) - holdout)


def check_window(matrix: pd.DataFrame, settings: Settings, kpi: pd.Series | None = None) -> None:
    """Refuse a matrix that cannot carry a model.

    Args:
        matrix: the table `media_matrix`.
        settings: the sections `columns` and `split` count.
        kpi: KPI of every day of the matrix, by date; default: that of its rows.

    Raises:
        CampaignDataError: too few periods, a KPI that is zero or constant (over all of them, or over those before the
            holdout) or zero throughout the holdout, or a value that is not finite.
    """
    if matrix.empty:
        raise CampaignDataError("there are no accepted campaign rows")
    for column in ("media_units", "spend", "kpi"):
        broken = matrix.loc[~np.isfinite(matrix[column].to_numpy())]
        if len(broken):
            row = broken.iloc[0]
            raise CampaignDataError(
                f"the {column} of {row['channel']!r} on {row['date'].date()} add up to {row[column]}: "
                "some values are too large to be real"
            )
    if kpi is None:
        kpi = matrix.groupby("date")["kpi"].sum()
    if (kpi.to_numpy() < 0).any():
        day = kpi.index[int(np.argmax(kpi.to_numpy() < 0))]
        raise CampaignDataError(
            f"the KPI (columns.kpi = {settings.columns.kpi!r}) of {day.date()} adds up to {kpi[day]:,.2f}: a day may "
            "have refunds, but not more of them than sales. Is a sign wrong, or are sales of the day missing?"
        )
    grid = TimeGrid.of_dates(kpi.index.to_numpy())
    first, last = grid.start, grid.end
    start = holdout_start(grid, settings)
    step = grid.step
    require_varying(kpi, f"{step.on} all {step.counted(len(kpi))}, {first} to {last}", settings.columns.kpi)
    train = kpi[kpi.index < pd.Timestamp(start)]
    require_varying(
        train,
        f"{step.on} every {step} before the holdout, {first} to {start - dt.timedelta(days=1)}",
        settings.columns.kpi,
    )
    if not (kpi[kpi.index >= pd.Timestamp(start)].to_numpy() > 0).any():
        known = kpi.index[kpi.to_numpy() > 0].max().date()
        raise CampaignDataError(
            f"the KPI (columns.kpi = {settings.columns.kpi!r}) is 0 {step.on} every {step} of the holdout, {start} to "
            f"{last}, so that no forecast can be scored; the last {step} with a KPI is {known}. Leave out "
            f"{step.plural} that are still to come or not reported yet, or set split.holdout_start to an earlier day"
        )


def require_varying(kpi: pd.Series, where: str, header: str) -> None:
    """Refuse a KPI that is zero or constant; `where`: the periods, for the message.

    Raises:
        CampaignDataError: it is.
    """
    values = kpi.to_numpy()
    header = f"columns.kpi = {header!r}"
    if not (values > 0).any():
        raise CampaignDataError(f"the KPI ({header}) is 0 {where}: there is nothing to explain")
    # Sums of equal values may differ by rounding.
    if np.ptp(values) <= 1e-9 * values.max():
        raise CampaignDataError(
            f"the KPI ({header}) is the same {where} ({values[0]:g}): a constant cannot be explained; is it the "
            "right column?"
        )
