"""Small multiples, one panel per channel: response curves, and retention before and after seeing the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts import style
from mmm_pipeline.reporting.charts.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.style import BLUE, INK, MUTED, ORANGE
from mmm_pipeline.reporting.names import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["response_curves", "retention"]

_BEYOND = "#e3e5e8"


def response_curves(context: ChartContext) -> Drawing:
    """KPI per day against daily spend, with band, today's point, and the region beyond the data shaded."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words = context.words
    curves = {name: curve.sort_values("spend") for name, curve in context.tables.response_curves.groupby("channel")}
    names = [name for name in context.labels if name in curves]
    columns = style.panel_columns(len(names))
    legend = [
        (Line2D([], [], color=BLUE, linewidth=1.8), words("legend.expected")),
        (Patch(color=style.face(BLUE, 0.2)), words("legend.band", interval=context.interval)),
        (Line2D([], [], color=ORANGE, marker="o", linestyle="", markeredgecolor=INK), words("legend.today")),
        (Patch(color=_BEYOND), words("legend.extrapolated")),
    ]
    page = style.new_page(
        -(-len(names) // columns) * _panel_height(columns),
        words("charts.response_curves.title", kpi=context.kpi),
        words("charts.response_curves.subtitle", kpi=context.kpi, currency=context.format.currency),
        legend,
    )
    for axes, name in zip(style.panels(page, len(names), columns, gap=0.42), names, strict=True):
        _response(axes, context, curves[name])
        _panel_title(axes, context.labels[name], columns)
    return Drawing(page.figure, {"count": str(len(names))})


def retention(context: ChartContext) -> Drawing:
    """Prior and posterior density of each channel's retention."""
    from matplotlib.patches import Patch

    words, table = context.words, context.tables.retention_density
    densities = {key: part.sort_values("retention") for key, part in table.groupby(["channel", "source"])}
    names = [name for name in context.labels if (name, "posterior") in densities]
    columns = style.panel_columns(len(names))
    page = style.new_page(
        -(-len(names) // columns) * (_panel_height(columns) - 0.2),
        words("charts.retention.title"),
        words("charts.retention.subtitle"),
        [
            (Patch(facecolor="#eceef0", edgecolor=MUTED), words("legend.prior")),
            (Patch(facecolor=style.face(BLUE, 0.3), edgecolor=BLUE), words("legend.posterior")),
        ],
    )
    for axes, name in zip(style.panels(page, len(names), columns, gap=0.16), names, strict=True):
        for source, colour, fill in (("prior", MUTED, "#eceef0"), ("posterior", BLUE, style.face(BLUE, 0.3))):
            part = densities.get((name, source))
            if part is not None:
                axes.fill_between(part["retention"], part["density"], color=fill, linewidth=0)
                axes.plot(part["retention"], part["density"], color=colour, linewidth=1.2)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(labelsize=7)
        _panel_title(axes, context.labels[name], columns)
    means = [_mean(densities[(name, "posterior")]) for name in names]
    figure = context.prose.number
    span = context.prose.span(figure(min(means), 2), figure(max(means), 2)) if means else ""
    return Drawing(page.figure, {"count": str(len(names)), "span": span})


def _response(axes: Axes, context: ChartContext, curve: pd.DataFrame) -> None:
    spend = curve["spend"].to_numpy(dtype=float)
    beyond = spend[curve["is_extrapolated"].to_numpy(dtype=bool)]
    within = spend[~curve["is_extrapolated"].to_numpy(dtype=bool)]
    if beyond.size and within.size:
        axes.axvspan(within.max(), spend.max(), color=_BEYOND, linewidth=0, zorder=0)
    axes.fill_between(spend, curve["low"], curve["high"], color=BLUE, alpha=0.2, linewidth=0)
    tried = spend <= (within.max() if within.size else np.inf)
    kpi = curve["kpi"].to_numpy(dtype=float)
    axes.plot(spend[tried], kpi[tried], color=BLUE, linewidth=1.5)
    untried = np.flatnonzero(~tried)
    if untried.size:
        since = max(int(untried[0]) - 1, 0)
        axes.plot(spend[since:], kpi[since:], color=BLUE, linewidth=1.5, linestyle=(0, (3, 1.6)))
    today = curve[curve["is_current"].astype(bool)]
    axes.plot(today["spend"], today["kpi"], "o", color=ORANGE, markeredgecolor=INK, markeredgewidth=0.6, markersize=5)
    axes.set_xlim(0, spend.max() or 1)
    axes.set_ylim(0, 1.05 * max(float(np.nanmax(curve["high"])), 1e-9))
    for which in ("x", "y"):
        format_axis(axes, which, context.format.compact, ticks=3)
    axes.tick_params(labelsize=7)


def _panel_title(axes: Axes, label: str, columns: int) -> None:
    axes.set_title(
        shorten(label, 26 if columns <= 4 else 22), fontsize=8.5 if columns <= 3 else 7.5, loc="left", pad=3, y=1.0
    )


def _panel_height(columns: int) -> float:
    return {1: 2.8, 2: 2.3, 3: 1.8, 4: 1.4}.get(columns, 1.22)


def _mean(density: pd.DataFrame) -> float:
    weight = density["density"].to_numpy(dtype=float)
    return float((density["retention"] * weight).sum() / max(weight.sum(), 1e-12))
