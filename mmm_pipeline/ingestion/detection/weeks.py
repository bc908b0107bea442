"""Whether weekly dates are the first or the last days of their weeks, by the days of a finer table beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mmm_pipeline.ingestion.detection.steps import FoundStep
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step

__all__ = ["FoundWeeks", "weeks_of"]

WeekDate = Literal["start", "end"]

_SIX_DAYS = dt.timedelta(days=6)
_MAY_END_WEEKS = (5, 6)  # Saturday and Sunday: weeks start on them in some countries, and end with them in others


@dataclass(frozen=True)
class FoundWeeks:
    """What weekly dates are.

    Attributes:
        date: which day of its week a date is.
        why: in a sentence.
        is_sure: something decides it.
    """

    date: WeekDate
    why: str
    is_sure: bool = True


def weeks_of(steps: Sequence[FoundStep]) -> FoundWeeks | None:
    """What the weekly dates of tables are; None where there are none, or no question about them.

    Args:
        steps: of the tables that are used together.
    """
    weekly = [it for it in steps if it.step is Step.WEEK]
    daily = [it for it in steps if it.step is Step.DAY]
    found = [one for week in weekly for day in daily if (one := _beside(week, day)) is not None]
    if found and len({one.date for one in found}) == 1:
        return found[0]
    odd = next((it for it in weekly if it.first.weekday() in _MAY_END_WEEKS), None)
    if odd is None:
        return None
    name = WEEKDAYS[odd.first.weekday()]
    return FoundWeeks(
        "start",
        f"weeks are taken to start on the {name} that they are dated by; where that is their last day, "
        "set time.week_date: end",
        is_sure=False,
    )


def _beside(week: FoundStep, day: FoundStep) -> FoundWeeks | None:
    """What days decide about weekly dates; None: both readings fit whole weeks at an end, or neither does."""
    starts = day.first == week.first or day.last == week.last + _SIX_DAYS
    begin_together = day.first == week.first - _SIX_DAYS
    # A daily table may stop on the first day of a running week: only days that often end weeks count here.
    end_together = day.last == week.last and week.last.weekday() in _MAY_END_WEEKS
    ends = begin_together or end_together
    if starts == ends:
        return None
    name = WEEKDAYS[week.first.weekday()]
    if starts:
        return FoundWeeks(
            "start", f"weeks start on the {name} that they are dated by: the daily rows fit whole weeks only so"
        )
    told = f"begin on {day.first}, six days before" if begin_together else f"end on {day.last}, with"
    which = "first" if begin_together else "last"
    return FoundWeeks(
        "end", f"weeks end on the {name} that they are dated by: the daily rows {told} the {which} of them"
    )
