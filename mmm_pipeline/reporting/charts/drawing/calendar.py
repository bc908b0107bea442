"""What charts along the calendar share: the axis of dates, and how the holdout is marked on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.style import MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmm_pipeline.reporting.charts.drawing.context import ChartContext

__all__ = ["DAILY_UP_TO", "HALF_DAY", "date_axis", "is_smoothed", "mark_holdout", "weekly_means"]

DAILY_UP_TO = 200
"""Days beyond which single days are too narrow to see."""
HALF_DAY = pd.Timedelta(hours=12)


def is_smoothed(context: ChartContext, periods: int) -> bool:
    """Whether a picture shows means of weeks: of days, where they are too many to see."""
    return context.tables.window.step is Step.DAY and periods > DAILY_UP_TO


def half_period(context: ChartContext) -> pd.Timedelta:
    """From the date of a period to where the next one begins on a line of dates."""
    return HALF_DAY * context.tables.window.step.mean_days


def date_axis(axes: Axes, context: ChartContext, periods: int) -> None:
    """Few ticks, as days or, for a long window, as months."""
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FuncFormatter

    days = periods * context.tables.window.step.mean_days
    write = context.format.short_date if days <= DAILY_UP_TO else context.format.month
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: write(num2date(value))))
    axes.grid(axis="x", visible=False)


def mark_holdout(
    axes: Axes, context: ChartContext, first: Any, last: Any, *, label_before: bool, before: pd.Timedelta | None = None
) -> None:
    """Shade the periods that the model did not see, and name them above the axes.

    Args:
        axes: with dates along x.
        context: for the words.
        first: date of the first one.
        last: of the last one.
        label_before: whether the words stand left of the first date, for want of room to its right.
        before: how far before its date the first period begins; default: half a period.
    """
    from matplotlib.dates import date2num

    half = half_period(context) if before is None else before
    start = pd.Timestamp(first) - half
    axes.axvspan(start, pd.Timestamp(last) + half, color=style.face(ORANGE, 0.13), zorder=0, linewidth=0)  # type: ignore[arg-type]
    axes.axvline(start, color=ORANGE, linewidth=1, zorder=4)  # type: ignore[arg-type]
    label = axes.annotate(
        context.words("legend.holdout"),
        (date2num(start), 1.0),
        (-3 if label_before else 3, 2),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="right" if label_before else "left",
        color=MUTED,
    )
    label.set_in_layout(False)


def weekly_means(values: pd.DataFrame) -> pd.DataFrame:
    """Means of whole weeks; what is left at the end would be another length of time."""
    weeks = values.resample("7D")
    return weeks.mean().iloc[: len(values) // 7]
