"""The step of a column of dates: days, weeks or months."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step

__all__ = ["FoundStep", "step_of"]


@dataclass(frozen=True)
class FoundStep:
    """What the dates say.

    Attributes:
        step: of the periods; None: too few dates, or no regular ones.
        first: date.
        last: date.
        dates: different ones.
        why: in a sentence.
    """

    step: Step | None
    first: dt.date
    last: dt.date
    dates: int
    why: str


def step_of(dates: Sequence[dt.date]) -> FoundStep:
    """Days if most dates follow day by day, weeks if they are sevens of days apart, months if all are firsts of one.

    Args:
        dates: different ones, in order; at least one.
    """
    first, last = dates[0], dates[-1]
    gaps = Counter((after - before).days for before, after in pairwise(dates))
    told = f"{len(dates):,} dates from {first} to {last}"

    def found(step: Step | None, why: str) -> FoundStep:
        return FoundStep(step, first, last, len(dates), f"{told}, {why}")

    if not gaps:
        return found(None, "too few to tell their step")
    if all(day.day == 1 for day in dates) and min(gaps) >= 28:
        return found(Step.MONTH, "each the first of a month")
    if all(gap % 7 == 0 for gap in gaps):
        return found(Step.WEEK, f"each a {WEEKDAYS[first.weekday()]}")
    if gaps.most_common(1)[0][0] == 1:
        missing = (last - first).days + 1 - len(dates)
        return found(Step.DAY, "day by day" + (f"; {missing:,} days are missing" if missing else ""))
    return found(None, "not regular")
