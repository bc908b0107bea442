"""Charts along the calendar: the KPI with fit and forecast, and what it is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.calendar import (
    DAILY_UP_TO,
    date_axis,
    is_smoothed,
    mark_holdout,
    weekly_means,
)
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, MUTED, PALE

__all__ = ["contributions_over_time", "kpi_forecast"]

NAMED_CHANNELS = 7
"""More stacked colours than this cannot be told apart."""


def kpi_forecast(context: ChartContext) -> Drawing:
    """Observed KPI, fit on the train days and forecast on the holdout, with 50 % and outer bands."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, table = context.words, context.tables.forecast.sort_values("date")
    held_days = int(table["is_holdout"].sum())
    shown = table.tail(max(DAILY_UP_TO - 50, 3 * held_days)) if is_smoothed(context, len(table)) else table
    outer, inner = style.face(BLUE, 0.16), style.face(BLUE, 0.34)
    legend = [
        (Line2D([], [], color=INK, marker="o", markersize=3, linewidth=0.6), words("legend.observed")),
        (Line2D([], [], color=BLUE, linewidth=1.8), words("legend.model_mean")),
        (Patch(color=inner), words("legend.band", interval=context.format.percent(0.5))),
        (Patch(color=outer), words("legend.band", interval=context.interval)),
    ]
    page = style.new_page(
        3.3,
        words("charts.kpi_forecast.title", kpi=context.kpi),
        words(f"charts.kpi_forecast.subtitle.{'all' if shown is table else 'recent'}", periods=len(shown)),
        legend,
    )
    axes = page.figure.subplots()
    days = shown["date"].to_numpy()
    axes.fill_between(days, shown["low"], shown["high"], color=outer, linewidth=0)
    axes.fill_between(days, shown["low_50"], shown["high_50"], color=inner, linewidth=0)
    axes.plot(days, shown["mean"], color=BLUE, linewidth=1.6)
    axes.plot(days, shown["observed"], color=INK, linewidth=0.6, marker="o", markersize=2.4)
    held = table.loc[table["is_holdout"].astype(bool), "date"]
    if not held.empty:
        late = len(shown) - held_days > 0.75 * len(shown)  # no room to the right of the line
        mark_holdout(axes, context, held.min(), held.max(), label_before=late)
    axes.set_ylim(bottom=min(0.0, float(shown["low"].min())))
    axes.margins(x=0.01)
    format_axis(axes, "y", context.format.compact)
    date_axis(axes, context, len(shown))
    share = _share_inside(table[table["is_holdout"].astype(bool)])
    return Drawing(page.figure, {"inside": context.prose.percent(share)})


def contributions_over_time(context: ChartContext) -> Drawing:
    """Baseline and channels stacked period by period; all but the largest channels together."""
    from matplotlib.patches import Patch

    words, table = context.words, context.tables.contribution_over_time
    media = table[~table["is_baseline"].astype(bool)].pivot(index="date", columns="component", values="mean")
    baseline = table[table["is_baseline"].astype(bool)].set_index("date")["mean"]
    weekly = is_smoothed(context, len(baseline))
    if weekly:
        media, baseline = weekly_means(media), weekly_means(baseline.to_frame())["mean"]
    named = [name for name in context.labels if name in media][:NAMED_CHANNELS]
    others = [name for name in media if name not in named]
    layers = [(words("legend.baseline"), PALE, baseline)]
    layers += [(context.labels[n], colour, media[n]) for n, colour in zip(named, style.PALETTE, strict=False)]
    if others:
        text = words("legend.other_channels", count=len(others))
        layers.append((text, MUTED, media[others].sum(axis=1)))
    page = style.new_page(
        3.4,
        words("charts.contributions_over_time.title", kpi=context.kpi),
        words(f"charts.contributions_over_time.subtitle.{'weekly' if weekly else 'daily'}", kpi=context.kpi),
        [(Patch(color=colour), label) for label, colour, _ in layers],
        columns=3,
    )
    axes = page.figure.subplots()
    axes.stackplot(
        baseline.index.to_numpy(),
        [np.asarray(values, dtype=float) for _, _, values in layers],
        colors=[colour for _, colour, _ in layers],
        linewidth=0.4,
        edgecolor="white",
    )
    axes.margins(x=0)
    format_axis(axes, "y", context.format.compact)
    date_axis(axes, context, len(table["date"].unique()))
    return Drawing(page.figure, {"media_share": context.prose.percent(context.found.media_share)})


def _share_inside(table: pd.DataFrame) -> float:
    inside = (table["observed"] >= table["low"]) & (table["observed"] <= table["high"])
    return float(inside.mean()) if len(table) else float("nan")
