"""From the dates of rows to periods: which step the dates have, and which periods the model counts in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.missing_periods import dated_lines, require_every_period, require_near, whose
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step, TimeGrid
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["Periods", "periods_of_rows", "require_periods_of_market", "step_of_dates"]

_REGULAR_SHARE = 0.8
_LEAST_DATES = 5
_MONTH_DAYS = (28, 31)
_SAME_PART = 6
"""Days by which the dates of months may differ, e.g. those of their first working days."""
_OTHER_STEPS = {
    "fortnightly": (14, 14),
    "quarterly": (89, 92),
    "yearly": (365, 366),
}
_WEEK = 7


@dataclass(frozen=True)
class Periods:
    """How the dates of rows become periods.

    Attributes:
        grid: periods that the model counts in.
        steps: of the dates of each table: that of the media, or of the only table, first.
        weeks_end: whether weekly dates are the last days of their weeks.
        notes: sentences about what was taken for granted and what was left out.
    """

    grid: TimeGrid
    steps: tuple[Step, ...]
    weeks_end: bool = False
    notes: tuple[str, ...] = ()

    def positions(self, dates: pd.Series | pd.DatetimeIndex, step: Step) -> np.ndarray:
        """Periods of the grid that dates of a step belong to; outside it for those that are left out."""
        return self.grid.positions(np.asarray(dates).astype("datetime64[D]") - _days_back(step, self.weeks_end))

    def sums(self, sums: pd.DataFrame, measures: Sequence[str], step: Step | None = None) -> pd.DataFrame:
        """Sums by date as sums by period, `date` being the first day of the period.

        Args:
            sums: column `date`, the measures, perhaps `kind`, `row_count` and `first_line`, and columns that are kept
                apart.
            measures: what is added up.
            step: of the dates; default: that of the media.
        """
        own = step or self.steps[0]
        at = self.positions(sums["date"], own)
        kept = (at >= 0) & (at < len(self.grid))
        of_period = sums.loc[kept].assign(date=self.grid.dates_at(at[kept]).astype("datetime64[ns]"))
        if own is self.grid.step:
            return of_period.reset_index(drop=True)
        rules = {**dict.fromkeys((*measures, "row_count"), "sum"), "kind": "min", "first_line": "min"}
        by = [column for column in sums.columns if column not in rules]
        rules = {column: rule for column, rule in rules.items() if column in sums}
        return of_period.groupby(by, as_index=False, sort=True, dropna=False).agg(rules)[list(sums.columns)]


def step_of_dates(dates: pd.DatetimeIndex, market: str | None = None) -> Step:
    """The step of dates, each once and increasing; days where they are too few to tell.

    Raises:
        CampaignDataError: they are a fortnight, a quarter or another regular time apart.
    """
    if len(dates) < 2:
        return Step.DAY
    apart = np.diff(dates.to_numpy().astype("datetime64[D]").astype(int))
    if _is_monthly(dates, apart):
        return Step.MONTH
    if len(dates) < _LEAST_DATES:
        return Step.WEEK if (apart == _WEEK).all() else Step.DAY
    if np.median(apart) < 2:
        return Step.DAY
    if (apart % _WEEK == 0).mean() >= _REGULAR_SHARE and np.median(apart) == _WEEK:
        return Step.WEEK
    other = _other_step(apart)
    if other is None:
        return Step.DAY
    raise CampaignDataError(
        f"the rows{whose(market)} are {other}: {len(dates):,} dates from {dates[0].date()} to {dates[-1].date()}, "
        f"first {', '.join(str(day.date()) for day in dates[:3])}. Accepted are daily, weekly and monthly rows: export "
        "the data by day or by week. To fill the days between with 0 (validation.missing_kpi: zero) would make up days "
        "without sales"
    )


def periods_of_rows(
    first_lines: pd.Series, settings: Settings, *, kpi_lines: pd.Series | None = None, today: dt.date | None = None
) -> Periods:
    """The periods of all rows.

    Args:
        first_lines: line of the first row of each date, missing where lines are not known; the index are the dates,
            increasing, each once; at least one.
        settings: the sections `time`, `validation` and `split` count.
        kpi_lines: the same of the KPI, where it has a table of its own: then the periods are those of both, of the
            coarser step, and a period without media is one.
        today: a period that is not over on this day is left out; default: `split.as_of`, or the day of the computer.

    Raises:
        CampaignDataError: the step is none that is accepted, is coarser than `time.step`, a date is far from all others
            or on another weekday, the tables have no period in common or weeks of their own, or a period has no row
            (unless `validation.missing_kpi` is `zero`).
        SettingsError: `time` contradicts the dates.
    """
    tables = [_Table.read("rows" if kpi_lines is None else "media", first_lines, settings)]
    if kpi_lines is not None:
        tables.append(_Table.read("KPI", kpi_lines, settings))
    coarsest = max((table.grid.step for table in tables), key=lambda step: step.mean_days)
    step = Step(settings.time.step) if settings.time.step else coarsest
    for table in tables:
        _require_summable(table, step)
    first, last = max(table.grid.start for table in tables), min(table.grid.end for table in tables)
    if first > last:
        spans = " and ".join(f"the {table.name} from {table.grid.start} to {table.grid.end}" for table in tables)
        raise CampaignDataError(
            f"media and KPI have no day in common: {spans}. Export the same days of both; is a year or the date column "
            "(columns.date, kpi.date) wrong?"
        )
    whole = TimeGrid.covering(first, last, step, _week_start(tables, settings))
    kept, notes = _complete(whole, first, last, today or settings.split.as_of or dt.date.today())
    steps, weeks_end = tuple(table.grid.step for table in tables), settings.time.week_date == "end"
    periods = Periods(kept, steps, weeks_end, (*_recognised(tables, whole, settings.time.step), *notes))
    # A period without media has none; one without KPI is unknown.
    _require_rows(tables[-1].dates, steps[-1], periods, settings)
    return periods


def require_periods_of_market(first_lines: pd.Series, all_rows: Periods, settings: Settings, market: str) -> None:
    """Ask of the dates of one market's KPI what is asked of those of all markets.

    Raises:
        CampaignDataError: they are of a coarser step, or leave out a period of the grid.
    """
    dates, grid = pd.DatetimeIndex(first_lines.index), all_rows.grid
    own = step_of_dates(dates, market)
    if own.mean_days > grid.step.mean_days:
        raise CampaignDataError(
            f"the rows of market {market!r} are {own.adverb}, not {grid.step.adverb} as those of others: "
            f"{len(dates):,} dates from {dates[0].date()} to {dates[-1].date()}. All markets need one step: export "
            f"this one by {grid.step}, or set time.step: {own}"
        )
    require_near(first_lines, own, market)
    # A market may have a coarser step than others, as long as the model's is not finer.
    usual = all_rows.steps[-1]
    _require_rows(dates, own if own.mean_days > usual.mean_days else usual, all_rows, settings, market)


@dataclass(frozen=True)
class _Table:
    """The dates of one table.

    Attributes:
        name: for messages.
        dates: of its rows, each once.
        grid: periods of their own step that they span.
    """

    name: str
    dates: pd.DatetimeIndex
    grid: TimeGrid

    @classmethod
    def read(cls, name: str, first_lines: pd.Series, settings: Settings) -> _Table:
        dates = pd.DatetimeIndex(first_lines.index)
        step = step_of_dates(dates)
        require_near(first_lines, step)
        back = _days_back(step, settings.time.week_date == "end")
        first, last = (np.datetime64(day, "D") - back for day in (dates[0], dates[-1]))
        start = 0
        if step is Step.WEEK:
            start = (_weekday(first_lines, dates) - back) % _WEEK
        return cls(name, dates, TimeGrid.covering(first, last, step, start))


def _require_summable(table: _Table, step: Step) -> None:
    own, span = table.grid.step, f"{len(table.dates):,} dates from {table.dates[0].date()} to {table.dates[-1].date()}"
    if step.mean_days < own.mean_days:
        raise CampaignDataError(
            f"time.step is {step}, and the {table.name} are {own.adverb}: {span}. Accepted is {own}, or what can be "
            "summed up from it: leave time.step empty"
        )
    if (own, step) == (Step.WEEK, Step.MONTH):
        raise CampaignDataError(
            f"the {table.name} are weekly ({span}), and the model would count months: weeks belong to two of them. "
            "Export the data by day or by month"
        )


def _require_rows(
    dates: pd.DatetimeIndex, step: Step, periods: Periods, settings: Settings, market: str | None = None
) -> None:
    """Every period of the rows' own step that is in the grid has a row."""
    grid = periods.grid
    if settings.validation.missing_kpi != "error" or not len(grid):
        return
    wanted = TimeGrid(grid.start, step, 0)
    wanted = wanted.extended(wanted.position(grid.end) + 1)
    at = wanted.positions(dates.to_numpy().astype("datetime64[D]") - _days_back(step, periods.weeks_end))
    require_every_period([int(one) for one in at if 0 <= one < len(wanted)], wanted, market)


def _days_back(step: Step, weeks_end: bool) -> int:
    """Days from a date to the first day of its own period."""
    return _WEEK - 1 if step is Step.WEEK and weeks_end else 0


def _complete(whole: TimeGrid, first: dt.date, last: dt.date, today: dt.date) -> tuple[TimeGrid, tuple[str, ...]]:
    """The grid without an incomplete period at either end, and a sentence about each."""
    kept, notes, step = whole, [], whole.step
    if len(kept) and first > kept.start:
        notes.append(
            f"the first {step}, {kept.start} to {kept.last_day(0)}, is left out: its rows begin on {first} only"
        )
        kept = kept[1:]
    if len(kept) and (kept.end > last or (step is not Step.DAY and kept[-1] <= today < kept.end)):
        over = f"its rows end on {last}" if kept.end > last else f"it is not over on {today}"
        notes.append(f"the last {step}, {kept[-1]} to {kept.end}, is left out: {over}")
        kept = kept[:-1]
    return kept, tuple(notes)


def _recognised(tables: Sequence[_Table], whole: TimeGrid, asked: str | None) -> tuple[str, ...]:
    step = whole.step
    summed = [table for table in tables if table.grid.step is not step]
    notes = [f"{table.grid.step.adverb} {table.name} are summed up to {step.plural} (time.step)" for table in summed]
    if step is not Step.DAY and not asked and len(summed) < len(tables):
        starts = f", each from a {whole.week_start} on" if step is Step.WEEK else ""
        named = next(table.name for table in tables if table not in summed)
        notes.append(f"the {named} are {step.adverb}: the model counts {step.plural}{starts} (time.step)")
    return tuple(notes)


def _week_start(tables: Sequence[_Table], settings: Settings) -> int:
    """Weekday that starts the weeks, Monday is 0.

    Raises:
        CampaignDataError: two weekly tables have weeks that start on different weekdays.
        SettingsError: `time.week_start` names another one than weekly dates have.
    """
    asked = settings.time.week_start
    chosen = [day.lower() for day in WEEKDAYS].index(asked) if asked else 0
    weekly = {table.name: table.grid for table in tables if table.grid.step is Step.WEEK}
    if not weekly:
        return chosen
    starts = {name: grid.start.weekday() for name, grid in weekly.items()}
    if len(set(starts.values())) > 1:
        told = " and ".join(f"those of the {name} on a {weekly[name].week_start}" for name in weekly)
        raise CampaignDataError(
            f"the weeks differ: {told} (time.week_date: {settings.time.week_date}). Export one week"
        )
    start = next(iter(starts.values()))
    if asked and start != chosen:
        raise SettingsError(
            f"time.week_start is {asked}, and the weekly rows are of weeks from a {WEEKDAYS[start]} on "
            f"(time.week_date: {settings.time.week_date}): leave it empty; it is for daily rows that are summed up"
        )
    return start


def _weekday(first_lines: pd.Series, dates: pd.DatetimeIndex) -> int:
    """The weekday of weekly dates.

    Raises:
        CampaignDataError: some are on another one.
    """
    dated = int(dates.dayofweek.to_series().mode().iloc[0])
    odd = dates[dates.dayofweek != dated]
    if len(odd):
        raise CampaignDataError(
            f"the rows are weekly, each on a {WEEKDAYS[dated]}, but {len(odd):,} date(s) are on another weekday: "
            f"{dated_lines(first_lines, odd)}. Correct them, or remove their rows"
        )
    return dated


def _is_monthly(dates: pd.DatetimeIndex, apart: np.ndarray) -> bool:
    """One date a month, always about the same day of it or near its end."""
    least, most = _MONTH_DAYS
    months = dates.to_numpy().astype("datetime64[M]")
    if ((apart >= least - _SAME_PART) & (apart <= most + _SAME_PART)).mean() < _REGULAR_SHARE:
        return False
    if len(set(months)) < len(months):
        return False
    left = (dates.days_in_month - dates.day).to_numpy()
    return bool(min(np.ptp(dates.day.to_numpy()), np.ptp(left)) <= _SAME_PART)


def _other_step(apart: np.ndarray) -> str | None:
    for name, (least, most) in _OTHER_STEPS.items():
        if ((apart >= least) & (apart <= most)).mean() >= _REGULAR_SHARE:
            return name
    most_common = int(np.bincount(apart).argmax())
    return f"{most_common} days apart" if (apart == most_common).mean() >= _REGULAR_SHARE else None
