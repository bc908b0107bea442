"""The KPI before any model: where it is going, which days are odd, what a weekday is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.calendar import date_axis, is_smoothed, mark_holdout
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, PALE, RED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["kpi_profile"]

_DATED = 4
"""The oddest days have their date beside them; more would run into one another."""


def kpi_profile(context: ChartContext) -> Drawing | None:
    """KPI with its robust trend and unusual periods; beside it, of days, the median of every weekday."""
    from matplotlib.lines import Line2D

    words, table = context.words, context.tables.kpi_series
    profile: Mapping[str, Any] = context.tables.eda_profile.get("kpi", {})
    if table.empty or not profile:
        return None
    daily = table.groupby("date")["kpi"].sum().sort_index()
    long = is_smoothed(context, len(daily))
    legend: list[tuple[Artist, str]] = [
        (Line2D([], [], color=PALE if long else INK, linewidth=0.8), words("legend.daily", kpi=context.kpi)),
        (Line2D([], [], color=BLUE, linewidth=1.8, linestyle=(0, (5, 2))), words("legend.trend")),
    ]
    if long:
        legend.insert(1, (Line2D([], [], color=INK, linewidth=1.4), words("legend.weekly_mean")))
    if profile["outliers"]:
        mark = Line2D([], [], color=RED, marker="D", markerfacecolor="white", linewidth=1)
        legend.append((mark, words("legend.unusual")))
    told = "subtitle" if profile["weekdays"] else "subtitle_alone"
    page = style.new_page(
        3.2,
        words("charts.kpi_profile.title", kpi=context.kpi),
        words(f"charts.kpi_profile.{told}", kpi=context.kpi),
        legend,
    )
    if profile["weekdays"]:
        left, right = page.figure.subplots(1, 2, gridspec_kw={"width_ratios": (3, 1)})
        style.side_by_side(page)
        _weekdays(right, profile["weekdays"], context)
    else:
        left = page.figure.subplots()
    days = daily.index.to_numpy()
    left.plot(days, daily, color=PALE if long else INK, linewidth=0.5 if long else 0.8)
    if long:
        left.plot(days, daily.rolling(7, center=True).mean(), color=INK, linewidth=1.2)
    # Theil-Sen: the line of the median slope through the middle and the median value.
    slope = profile["trend"]["slope"] / (7 if context.tables.window.step is Step.DAY else 1)
    trend = profile["median"] + slope * (np.arange(len(daily)) - (len(daily) - 1) / 2)
    left.plot(days, trend, color=BLUE, linewidth=1.8, linestyle=(0, (5, 2)))
    _unusual(left, profile["outliers"], context)
    window = context.tables.window
    if window.holdout_periods:
        before = window.holdout_periods < 0.4 * len(daily)
        mark_holdout(left, context, window.holdout_start, window.grid[-1], label_before=before)
    left.set_ylim(bottom=min(0.0, float(daily.min())), top=1.08 * float(daily.max()) or 1.0)
    left.margins(x=0.01)
    format_axis(left, "y", context.format.compact)
    date_axis(left, context, len(daily))
    return Drawing(page.figure, _values(profile, context))


def _unusual(axes: Axes, outliers: Sequence[Mapping[str, Any]], context: ChartContext) -> None:
    """A hollow mark on each unusual day, a line from what was usual, and the dates of the oddest."""
    dated = {row["date"] for row in sorted(outliers, key=lambda row: -abs(row["score"]))[:_DATED]}
    taken: list[pd.Timestamp] = []
    span = pd.Timedelta(days=max(_days(context) // 9, 1))
    for row in outliers:
        day = pd.Timestamp(row["date"])
        axes.vlines(day, *sorted((row["expected"], row["value"])), color=RED, linewidth=1)  # type: ignore[arg-type]
        axes.plot([day], [row["value"]], "D", color=RED, markerfacecolor="white", markersize=5, zorder=4)  # type: ignore[arg-type]
        if row["date"] in dated and not any(abs(day - other) < span for other in taken):
            taken.append(day)
            late = (context.tables.window.end - day.date()).days < _days(context) / 8
            axes.annotate(
                context.format.short_date(row["date"]),
                (day, row["value"]),
                (-6 if late else 6, 0),
                textcoords="offset points",
                ha="right" if late else "left",
                va="center",
                fontsize=8,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6, "alpha": 0.8},
            )


def _days(context: ChartContext) -> int:
    """Calendar days of the data: what the axis is as wide as."""
    window = context.tables.window
    return (window.end - window.start).days + 1


def _weekdays(axes: Axes, weekdays: Sequence[Mapping[str, Any]], context: ChartContext) -> None:
    """The median of every weekday relative to that of all days, with a line where all are alike."""
    write = context.format
    ratios = [row["ratio_to_median"] if row["ratio_to_median"] is not None else np.nan for row in weekdays]
    axes.barh(range(len(weekdays)), ratios, height=0.62, color=style.face(BLUE, 0.55))
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for row, ratio in enumerate(ratios):
        axes.text(0.03, row, write.percent(ratio), va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(weekdays)), [context.words(f"weekdays.{row['weekday']}") for row in weekdays], color=INK)
    axes.set_ylim(len(weekdays) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    highest = np.nanmax([*ratios, 1.0])
    axes.set_xlim(0, 1.08 * float(highest))
    axes.set_xticks([0, 1], [write.percent_tick(0), write.percent_tick(1)])
    axes.set_title(context.words("axis.weekday"), fontsize=8.5, loc="left", color=GREY, pad=3)


def _values(profile: Mapping[str, Any], context: ChartContext) -> dict[str, str]:
    prose, trend = context.prose, profile["trend"]
    ends = (prose.compact(trend["low"]), prose.compact(trend["high"]))
    return {
        "unusual": str(len(profile["outliers"])),
        "slope": prose.compact(trend["slope"]),
        "span": prose.span(*ends),
        "change": prose.signed_percent(profile["holdout_change"]),
    }
