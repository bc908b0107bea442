"""Response curves as small multiples, one panel per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["response_curves"]

_BEYOND = "#e3e5e8"
_HALF: dict[str, Any] = {"marker": "D", "color": "white", "markeredgecolor": BLUE, "markersize": 4}


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
    if any(curve["is_half_saturation"].any() for curve in curves.values()):
        legend.append((Line2D([], [], linestyle="", **_HALF), words("legend.half_saturation")))
    page = style.new_page(
        -(-len(names) // columns) * style.panel_height(columns),
        words("charts.response_curves.title", kpi=context.kpi),
        words("charts.response_curves.subtitle", kpi=context.kpi, currency=context.format.currency),
        legend,
        columns=5,
    )
    for axes, name in zip(style.panels(page, len(names), columns, gap=0.42), names, strict=True):
        _response(axes, context, curves[name])
        style.panel_title(axes, context.labels[name], columns)
    return Drawing(page.figure, {"count": str(len(names))})


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
    half = curve[curve["is_half_saturation"].astype(bool)]
    axes.plot(half["spend"], half["kpi"], linestyle="", **_HALF)
    axes.set_xlim(0, spend.max() or 1)
    axes.set_ylim(0, 1.05 * max(float(np.nanmax(curve["high"])), 1e-9))
    for which in ("x", "y"):
        format_axis(axes, which, context.format.compact, ticks=3)
    axes.tick_params(labelsize=7)
