"""Charts along the calendar: the KPI with fit and forecast, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts import style
from mmm_pipeline.reporting.charts.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.style import BLUE, INK, MUTED, ORANGE, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["contributions_over_time", "kpi_forecast"]

NAMED_CHANNELS = 7
"""More stacked colours than this cannot be told apart."""
_DAILY_UP_TO = 200


def kpi_forecast(context: ChartContext) -> Drawing:
    """Observed KPI, fit on the train days and forecast on the holdout, with 50 % and outer bands."""
    from matplotlib.dates import date2num
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, table = context.words, context.tables.forecast.sort_values("date")
    held_days = int(table["is_holdout"].sum())
    shown = table.tail(max(_DAILY_UP_TO - 50, 3 * held_days)) if len(table) > _DAILY_UP_TO else table
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
        words(f"charts.kpi_forecast.subtitle.{'all' if shown is table else 'recent'}", days=len(shown)),
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
        start = held.min() - pd.Timedelta(hours=12)
        axes.axvspan(start, held.max() + pd.Timedelta(hours=12), color=style.face(ORANGE, 0.13), zorder=0, linewidth=0)
        axes.axvline(start, color=ORANGE, linewidth=1)
        late = len(shown) - held_days > 0.75 * len(shown)  # no room to the right of the line
        label = axes.annotate(
            words("legend.holdout"),
            (date2num(start), 1.0),
            (-3 if late else 3, 2),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="right" if late else "left",
            color=MUTED,
        )
        label.set_in_layout(False)
    axes.set_ylim(bottom=min(0.0, float(shown["low"].min())))
    axes.margins(x=0.01)
    format_axis(axes, "y", context.format.compact)
    _date_axis(axes, context, len(shown))
    share = _share_inside(table[table["is_holdout"].astype(bool)])
    return Drawing(page.figure, {"inside": context.prose.percent(share)})


def contributions_over_time(context: ChartContext) -> Drawing:
    """Baseline and channels stacked day by day; all but the largest channels together."""
    from matplotlib.patches import Patch

    words, table = context.words, context.tables.contribution_over_time
    media = table[~table["is_baseline"].astype(bool)].pivot(index="date", columns="component", values="mean")
    baseline = table[table["is_baseline"].astype(bool)].set_index("date")["mean"]
    weekly = len(baseline) > _DAILY_UP_TO
    if weekly:
        media, baseline = _weekly_means(media), _weekly_means(baseline.to_frame())["mean"]
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
    _date_axis(axes, context, len(table["date"].unique()))
    return Drawing(page.figure, {"media_share": context.prose.percent(context.found.media_share)})


def _weekly_means(values: pd.DataFrame) -> pd.DataFrame:
    """Means of whole weeks; what is left at the end would be another length of time."""
    weeks = values.resample("7D")
    return weeks.mean().iloc[: len(values) // 7]


def _date_axis(axes: Axes, context: ChartContext, days: int) -> None:
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FuncFormatter

    write = context.format.short_date if days <= _DAILY_UP_TO else context.format.month
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: write(num2date(value))))
    axes.grid(axis="x", visible=False)


def _share_inside(table: pd.DataFrame) -> float:
    inside = (table["observed"] >= table["low"]) & (table["observed"] <= table["high"])
    return float(inside.mean()) if len(table) else float("nan")
