"""What charts along the calendar share: the axis of dates, and how the holdout is marked on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.style import MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmm_pipeline.reporting.charts.drawing.context import ChartContext

__all__ = ["DAILY_UP_TO", "HALF_DAY", "date_axis", "mark_holdout", "weekly_means"]

DAILY_UP_TO = 200
"""Days beyond which single days are too narrow to see."""
HALF_DAY = pd.Timedelta(hours=12)


def date_axis(axes: Axes, context: ChartContext, days: int) -> None:
    """Few ticks, as days or, for a long window, as months."""
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FuncFormatter

    write = context.format.short_date if days <= DAILY_UP_TO else context.format.month
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: write(num2date(value))))
    axes.grid(axis="x", visible=False)


def mark_holdout(axes: Axes, context: ChartContext, first: Any, last: Any, *, label_before: bool) -> None:
    """Shade the days that the model did not see, and name them above the axes.

    Args:
        axes: with dates along x.
        context: for the words.
        first: of the days.
        last: likewise.
        label_before: whether the words stand left of the first day, for want of room to its right.
    """
    from matplotlib.dates import date2num

    start = pd.Timestamp(first) - HALF_DAY
    axes.axvspan(start, pd.Timestamp(last) + HALF_DAY, color=style.face(ORANGE, 0.13), zorder=0, linewidth=0)  # type: ignore[arg-type]
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
