"""From the dates of rows to periods: which step the dates have, and which periods the model counts in."""

from __future__ import annotations

import datetime as dt
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
        step: of the rows' own dates.
        back: days from a row's date back to the first day of its own period: 6 where weeks are dated by their end.
        notes: sentences about what was taken for granted and what was left out.
    """

    grid: TimeGrid
    step: Step
    back: int = 0
    notes: tuple[str, ...] = ()

    def positions(self, dates: pd.Series | pd.DatetimeIndex) -> np.ndarray:
        """Periods of the grid that rows of these dates belong to; outside it for those that are left out."""
        return self.grid.positions(np.asarray(dates).astype("datetime64[D]") - self.back)

    def sums(self, sums: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
        """Sums by date as sums by period, `date` being the first day of the period.

        Args:
            sums: column `date`, the measures, `row_count`, `first_line`, and columns that are kept apart.
            measures: what is added up.
        """
        at = self.positions(sums["date"])
        kept = (at >= 0) & (at < len(self.grid))
        starts = self.grid.dates_at(at[kept]).astype("datetime64[ns]")
        of_period = sums.loc[kept].assign(date=starts)
        if self.step is self.grid.step:
            return of_period.reset_index(drop=True)
        by = [column for column in sums.columns if column not in (*measures, "row_count", "first_line")]
        added = dict.fromkeys((*measures, "row_count"), "sum")
        return of_period.groupby(by, as_index=False, sort=True).agg({**added, "first_line": "min"})


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


def periods_of_rows(first_lines: pd.Series, settings: Settings, *, today: dt.date | None = None) -> Periods:
    """The periods of all rows.

    Args:
        first_lines: line of the first row of each date, missing where lines are not known; the index are the dates,
            increasing, each once; at least one.
        settings: the sections `time`, `validation` and `split` count.
        today: a period that is not over on this day is left out; default: `split.as_of`, or the day of the computer.

    Raises:
        CampaignDataError: the step is none that is accepted, is coarser than `time.step`, a date is far from all others
            or on another weekday, or a period has no row (unless `validation.missing_kpi` is `zero`).
        SettingsError: `time` contradicts the dates.
    """
    dates, chosen = pd.DatetimeIndex(first_lines.index), settings.time
    found = step_of_dates(dates)
    step = Step(chosen.step) if chosen.step else found
    if step.mean_days < found.mean_days:
        raise CampaignDataError(
            f"time.step is {step}, and the rows are {found.adverb}: {len(dates):,} dates from {dates[0].date()} to "
            f"{dates[-1].date()}. Accepted is {found}, or what can be summed up from it: leave time.step empty"
        )
    if (found, step) == (Step.WEEK, Step.MONTH):
        raise CampaignDataError(
            "time.step is month, and the rows are weekly: weeks belong to two months. Accepted is week, or export the "
            "data by day or by month"
        )
    require_near(first_lines, found)
    back = _WEEK - 1 if found is Step.WEEK and chosen.week_date == "end" else 0
    start = _week_start(first_lines, found, back, settings)
    first, last = (np.datetime64(day, "D") - back for day in (dates[0], dates[-1]))
    own = TimeGrid.covering(first, last, found, start)
    whole = own if step is found else TimeGrid.covering(first, last, step, start)
    kept, notes = _complete(whole, own, today or settings.split.as_of or dt.date.today())
    periods = Periods(kept, found, back, (*_recognised(found, step, own, chosen.step), *notes))
    _require_rows(dates, own, periods, settings)
    return periods


def require_periods_of_market(first_lines: pd.Series, all_rows: Periods, settings: Settings, market: str) -> None:
    """Ask of one market's dates what is asked of those of all rows.

    Raises:
        CampaignDataError: the market's rows are of a coarser step, or leave out a period of the grid.
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
    step = own if own.mean_days > all_rows.step.mean_days else all_rows.step
    _require_rows(dates, TimeGrid(grid.start, step, 0), all_rows, settings, market)


def _require_rows(
    dates: pd.DatetimeIndex, own: TimeGrid, periods: Periods, settings: Settings, market: str | None = None
) -> None:
    if settings.validation.missing_kpi != "error":
        return
    grid = periods.grid
    # Only periods that are kept need rows: those of the rows' own step within them.
    wanted = TimeGrid(grid.start, own.step, 0)
    wanted = wanted.extended(wanted.position(grid.end) + 1 if len(grid) else 0)
    at = wanted.positions(dates.to_numpy().astype("datetime64[D]") - periods.back)
    require_every_period([int(one) for one in at if 0 <= one < len(wanted)], wanted, market)


def _complete(whole: TimeGrid, own: TimeGrid, today: dt.date) -> tuple[TimeGrid, tuple[str, ...]]:
    """The grid without an incomplete period at either end, and a sentence about each."""
    kept, notes, step = whole, [], whole.step
    if len(kept) and own.start > kept.start:
        notes.append(
            f"the first {step}, {kept.start} to {kept.last_day(0)}, is left out: its rows begin on {own.start} only"
        )
        kept = kept[1:]
    if len(kept) and (kept.end > own.end or (step is not Step.DAY and kept.date(len(kept) - 1) <= today < kept.end)):
        over = f"its rows end on {own.end}" if kept.end > own.end else f"it is not over on {today}"
        notes.append(f"the last {step}, {kept.date(len(kept) - 1)} to {kept.end}, is left out: {over}")
        kept = kept[:-1]
    return kept, tuple(notes)


def _recognised(found: Step, step: Step, own: TimeGrid, asked: str | None) -> tuple[str, ...]:
    if step is not found:
        return (f"{found.adverb} rows are summed up to {step.plural} (time.step)",)
    if step is Step.DAY or asked:
        return ()
    starts = f", each from a {own.week_start} on" if step is Step.WEEK else ""
    return (f"the rows are {found.adverb}: the model counts {step.plural}{starts} (time.step)",)


def _week_start(first_lines: pd.Series, found: Step, back: int, settings: Settings) -> int:
    """Weekday that starts the weeks, Monday is 0.

    Raises:
        CampaignDataError: a weekly date is on another weekday than the others.
        SettingsError: `time.week_start` names another one than weekly dates have.
    """
    asked = settings.time.week_start
    chosen = [day.lower() for day in WEEKDAYS].index(asked) if asked else 0
    if found is not Step.WEEK:
        return chosen
    dates = pd.DatetimeIndex(first_lines.index)
    dated = int(dates.dayofweek.to_series().mode().iloc[0])
    odd = dates[dates.dayofweek != dated]
    if len(odd):
        raise CampaignDataError(
            f"the rows are weekly, each on a {WEEKDAYS[dated]}, but {len(odd):,} date(s) are on another weekday: "
            f"{dated_lines(first_lines, odd)}. Correct them, or remove their rows"
        )
    start = (dated - back) % _WEEK
    if asked and start != chosen:
        raise SettingsError(
            f"time.week_start is {asked}, and the weekly rows are of weeks from a {WEEKDAYS[start]} on "
            f"(time.week_date: {settings.time.week_date}): leave it empty; it is for daily rows that are summed up"
        )
    return start


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
